//! Bytes in and out, over TCP or a unix socket, each with a deadline; and the buffer in front of
//! them, which keeps what has come early: a pipelined response, or a byte that should not be there.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use super::error::ClientError;
use crate::deadline::Deadline;
use crate::harness::Address;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    pub(super) fn connect(address: &Address, deadline: Deadline) -> Result<Stream, ClientError> {
        let left = deadline.remaining().ok_or(ClientError::TimedOut)?;
        let connected = match address {
            Address::Tcp(address) => TcpStream::connect_timeout(address, left).and_then(|tcp| {
                tcp.set_nodelay(true)?;
                Ok(Stream::Tcp(tcp))
            }),
            Address::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
        };
        connected.map_err(ClientError::Connect)
    }

    fn read(&mut self, buffer: &mut [u8], deadline: Deadline) -> Result<usize, ClientError> {
        loop {
            let left = Some(deadline.remaining().ok_or(ClientError::TimedOut)?);
            let read = match self {
                Stream::Tcp(tcp) => tcp.set_read_timeout(left).and_then(|()| tcp.read(buffer)),
                Stream::Unix(unix) => unix.set_read_timeout(left).and_then(|()| unix.read(buffer)),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return Ok(other?),
            }
        }
    }

    fn write(&mut self, bytes: &[u8], deadline: Deadline) -> Result<usize, ClientError> {
        let left = Some(deadline.remaining().ok_or(ClientError::TimedOut)?);
        let written = match self {
            Stream::Tcp(tcp) => tcp.set_write_timeout(left).and_then(|()| tcp.write(bytes)),
            Stream::Unix(unix) => unix.set_write_timeout(left).and_then(|()| unix.write(bytes)),
        };
        Ok(written?)
    }

    pub(super) fn write_all(
        &mut self,
        mut bytes: &[u8],
        deadline: Deadline,
    ) -> Result<(), ClientError> {
        while !bytes.is_empty() {
            let written = self.write(bytes, deadline)?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    pub(super) fn finish_sending(&mut self) -> Result<(), ClientError> {
        match self {
            Stream::Tcp(tcp) => tcp.shutdown(Shutdown::Write)?,
            Stream::Unix(unix) => unix.shutdown(Shutdown::Write)?,
        }
        Ok(())
    }
}

/// What has come and has not been looked at, and where more comes from.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: Stream,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// As large as the largest head that is believed.
const BUFFER: usize = 64 * 1024;

impl Incoming {
    pub(super) fn new(stream: Stream) -> Incoming {
        Incoming { stream, buffer: vec![0; BUFFER].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    pub(super) fn buffered(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Reads once more behind what is there; how many bytes came, 0 at the end.
    pub(super) fn read_more(&mut self, deadline: Deadline) -> Result<usize, ClientError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let what = format!("no end of a line or a head within {BUFFER} bytes");
            return Err(ClientError::Malformed(what));
        }
        let read = self.stream.read(&mut self.buffer[self.end..], deadline)?;
        self.end += read;
        Ok(read)
    }

    /// What is there, after waiting for it if nothing is; empty at the end.
    pub(super) fn peek(&mut self, deadline: Deadline) -> Result<&[u8], ClientError> {
        if self.start == self.end {
            self.read_more(deadline)?;
        }
        Ok(self.buffered())
    }

    /// The next line, without its CRLF. A bare LF does not end a line: it is in it, and refused
    /// there.
    pub(super) fn line(
        &mut self,
        part: &'static str,
        deadline: Deadline,
    ) -> Result<String, ClientError> {
        let length = loop {
            let found = self.buffered().windows(2).position(|two| two == b"\r\n");
            match found {
                Some(length) => break length,
                None if self.read_more(deadline)? == 0 => return Err(ClientError::Short(part)),
                None => {}
            }
        };
        let line = self.buffered()[..length].to_vec();
        self.consume(length + 2);
        match String::from_utf8(line) {
            Ok(line) if line.chars().all(|c| c == '\t' || !c.is_control()) => Ok(line),
            other => Err(ClientError::Malformed(format!("{part}: {other:?}"))),
        }
    }
}
