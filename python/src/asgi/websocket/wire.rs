//! The socket of a WebSocket, as tungstenite wants it, and in front of all frames the end of the opening
//! handshake.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use bytes::{Buf, Bytes};
use nix::sys::socket::{MsgFlags, recv, send};

/// See the module.
#[derive(Debug)]
pub(super) struct Wire {
    /// It does not block.
    socket: OwnedFd,
    answer: Bytes,
}

impl Wire {
    pub(super) fn new(socket: OwnedFd, answer: Bytes) -> Wire {
        Wire { socket, answer }
    }

    /// Writes what stands in front of all frames.
    ///
    /// # Errors
    /// Those of send(2).
    pub(super) fn greet(&mut self) -> io::Result<()> {
        while !self.answer.is_empty() {
            let sent = self.put(&self.answer)?;
            self.answer.advance(sent);
        }
        Ok(())
    }

    fn put(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL)?)
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self.socket.as_raw_fd(), buffer, MsgFlags::empty())?)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.greet()?;
        self.put(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.greet()
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
