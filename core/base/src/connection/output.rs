//! Bytes on their way to a client: small ones are copied together, large ones queue as they are and
//! go out in one system call, and parts of files queue among them and never become bytes of ours.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd};

use bytes::{Buf, Bytes, BytesMut};
use nix::sys::socket::{MsgFlags, send, sendmsg};

use super::sendfile::{Fault, FileOutput};
use crate::body::FilePart;
use crate::serve::Push;

/// Pieces up to this size are copied behind what is there already.
const COPY_UP_TO: usize = 8 * 1024;
/// How many pieces go out in one system call.
const PIECES_AT_ONCE: usize = 16;
/// How many bytes of files one flush sends at most. A client that reads as fast as the kernel copies
/// would otherwise keep the thread until the last byte of a file of any size.
const FILE_BYTES_A_TURN: usize = 1024 * 1024;
/// nix has no name for it.
const MORE_FOLLOWS: MsgFlags = MsgFlags::from_bits_retain(libc::MSG_MORE);

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is with the kernel.
    All,
    /// Something is left: the kernel takes no more for now, or it is somebody else's turn.
    Some,
}

/// Why the last flush left something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stall {
    #[default]
    None,
    /// The kernel takes no more.
    Full,
    /// The kernel would take more, but it is somebody else's turn.
    Turn,
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    File(FileOutput),
}

