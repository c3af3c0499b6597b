//! The fork, and the end of what was forked. A child of fork(2) is a copy of everything, and most of
//! it is not its own: it must not run the master's handlers, hold the master's ends of pipes, flush
//! the master's buffers or unwind into the master's frames. This file is where that is seen to, once
//! for every worker class; what a worker does in between is in [`life`].
#![allow(unsafe_code)]

use std::io::{self, Write};

use nix::unistd::{ForkResult, Pid};

use crate::event::Ending;
use crate::life::{self, Engagement, Inheritance};
use crate::signals;

/// On which side of the fork we are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forked {
    Master(Pid),
    Child,
}

/// Why there was no fork.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForkError {
    /// A lock that a second thread holds at the moment of the fork is never released in the child.
    #[error("the master has a second thread: {0}")]
    Threads(String),
    #[error("fork: {0}")]
    System(io::Error),
}

/// The names of the threads beside this one. Where there is no /proc, none are known.
fn other_threads() -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let own = nix::unistd::gettid().to_string();
    let others = tasks.flatten().filter(|task| task.file_name() != *own);
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    others
        .map(|task| name(task).map_or_else(|_| "unnamed".to_owned(), |n| n.trim_end().to_owned()))
        .collect()
}

/// Forks. The child comes back with all signals blocked, see [`signals::handle_as_worker`] and
/// [`signals::reset`].
///
/// # Errors
/// This process has more than one thread, or fork(2) says no.
#[expect(clippy::disallowed_methods, reason = "this is the one place that forks")]
pub(crate) fn fork() -> Result<Forked, ForkError> {
    let others = other_threads();
    if !others.is_empty() {
        return Err(ForkError::Threads(others.join(", ")));
    }
    flush();
    signals::block();
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    let forked = unsafe { nix::unistd::fork() };
    if !matches!(forked, Ok(ForkResult::Child)) {
        signals::unblock();
    }
    match forked {
        Ok(ForkResult::Child) => Ok(Forked::Child),
        Ok(ForkResult::Parent { child }) => Ok(Forked::Master(child)),
        Err(error) => Err(ForkError::System(error.into())),
    }
}

/// Collects one child that has ended, if there is one. (nix cannot: of a child that a real-time
/// signal ended it makes an error, and the child is gone by then.)
pub(crate) fn reap() -> Option<(Pid, Ending)> {
    let mut status = 0;
    // SAFETY: the status is a live local of the right type.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    if pid <= 0 {
        return None;
    }
    let how = if libc::WIFSIGNALED(status) {
        Ending::Signal(libc::WTERMSIG(status))
    } else {
        Ending::Code(libc::WEXITSTATUS(status))
    };
    Some((Pid::from_raw(pid), how))
}

/// What is buffered would be written by both sides of a fork.
fn flush() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
}

/// The rest of the child's life: see [`life`].
pub(crate) fn live(inheritance: Inheritance, engagement: Engagement) -> ! {
    let exit = life::live(inheritance, |_| Ok(engagement));
    flush();
    quit(exit as u8)
}

/// Ends the process at once, and runs nothing of what this program, or the one that it was forked
/// from, wants done at its end.
pub(crate) fn quit(code: u8) -> ! {
    // SAFETY: _exit ends the process.
    unsafe { libc::_exit(code.into()) }
}
