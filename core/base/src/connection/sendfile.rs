//! A part of a file on its way to a client. sendfile(2) does it where it can; where a file system does
//! not know it, a piece is read and sent. What stands in the way may be the client's fault or the
//! file's, and only the second is news to an operator.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::sendfile::sendfile64;
use nix::sys::socket::{MsgFlags, send};

use crate::body::{FilePart, READ_AT_ONCE};

/// What went wrong with a flush.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The socket says no, for good or for now.
    #[error(transparent)]
    Socket(#[from] io::Error),
    /// The file cannot be read, or ends too early.
    #[error("{name}: {error}")]
    File { name: String, error: io::Error },
}

impl From<Errno> for Fault {
    fn from(error: Errno) -> Fault {
        Fault::Socket(error.into())
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        match fault {
            Fault::Socket(error) | Fault::File { error, .. } => error,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Sendfile,
    ReadAndSend,
}

#[derive(Debug)]
pub(super) struct FileOutput {
    part: FilePart,
    way: Way,
}

impl FileOutput {
    pub(super) fn new(part: FilePart) -> FileOutput {
        FileOutput { part, way: Way::Sendfile }
    }

    /// How many bytes are left.
    pub(super) fn len(&self) -> u64 {
        self.part.len()
    }

    /// Gives the kernel some of it, at most `most` bytes. 0 only when nothing is left.
    pub(super) fn send(&mut self, socket: BorrowedFd<'_>, most: usize) -> Result<usize, Fault> {
        if self.part.is_empty() {
            return Ok(0);
        }
        let sent = match self.way {
            Way::Sendfile => self.sendfile(socket, most)?,
            Way::ReadAndSend => self.read_and_send(socket, most)?,
        };
        self.part.advance(sent as u64);
        Ok(sent)
    }

    fn sendfile(&mut self, socket: BorrowedFd<'_>, most: usize) -> Result<usize, Fault> {
        let most = usize::try_from(self.part.len()).map_or(most, |left| left.min(most));
        let mut offset = i64::try_from(self.part.offset())
            .map_err(|error| self.blame(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        match sendfile64(socket, self.part.file(), Some(&mut offset), most) {
            Ok(0) => Err(self.blame(self.part.too_short())),
            Ok(sent) => Ok(sent),
            Err(error @ (Errno::EAGAIN | Errno::EINTR)) => Err(error.into()),
            // EINVAL, mostly: the file system cannot. Any other error could be the file's or the
            // socket's: reading from the one and sending to the other tells.
            Err(_) => {
                self.way = Way::ReadAndSend;
                self.read_and_send(socket, most)
            }
        }
    }

    /// What the socket does not take is read again next time: nothing is kept.
    fn read_and_send(&self, socket: BorrowedFd<'_>, most: usize) -> Result<usize, Fault> {
        let mut buffer = vec![0; READ_AT_ONCE.min(most)];
        let count = self.part.peek(&mut buffer).map_err(|error| self.blame(error))?;
        Ok(send(socket.as_raw_fd(), &buffer[..count], MsgFlags::MSG_NOSIGNAL)?)
    }

    fn blame(&self, error: io::Error) -> Fault {
        Fault::File { name: name_of(self.part.file()), error }
    }
}

/// What the file is called now, as far as the system knows.
fn name_of(file: &File) -> String {
    std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        .map_or_else(|_| "(a file)".to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn both_ways_send_the_same_bytes_and_find_the_same_fault() {
        for way in [Way::Sendfile, Way::ReadAndSend] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"0123456789").unwrap();
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            let mut output = FileOutput { part: FilePart::new(file, 2..12), way };
            assert_eq!(output.send(ours.as_fd(), 3).unwrap(), 3);
            assert_eq!(output.send(ours.as_fd(), 100).unwrap(), 5);
            let fault = output.send(ours.as_fd(), 100).unwrap_err();
            assert!(matches!(fault, Fault::File { .. }), "{way:?}: {fault}");
            assert!(fault.to_string().ends_with("2 bytes before its announced length"));
            drop(ours);
            let mut got = String::new();
            theirs.read_to_string(&mut got).unwrap();
            assert_eq!(got, "23456789", "{way:?}");
        }
    }

    #[test]
    fn what_sendfile_cannot_do_is_read_and_sent() {
        // A socket that is no socket of a client's: an append-only file, to which sendfile(2) refuses
        // to write with EINVAL. send(2) then says whose fault it is.
        let file = tempfile::tempfile().unwrap();
        (&file).write_all(b"0123456789").unwrap();
        let target = tempfile::NamedTempFile::new().unwrap();
        let append = std::fs::OpenOptions::new().append(true).open(target.path()).unwrap();
        let mut output = FileOutput::new(FilePart::new(file, 0..10));
        let fault = output.send(append.as_fd(), 100).unwrap_err();
        assert!(matches!(fault, Fault::Socket(_)), "{fault}");
        assert_eq!(output.way, Way::ReadAndSend);
    }

    #[test]
    fn a_client_that_is_gone_is_not_the_files_fault() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let mut output = FileOutput::new(FilePart::new(file, 0..10));
        let fault = output.send(ours.as_fd(), 100).unwrap_err();
        assert!(matches!(fault, Fault::Socket(_)), "{fault}");
    }
}
