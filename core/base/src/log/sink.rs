//! Where the lines of the error log go, without ever waiting there.
//!
//! A file that we open is our own open file, and can be made non-blocking. Standard error is shared
//! with the shell, with the other processes, with who knows whom: the flag would be theirs too. For
//! a pipe or a terminal it is therefore opened once more, through /proc, as a file of our own. Where
//! that is forbidden (a pipe of another user's) poll(2) is asked before each line; then another
//! process that fills the pipe between the two calls can still make us wait.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::write;

use super::entry::Entry;
use crate::config::{Destination, LogFormat, LogLevel};

/// Opens a log file to append to it, creates it, and does not wait for the reader of a FIFO.
///
/// # Errors
/// Those of open(2), the message beginning with the path.
pub(crate) fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

enum Target {
    Standard(Shared),
    File { path: PathBuf, file: File },
}

/// The destination, and what it has failed to take.
pub(super) struct Sink {
    target: Target,
    /// Of what it says itself.
    format: LogFormat,
    lost: u64,
    /// The last line was taken in part: the next one begins with the line feed that is missing.
    torn: bool,
}

impl Sink {
    /// # Errors
    /// Those of [`open_append`].
    pub(super) fn open(destination: &Destination, format: LogFormat) -> io::Result<Sink> {
        let target = match destination {
            Destination::Standard => Target::Standard(Shared::default()),
            Destination::File(path) => {
                Target::File { path: path.clone(), file: open_append(path)? }
            }
        };
        Ok(Sink { target, format, lost: 0, torn: false })
    }

    /// # Errors
    /// Those of [`open_append`]; the old file stays open.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if let Target::File { path, file } = &mut self.target {
            *file = open_append(path)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Goes on elsewhere; what was lost here is reported there.
    pub(super) fn replace(&mut self, other: Sink) {
        (self.target, self.format) = (other.target, other.format);
        self.torn = false;
    }

    /// Writes one line, which ends with a line feed, or counts it as lost.
    pub(super) fn write(&mut self, line: &[u8]) {
        if self.lost > 0 {
            let message = format!("{} lines of this log were lost here", self.lost);
            let (level, target) = (LogLevel::Warning, module_path!());
            let report = Entry { level, target, message: &message }.line(self.format);
            match self.put(&report) {
                Ok(()) => self.lost = 0,
                Err(_) => {
                    self.lost += 1;
                    return;
                }
            }
        }
        if self.put(line).is_err() {
            self.lost += 1;
        }
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let mended;
        let line = if self.torn {
            mended = [b"\n", line].concat();
            &mended
        } else {
            line
        };
        let taken = match &mut self.target {
            Target::Standard(shared) => shared.write(io::stderr().as_fd(), line)?,
            Target::File { file, .. } => once(file, line)?,
        };
        self.torn = taken < line.len();
        Ok(())
    }
}

/// One write(2), unless a signal has come before it.
fn once(fd: impl AsFd, line: &[u8]) -> io::Result<usize> {
    loop {
        match write(fd.as_fd(), line) {
            Err(Errno::EINTR) => {}
            done => return Ok(done?),
        }
    }
}

/// A descriptor whose open file others have too.
#[derive(Default)]
struct Shared {
    /// Device and inode that the descriptor had when it was opened again, and how that went. It may
    /// be redirected at any time: a daemon does that to its standard streams.
    own: Option<((u64, u64), Option<File>)>,
}

impl Shared {
    fn write(&mut self, fd: BorrowedFd<'_>, line: &[u8]) -> io::Result<usize> {
        let status = fstat(fd)?;
        let kind = SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT;
        if kind == SFlag::S_IFSOCK {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            return Ok(send(fd.as_raw_fd(), line, flags)?);
        }
        if kind != SFlag::S_IFREG {
            if let Some(own) = self.own(fd, (status.st_dev, status.st_ino)) {
                return once(own, line);
            }
            if poll(&mut [PollFd::new(fd, PollFlags::POLLOUT)], PollTimeout::ZERO)? == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        once(fd, line)
    }

    fn own(&mut self, fd: BorrowedFd<'_>, identity: (u64, u64)) -> Option<&File> {
        if self.own.as_ref().map(|(known, _)| *known) != Some(identity) {
            let again = OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(format!("/proc/self/fd/{}", fd.as_raw_fd()));
            self.own = Some((identity, again.ok()));
        }
        self.own.as_ref().and_then(|(_, file)| file.as_ref())
    }
}

#[cfg(test)]
mod tests;
