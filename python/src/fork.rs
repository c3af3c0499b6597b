//! The fork of a worker, in two steps: this process forks one that forks the worker and ends, so that the
//! worker is an orphan and becomes the master's child. Python is told of it (the hooks of
//! `os.register_at_fork`, the locks of its imports, its idea of its threads) as os.fork() would tell it,
//! but only in the worker: the process between the two runs nothing of Python.
//!
//! A worker lives only if the master was told of it: until then it waits, and if nobody can be told any
//! more it ends.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::unistd::{Pid, pipe2, read, write};
use oxicorn_arbiter::zygote::child;
use pyo3::{Python, ffi};

/// On which side of the fork we are.
pub(crate) enum Forked {
    /// In the zygote. There is a worker, of which the master was told. No number: the process between
    /// was killed before it could say it here, too.
    Zygote(Option<Pid>),
    /// In the worker, with all signals blocked.
    Worker,
}

/// Forks a worker. `tell` tells the master its number, in a process that must do nothing else, and says
/// whether it could.
///
/// # Errors
/// There is no worker.
pub(crate) fn fork(
    _attached: Python<'_>,
    tell: impl FnOnce(Pid) -> Result<(), ()>,
) -> io::Result<Forked> {
    let (confirmed, confirm) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let (number_here, number_there) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    child::block_signals();
    // SAFETY: the thread is attached, and is the interpreter's main thread: it has called `main`.
    unsafe { ffi::PyOS_BeforeFork() };
    // SAFETY: the child calls what is safe after a fork from a process with threads: memory can be
    // allocated there, because glibc takes its locks over (and musl has one).
    match unsafe { libc::fork() } {
        0 => {
            drop(number_here);
            between(confirmed, confirm, |worker| {
                tell(worker)?;
                let _ = write(&number_there, &worker.as_raw().to_ne_bytes());
                Ok(())
            })
        }
        number => {
            let failed = (number < 0).then(io::Error::last_os_error);
            drop((confirmed, confirm, number_there));
            // SAFETY: as above.
            unsafe { ffi::PyOS_AfterFork_Parent() };
            child::unblock_signals();
            match failed {
                Some(error) => Err(error),
                None => wait_for(number).map(|()| Forked::Zygote(read_number(&number_here))),
            }
        }
    }
}

/// In the process between the zygote and the worker; and then, when it comes back, in the worker.
fn between(
    confirmed: OwnedFd,
    confirm: OwnedFd,
    tell: impl FnOnce(Pid) -> Result<(), ()>,
) -> io::Result<Forked> {
    // SAFETY: see `fork`; this process has one thread.
    match unsafe { libc::fork() } {
        0 => {
            drop(confirm);
            if !matches!(read(&confirmed, &mut [0]), Ok(1)) {
                quit(0);
            }
            // SAFETY: the child of the process that has called PyOS_BeforeFork, on the same thread.
            unsafe { ffi::PyOS_AfterFork_Child() };
            Ok(Forked::Worker)
        }
        number if number < 0 => quit(Errno::last_raw().clamp(1, 255)),
        number => {
            let told = tell(Pid::from_raw(number)).is_ok();
            if told {
                let _ = write(&confirm, b"!");
            }
            quit(0)
        }
    }
}

fn read_number(from: &OwnedFd) -> Option<Pid> {
    let mut number = [0; size_of::<libc::pid_t>()];
    let length = read(from, &mut number).ok()?;
    (length == number.len()).then(|| Pid::from_raw(libc::pid_t::from_ne_bytes(number)))
}

/// Collects the process between, whose exit code is the errno of the second fork.
fn wait_for(number: libc::pid_t) -> io::Result<()> {
    loop {
        let mut status = 0;
        // SAFETY: the status is a live local of the right type.
        let collected = unsafe { libc::waitpid(number, &mut status, 0) };
        match (collected, Errno::last()) {
            (-1, Errno::EINTR) => {}
            // Somebody else has collected it: whether it has told the master is not known here.
            (-1, _) => return Ok(()),
            _ if libc::WIFEXITED(status) && libc::WEXITSTATUS(status) != 0 => {
                return Err(io::Error::from_raw_os_error(libc::WEXITSTATUS(status)));
            }
            _ if libc::WIFSIGNALED(status) => {
                return Err(io::Error::other("the process that forks was killed"));
            }
            _ => return Ok(()),
        }
    }
}

/// Ends the process, and runs nothing of what anybody wants done at its end.
pub(crate) fn quit(code: i32) -> ! {
    // SAFETY: _exit ends the process.
    unsafe { libc::_exit(code) }
}
