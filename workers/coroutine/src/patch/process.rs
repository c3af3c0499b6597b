//! Waiting for other processes and for threads; and fork(2), which a handler must not do: its child
//! would be a second worker, with the sockets of all clients, that nobody knows of.
//! (`std::process::Command` starts programs by posix_spawn(3), which is all right.)

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd, FromRawFd, OwnedFd, RawFd};

use libc::{pid_t, pthread_t};
use oxicorn_core::wait::Interest;

use super::errno;
use super::inside::inside;
use super::look::{Heed, look};
use super::raw;
use super::real::{self, Call};
use crate::hub::Outcome;

/// A descriptor that becomes readable when the process has ended (pidfd_open(2)).
fn process(pid: pid_t) -> Option<OwnedFd> {
    // SAFETY: the call takes two numbers.
    let fd = unsafe { raw::call(libc::SYS_pidfd_open, [pid as usize, 0, 0, 0, 0, 0]) };
    let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: a new descriptor, which is nobody else's.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// waitpid(2). It gives way when it waits for one child to end, as `std::process::Child` does; for any
/// child, or for a stop, it blocks.
///
/// # Safety
/// As waitpid(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::waitpid(pid, status, options) };
    let Some(hub) = inside().filter(|_| options & libc::WNOHANG == 0) else { return block() };
    let before = errno::get();
    // SAFETY: as for the caller.
    let now = unsafe { real::waitpid(pid, status, options | libc::WNOHANG) };
    if now != 0 || !hub.gives_way(Call::Waitpid) {
        return if now != 0 { now } else { block() };
    }
    let Some(process) = (pid > 0 && options == 0).then(|| process(pid)).flatten() else {
        return hub.block(Call::Waitpid, block);
    };
    match hub.wait_quietly(process.as_fd(), Interest::Read, None, &[]) {
        Ok(Outcome::Over) => errno::fail(libc::ETIMEDOUT),
        Ok(Outcome::Ready | Outcome::TimedOut | Outcome::Closed) | Err(_) => {
            errno::set(before);
            block()
        }
    }
}

/// pthread_join(3).
///
/// # Safety
/// As pthread_join(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_join(thread: pthread_t, value: *mut *mut c_void) -> c_int {
    let once = || {
        // SAFETY: as for the caller.
        let result = unsafe { libc::pthread_tryjoin_np(thread, value) };
        (result != libc::EBUSY).then_some(result)
    };
    if let Some(hub) = inside() {
        if let Some(result) = once() {
            return result;
        }
        if hub.gives_way(Call::PthreadJoin)
            && let Some(result) = look(hub, Heed::No, once)
        {
            return result;
        }
    }
    // SAFETY: as for the caller.
    unsafe { real::pthread_join(thread, value) }
}

/// fork(2): refused in a handler, with `EAGAIN` and a line in the log.
///
/// # Safety
/// As fork(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fork() -> pid_t {
    match inside() {
        None => {
            // SAFETY: as for the caller.
            unsafe { real::fork() }
        }
        Some(hub) => {
            let place = hub.place();
            tracing::error!(
                "The handler of {place} has tried to fork, which a coroutine cannot: it was refused \
                 with EAGAIN"
            );
            errno::fail(libc::EAGAIN)
        }
    }
}
