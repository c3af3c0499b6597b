//! Bytes on their way to a client: small ones are copied together, large ones queue as they are and
//! go out by writev(2).

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use bytes::{Buf, Bytes, BytesMut};
use nix::sys::socket::{MsgFlags, send};

use crate::sys;

/// Pieces up to this size are copied behind what is there already.
const COPY_UP_TO: usize = 8 * 1024;

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is with the kernel.
    All,
    /// The kernel takes no more for now; something may have gone.
    Some,
}

#[derive(Debug, Default)]
pub(crate) struct Output {
    ahead: VecDeque<Bytes>,
    tail: BytesMut,
    blocked: bool,
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.ahead.is_empty()
    }

    /// The last flush left something.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// How many bytes are waiting.
    pub(crate) fn len(&self) -> usize {
        self.tail.len() + self.ahead.iter().map(Bytes::len).sum::<usize>()
    }

    /// Where the codec writes.
    pub(crate) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    /// Puts bytes behind all others.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() <= COPY_UP_TO {
            return self.tail.extend_from_slice(&bytes);
        }
        if !self.tail.is_empty() {
            self.ahead.push_back(self.tail.split().freeze());
        }
        self.ahead.push_back(bytes);
    }

    /// Gives the kernel what it takes. Returns also whether anything went, for the idle timeout.
    pub(crate) fn flush(&mut self, socket: BorrowedFd<'_>) -> io::Result<(Flushed, usize)> {
        let mut total = 0;
        while !self.is_empty() {
            let sent = match self.ahead.is_empty() {
                true => self.send_tail(socket),
                false => {
                    if !self.tail.is_empty() {
                        self.ahead.push_back(self.tail.split().freeze());
                    }
                    sys::send_pieces(socket, &mut self.ahead)
                }
            };
            match sent {
                Ok(count) => total += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    return Ok((Flushed::Some, total));
                }
                Err(error) => return Err(error),
            }
        }
        self.blocked = false;
        Ok((Flushed::All, total))
    }

    fn send_tail(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let sent = send(socket.as_raw_fd(), &self.tail, MsgFlags::MSG_NOSIGNAL)?;
        match sent == self.tail.len() {
            true => self.tail.clear(),
            false => self.tail.advance(sent),
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn small_and_large_pieces_arrive_in_order_over_a_slow_socket() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut output = Output::default();
        let mut expected = Vec::new();
        for n in 0..200_usize {
            let piece = Bytes::from(vec![n as u8; [3, 20_000, 0, 9_000][n % 4]]);
            expected.extend_from_slice(&piece);
            output.push(piece);
        }
        assert_eq!(output.len(), expected.len());
        let mut got = Vec::new();
        while output.flush(ours.as_fd()).unwrap().0 == Flushed::Some {
            assert!(output.is_blocked());
            let mut some = vec![0; 50_000];
            let count = theirs.read(&mut some).unwrap();
            got.extend_from_slice(&some[..count]);
        }
        drop(ours);
        theirs.read_to_end(&mut got).unwrap();
        assert!(got == expected);
    }
}