#[derive(Debug, Default)]
pub(crate) struct Output {
    ahead: VecDeque<Piece>,
    tail: BytesMut,
    stall: Stall,
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.ahead.is_empty()
    }

    /// The last flush left something.
    pub(crate) fn is_blocked(&self) -> bool {
        self.stall != Stall::None
    }

    /// The last flush left something although the kernel would have taken it.
    pub(crate) fn has_yielded(&self) -> bool {
        self.stall == Stall::Turn
    }

    /// How many bytes are waiting, those of files included.
    pub(crate) fn len(&self) -> u64 {
        let ahead = self.ahead.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len() as u64,
            Piece::File(file) => file.len(),
        });
        self.tail.len() as u64 + ahead.sum::<u64>()
    }

    /// It is bytes that were copied together, and so few that a socket's buffer has room for them.
    pub(crate) fn is_small(&self) -> bool {
        self.ahead.is_empty() && self.tail.len() <= COPY_UP_TO
    }

    /// How many bytes are waiting in memory.
    pub(crate) fn in_memory(&self) -> usize {
        let ahead = self.ahead.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::File(_) => 0,
        });
        self.tail.len() + ahead.sum::<usize>()
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
        self.shelve_tail();
        self.ahead.push_back(Piece::Bytes(bytes));
    }

    /// Puts a part of a file behind everything else.
    pub(crate) fn push_file(&mut self, part: FilePart) {
        self.shelve_tail();
        self.ahead.push_back(Piece::File(FileOutput::new(part)));
    }

    fn shelve_tail(&mut self) {
        if !self.tail.is_empty() {
            self.ahead.push_back(Piece::Bytes(self.tail.split().freeze()));
        }
    }

    /// Gives the kernel what it takes. Returns also whether anything went, for the idle timeout.
    ///
    /// After a fault of a file nothing is left: what follows it can never be sent.
    pub(crate) fn flush(
        &mut self,
        socket: BorrowedFd<'_>,
        push: Push,
    ) -> Result<(Flushed, usize), Fault> {
        let mut total = 0;
        let mut turn = FILE_BYTES_A_TURN;
        while !self.is_empty() {
            if turn == 0 {
                self.stall = Stall::Turn;
                return Ok((Flushed::Some, total));
            }
            match self.send_front(socket, push, &mut turn) {
                Ok(count) => total += count,
                Err(Fault::Socket(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(Fault::Socket(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stall = Stall::Full;
                    return Ok((Flushed::Some, total));
                }
                Err(fault) => {
                    *self = Output::default();
                    return Err(fault);
                }
            }
        }
        self.stall = Stall::None;
        Ok((Flushed::All, total))
    }

    fn send_front(
        &mut self,
        socket: BorrowedFd<'_>,
        push: Push,
        turn: &mut usize,
    ) -> Result<usize, Fault> {
        match self.ahead.front_mut() {
            None => self.send_tail(socket, push),
            Some(Piece::Bytes(_)) => self.send_pieces(socket),
            Some(Piece::File(file)) => {
                let sent = file.send(socket, *turn)?;
                *turn -= sent;
                if file.len() == 0 {
                    self.ahead.pop_front();
                }
                Ok(sent)
            }
        }
    }

    fn send_tail(&mut self, socket: BorrowedFd<'_>, push: Push) -> Result<usize, Fault> {
        let flags = match push {
            Push::Now => MsgFlags::MSG_NOSIGNAL,
            Push::Later => MsgFlags::MSG_NOSIGNAL | MORE_FOLLOWS,
        };
        let sent = send(socket.as_raw_fd(), &self.tail, flags)?;
        match sent == self.tail.len() {
            true => self.tail.clear(),
            false => self.tail.advance(sent),
        }
        Ok(sent)
    }

    /// Sends the bytes in front, up to the first file, and drops what was taken.
    fn send_pieces(&mut self, socket: BorrowedFd<'_>) -> Result<usize, Fault> {
        self.shelve_tail();
        let mut flags = MsgFlags::MSG_NOSIGNAL;
        let mut slices = [IoSlice::new(&[]); PIECES_AT_ONCE];
        let mut count = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.ahead) {
            let Piece::Bytes(bytes) = piece else {
                // A head by itself would be a packet by itself.
                flags |= MORE_FOLLOWS;
                break;
            };
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        let sent = sendmsg::<()>(socket.as_raw_fd(), &slices[..count], &[], flags, None)?;
        let mut left = sent;
        while let Some(Piece::Bytes(front)) = self.ahead.front_mut() {
            if left < front.len() {
                front.advance(left);
                break;
            }
            left -= front.len();
            self.ahead.pop_front();
        }
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;

    fn slow_socket() -> (UnixStream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (ours, theirs)
    }

    fn file(length: usize) -> (Arc<File>, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|n| (n / 251) as u8 ^ n as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        (Arc::new(file), bytes)
    }

    /// Flushes until everything has gone, the client reading a little each time.
    fn everything(mut output: Output, ours: UnixStream, mut theirs: UnixStream) -> Vec<u8> {
        let mut got = Vec::new();
        while output.flush(ours.as_fd(), Push::Now).unwrap().0 == Flushed::Some {
            assert!(output.is_blocked());
            let mut some = vec![0; 50_000];
            let count = theirs.read(&mut some).unwrap();
            got.extend_from_slice(&some[..count]);
        }
        assert!(!output.is_blocked());
        drop(ours);
        theirs.read_to_end(&mut got).unwrap();
        got
    }

    #[test]
    fn small_and_large_pieces_arrive_in_order_over_a_slow_socket() {
        let (ours, theirs) = slow_socket();
        let mut output = Output::default();
        let mut expected = Vec::new();
        for n in 0..200_usize {
            let piece = Bytes::from(vec![n as u8; [3, 20_000, 0, 9_000][n % 4]]);
            expected.extend_from_slice(&piece);
            output.push(piece);
        }
        assert_eq!(output.len(), expected.len() as u64);
        assert_eq!(output.in_memory(), expected.len());
        assert!(everything(output, ours, theirs) == expected);
    }

    #[test]
    fn parts_of_files_arrive_in_order_among_the_bytes() {
        let (ours, theirs) = slow_socket();
        let (file, bytes) = file(300_000);
        let mut output = Output::default();
        let mut expected = Vec::new();
        for n in 0..12_usize {
            let piece = Bytes::from(vec![b'a' + n as u8; [3, 0, 20_000][n % 3]]);
            expected.extend_from_slice(&piece);
            output.push(piece);
            let range = [1..2, 7..290_000, 299_000..300_000, 5..5][n % 4].clone();
            expected.extend_from_slice(&bytes[range.clone()]);
            output.push_file(FilePart::new(file.clone(), range.start as u64..range.end as u64));
        }
        output.push("the end".into());
        expected.extend_from_slice(b"the end");
        assert_eq!(output.len(), expected.len() as u64);
        assert!(output.in_memory() < 100_000, "{} bytes", output.in_memory());
        assert!(everything(output, ours, theirs) == expected);
    }

    #[test]
    fn a_file_leaves_the_others_their_turn_even_if_the_socket_takes_everything() {
        let (file, _) = file(FILE_BYTES_A_TURN + 1);
        let mut output = Output::default();
        output.push_file(FilePart::new(file, 0..FILE_BYTES_A_TURN as u64 + 1));
        // The fastest client there is.
        let null = File::options().write(true).open("/dev/null").unwrap();
        assert_eq!(
            output.flush(null.as_fd(), Push::Now).unwrap(),
            (Flushed::Some, FILE_BYTES_A_TURN)
        );
        assert!(output.is_blocked() && output.has_yielded());
        assert_eq!(output.flush(null.as_fd(), Push::Now).unwrap(), (Flushed::All, 1));
        assert!(!output.is_blocked() && !output.has_yielded());
    }

    #[test]
    fn behind_a_file_that_is_too_short_nothing_is_sent() {
        let (ours, mut theirs) = slow_socket();
        let (file, _) = file(10);
        let mut output = Output::default();
        output.push("head ".into());
        output.push_file(FilePart::new(file, 5..15));
        output.push("behind".into());
        let fault = output.flush(ours.as_fd(), Push::Now).unwrap_err();
        assert!(matches!(fault, Fault::File { .. }), "{fault}");
        assert!(output.is_empty() && !output.is_blocked());
        drop(ours);
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).unwrap();
        assert_eq!(got.len(), "head ".len() + 5);
    }
}
