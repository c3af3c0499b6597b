//! Into the background: two forks and a session of its own between them, as daemon(7) has it, before
//! anything else is made. Whoever has started the daemon is told how it went: the first process stays
//! until the first worker is ready, and its exit code is what the server's would have been. Until
//! then the master's standard error is still the terminal, where a message has a reader.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::waitpid;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, pipe2, read, setsid, write};

use crate::signals;
use crate::spawn::{self, Forked};

/// Which process this is, after [`detach`].
#[derive(Debug)]
pub enum Side {
    /// One of those that were only there for the start: it ends with this code.
    Starter(u8),
    /// The daemon.
    Daemon(Launcher),
}

/// The daemon's connection to the process that waits for it to start. When it is lost, the start has
/// failed.
#[derive(Debug)]
pub struct Launcher(OwnedFd);

/// The code of a start that failed without a code of its own.
const FAILED: u8 = 1;

/// Makes a daemon of this process. Standard input and output are /dev/null afterwards, the working
/// directory is the same. To be called while there is one thread.
///
/// # Errors
/// Those of pipe2(2) and fork(2), a second thread, and no /dev/null.
pub fn detach() -> io::Result<Side> {
    let null = open_null()?;
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    if let Forked::Master(child) = spawn::fork().map_err(io::Error::other)? {
        drop(writer);
        // It ends as soon as it has forked; without this it would stay a zombie for as long as us.
        let _ = waitpid(child, None);
        return Ok(Side::Starter(outcome(&reader)));
    }
    drop(reader);
    setsid()?;
    // A session's leader could get a terminal by opening one; its child is not the leader.
    if let Forked::Master(_) = spawn::fork().map_err(io::Error::other)? {
        return Ok(Side::Starter(0));
    }
    signals::unblock();
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    Ok(Side::Daemon(Launcher(writer)))
}

fn open_null() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/null")
}

/// Waits for the daemon's word: 0 when it has started.
fn outcome(reader: &OwnedFd) -> u8 {
    let mut code = [FAILED];
    loop {
        match read(reader, &mut code) {
            Ok(1) => return code[0],
            Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return FAILED,
        }
    }
}

impl Launcher {
    /// The server serves: nobody is at the terminal any more.
    pub(crate) fn started(self) {
        leave_the_terminal();
        let _ = write(&self.0, &[0]);
    }

    /// The server ends with this code, and has never served.
    pub(crate) fn failed(self, code: u8) {
        let _ = write(&self.0, &[code.max(FAILED)]);
    }

    /// In a worker, which may outlive the start: it holds neither the terminal nor the connection.
    pub(crate) fn abandon(self) {
        leave_the_terminal();
    }
}

/// Closing it instead would give its number to the next file that is opened.
fn leave_the_terminal() {
    if let Err(error) = open_null().and_then(|null| Ok(dup2_stderr(null)?)) {
        tracing::warn!("Standard error stays what it was: /dev/null: {error}");
    }
}
