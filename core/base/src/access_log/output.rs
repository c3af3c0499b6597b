//! Where the lines end up: written by one thread, which may wait.
//!
//! A file takes a batch in one write, at its end whoever else writes there (O_APPEND). Anything
//! else (a pipe, a terminal, a socket) gets pieces of whole lines of at most PIPE_BUF bytes, because
//! only these are not mixed with what other workers write (pipe(7)); a line that alone is longer is
//! cut.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use memchr::{memchr, memchr_iter, memrchr};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::write;

use super::escape::cut;
use super::losses::{Cause, Losses};
use super::object::Room;
use crate::config::Destination;
use crate::log::{LINE_LIMIT, open_append};

#[derive(Debug)]
enum Target {
    /// A copy of the descriptor: the original may be made to point elsewhere by `capture_output`.
    Standard(OwnedFd),
    File {
        path: PathBuf,
        file: File,
    },
}

/// How much is written at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Batch,
    Piece,
}

impl Unit {
    fn of(fd: impl AsFd) -> Unit {
        let kind = |mode| SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
        match fstat(fd) {
            Ok(status) if kind(status.st_mode) == SFlag::S_IFREG => Unit::Batch,
            _ => Unit::Piece,
        }
    }
}

/// The destination.
#[derive(Debug)]
pub(super) struct Output {
    target: Target,
    unit: Unit,
    /// The file has got a part of a line: the line feed that is missing comes first.
    torn: bool,
}

impl Output {
    /// # Errors
    /// Those of [`open_append`].
    pub(super) fn open(destination: &Destination) -> io::Result<Output> {
        let (target, unit) = match destination {
            Destination::Standard => {
                let copy = io::stdout().as_fd().try_clone_to_owned()?;
                let unit = Unit::of(&copy);
                (Target::Standard(copy), unit)
            }
            Destination::File(path) => {
                let file = open_append(path)?;
                let unit = Unit::of(&file);
                (Target::File { path: path.clone(), file }, unit)
            }
        };
        Ok(Output { target, unit, torn: false })
    }

    /// Opens a file again by its name.
    ///
    /// # Errors
    /// Those of [`open_append`]; the old file stays open.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Target::File { path, .. } = &self.target {
            *self = Output::open(&Destination::File(path.clone()))?;
        }
        Ok(())
    }

    /// How long a line may be that is not to be cut.
    pub(super) fn room(&self) -> Room {
        match self.unit {
            Unit::Batch => Room::Endless,
            Unit::Piece => Room::OneLine,
        }
    }

    /// Writes whole lines; waits as long as it takes.
    pub(super) fn write(&mut self, lines: &[u8], losses: &Losses) {
        match self.unit {
            Unit::Batch => self.put(lines, losses),
            Unit::Piece => {
                for piece in pieces(lines) {
                    if piece.len() <= LINE_LIMIT {
                        self.put(piece, losses);
                    } else {
                        let mut line = cut(piece, LINE_LIMIT - 1).to_vec();
                        line.push(b'\n');
                        self.put(&line, losses);
                    }
                }
            }
        }
    }

    fn put(&mut self, lines: &[u8], losses: &Losses) {
        if self.torn && self.try_put(b"\n").is_ok() {
            self.torn = false;
        }
        if let Err((unwritten, errno)) = self.try_put(lines) {
            let written = lines.len() - unwritten.len();
            self.torn |= written > 0 && lines[written - 1] != b'\n';
            let lost = memchr_iter(b'\n', unwritten).count();
            losses.add(lost as u64, Cause::Refused(errno));
        }
    }

    fn try_put<'a>(&self, bytes: &'a [u8]) -> Result<(), (&'a [u8], Errno)> {
        match &self.target {
            Target::Standard(copy) => put_all(copy, bytes),
            Target::File { file, .. } => put_all(file, bytes),
        }
    }
}

/// Writes everything, or says what is left.
fn put_all(fd: impl AsFd, mut bytes: &[u8]) -> Result<(), (&[u8], Errno)> {
    while !bytes.is_empty() {
        match write(&fd, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EINTR) => {}
            // A FIFO that we have opened, or a standard output that somebody has made non-blocking.
            Err(Errno::EAGAIN) => {
                let mut wanted = [PollFd::new(fd.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut wanted, PollTimeout::NONE) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(errno) => return Err((bytes, errno)),
                }
            }
            Err(errno) => return Err((bytes, errno)),
        }
    }
    Ok(())
}

/// Splits lines into pieces of whole lines of at most [`LINE_LIMIT`] bytes, or of one longer line.
fn pieces(mut lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = if lines.len() <= LINE_LIMIT {
            lines.len()
        } else {
            memrchr(b'\n', &lines[..LINE_LIMIT])
                .or_else(|| memchr(b'\n', lines))
                .map_or(lines.len(), |at| at + 1)
        };
        let (piece, rest) = lines.split_at(end);
        lines = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pieces_are_whole_lines_and_everything_is_in_one() {
        let lines: Vec<u8> = [10, 4000, 85, 1, 1, 4096, 5000, 3, 4094, 1]
            .iter()
            .flat_map(|&length| [vec![b'x'; length - 1], vec![b'\n']].concat())
            .collect();
        let lengths: Vec<_> = pieces(&lines).map(<[u8]>::len).collect();
        assert_eq!(lengths, [4096, 1, 4096, 5000, 3, 4095]);
        assert_eq!(pieces(&lines).collect::<Vec<_>>().concat(), lines);
        assert!(pieces(&lines).all(|piece| piece.ends_with(b"\n")));
        assert_eq!(pieces(b"").count(), 0);
    }

    #[test]
    fn a_pipe_gets_a_long_line_cut_and_a_file_gets_it_whole() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [b"a\n".to_vec(), vec![b'x'; 5000], b"\nb\n".to_vec()].concat();
        let losses = Losses::default();

        let path = folder.path().join("file");
        let mut output = Output::open(&Destination::File(path.clone())).unwrap();
        output.write(&lines, &losses);
        assert_eq!(std::fs::read(path).unwrap(), lines);

        let (reader, writer) = std::io::pipe().unwrap();
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        output.unit = Unit::of(&file);
        output.target = Target::File { path: PathBuf::new(), file };
        output.write(&lines, &losses);
        drop(output);
        let mut got = String::new();
        { reader }.read_to_string(&mut got).unwrap();
        let lengths: Vec<_> = got.lines().map(str::len).collect();
        assert_eq!(lengths, [1, LINE_LIMIT - 1, 1]);
        assert_eq!(losses.total(), 0);
    }

    #[test]
    fn what_the_system_refuses_is_counted() {
        let mut output = Output::open(&Destination::File("/dev/full".into())).unwrap();
        let losses = Losses::default();
        output.write(b"a\nb\nc\n", &losses);
        assert_eq!(losses.total(), 3);
        assert!(!output.torn);
        output.torn = true;
        output.write(b"d\n", &losses);
        assert_eq!((losses.total(), output.torn), (4, true));
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut output = Output::open(&Destination::File(path.clone())).unwrap();
        let losses = Losses::default();
        output.write(b"half", &losses);
        output.torn = true;
        output.write(b"a\n", &losses);
        output.write(b"b\n", &losses);
        assert_eq!(std::fs::read(path).unwrap(), b"half\na\nb\n");
    }
}
