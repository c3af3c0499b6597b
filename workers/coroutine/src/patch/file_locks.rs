//! Locks of files: flock(2), fcntl(2) with a lock that waits, lockf(3). The kernel has no way to say that
//! one is free, so it is looked at again and again.

use std::ffi::c_int;

use libc::off_t;

use super::errno;
use super::inside::inside;
use super::look::{Heed, look};
use super::real::{self, Call};

/// Has `once` try until the lock is there; `block` is the function itself.
fn take(call: Call, once: impl Fn() -> c_int, block: impl FnOnce() -> c_int) -> c_int {
    let Some(hub) = inside().filter(|hub| hub.gives_way(call)) else { return block() };
    let before = errno::get();
    let attempt = || {
        let result = once();
        let taken = errno::would_block() || errno::get() == libc::EACCES;
        (result != -1 || !taken).then_some(result)
    };
    match look(hub, Heed::Yes, attempt) {
        Some(-1) => -1,
        Some(done) => {
            errno::set(before);
            done
        }
        None => errno::fail(libc::ETIMEDOUT),
    }
}

/// flock(2).
///
/// # Safety
/// As flock(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn flock(fd: c_int, operation: c_int) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::flock(fd, operation) }
    };
    if operation & (libc::LOCK_NB | libc::LOCK_UN) != 0 {
        return block();
    }
    let once = || {
        // SAFETY: as for the caller.
        unsafe { real::flock(fd, operation | libc::LOCK_NB) }
    };
    take(Call::Flock, once, block)
}

/// The form of a command that does not wait.
fn without_waiting(command: c_int) -> Option<c_int> {
    match command {
        libc::F_SETLKW => Some(libc::F_SETLK),
        libc::F_OFD_SETLKW => Some(libc::F_OFD_SETLK),
        _ => None,
    }
}

/// fcntl(2). In C it has a variable number of arguments, which on this platform are passed in the same
/// way; a last one that was not passed is whatever is in its register, which nobody looks at.
///
/// # Safety
/// As fcntl(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::fcntl(fd, command, argument) }
    };
    let Some(command) = without_waiting(command) else { return block() };
    let once = || {
        // SAFETY: as for the caller.
        unsafe { real::fcntl(fd, command, argument) }
    };
    take(Call::Fcntl, once, block)
}

/// fcntl(2), by its other name.
///
/// # Safety
/// As fcntl(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int {
    // SAFETY: as for the caller.
    unsafe { fcntl(fd, command, argument) }
}

/// lockf(3).
///
/// # Safety
/// As lockf(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn lockf(fd: c_int, command: c_int, length: off_t) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::lockf(fd, command, length) }
    };
    if command != libc::F_LOCK {
        return block();
    }
    let once = || {
        // SAFETY: as for the caller.
        unsafe { real::lockf(fd, libc::F_TLOCK, length) }
    };
    take(Call::Lockf, once, block)
}

/// lockf(3), by its other name.
///
/// # Safety
/// As lockf(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn lockf64(fd: c_int, command: c_int, length: off_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { lockf(fd, command, length) }
}
