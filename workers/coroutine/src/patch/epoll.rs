//! epoll_wait(2) and epoll_pwait(2), which somebody else's event loop calls when a handler runs it to
//! the end of one future (`block_on`). An epoll set is a descriptor that becomes readable.

use std::ffi::c_int;
use std::time::Instant;

use libc::{epoll_event, sigset_t};
use oxicorn_core::wait::Interest;

use super::attempt::borrow;
use super::errno;
use super::inside::inside;
use super::poll::deadline;
use super::real::{self, Call};
use crate::hub::Outcome;

/// # Safety
/// As epoll_wait(2), which `block` is.
unsafe fn wait(
    call: Call,
    fd: c_int,
    (events, most): (*mut epoll_event, c_int),
    timeout: c_int,
    block: impl FnOnce() -> c_int,
) -> c_int {
    let Some(hub) = inside().filter(|_| timeout != 0) else { return block() };
    let before = errno::get();
    let until = deadline(timeout);
    loop {
        errno::set(before);
        // SAFETY: as the caller promises; asked without waiting.
        let ready = unsafe { real::epoll_wait(fd, events, most, 0) };
        if ready != 0 || until.is_some_and(|until| until <= Instant::now()) {
            return ready;
        }
        let Some(borrowed) = borrow(fd).filter(|_| hub.gives_way(call)) else {
            return hub.block(call, block);
        };
        match hub.wait_quietly(borrowed, Interest::Read, until, &[]) {
            Ok(Outcome::Ready | Outcome::TimedOut) => {}
            Ok(Outcome::Closed) => return errno::fail(libc::EBADF),
            Ok(Outcome::Over) => return errno::fail(libc::ETIMEDOUT),
            Err(_) => return hub.block(call, block),
        }
    }
}

/// epoll_wait(2).
///
/// # Safety
/// As epoll_wait(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn epoll_wait(
    fd: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::epoll_wait(fd, events, most, timeout) };
    // SAFETY: as for the caller.
    unsafe { wait(Call::EpollWait, fd, (events, most), timeout, block) }
}

/// epoll_pwait(2). One that changes the signals that are blocked meanwhile blocks itself.
///
/// # Safety
/// As epoll_pwait(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn epoll_pwait(
    fd: c_int,
    events: *mut epoll_event,
    most: c_int,
    timeout: c_int,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::epoll_pwait(fd, events, most, timeout, mask) };
    if !mask.is_null() {
        return block();
    }
    // SAFETY: as for the caller.
    unsafe { wait(Call::EpollPwait, fd, (events, most), timeout, block) }
}
