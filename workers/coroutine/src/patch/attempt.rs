//! Trying, waiting, trying again: what the functions that transfer bytes have in common.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use libc::{ssize_t, timeval};
use oxicorn_core::wait::Interest;

use super::errno;
use super::real::Call;
use super::sleep::after;
use crate::hub::{Hub, Outcome};

/// What becomes of a call that would have blocked.
pub(super) enum Then {
    /// It is tried again.
    Again,
    /// It fails with this.
    Fail(c_int),
    /// It blocks after all.
    Block,
}

/// A descriptor that is open, for as long as a call lasts; `None`: it is not even a number of one.
pub(super) fn borrow<'a>(fd: c_int) -> Option<BorrowedFd<'a>> {
    // SAFETY: not -1, and it is only named to the kernel, which knows whether it is open.
    (fd >= 0).then(|| unsafe { BorrowedFd::borrow_raw(fd) })
}

/// The flags of a descriptor whose calls may wait; `None`: they may not, because it is not open, or
/// because the program has made it non-blocking, which is the program's way to say that it does the
/// waiting itself.
pub(super) fn flags_if_blocking(fd: c_int) -> Option<c_int> {
    // SAFETY: F_GETFL reads flags.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    (flags >= 0 && flags & libc::O_NONBLOCK == 0).then_some(flags)
}

/// Whether a call on this descriptor may wait.
pub(super) fn may_wait(fd: c_int) -> bool {
    flags_if_blocking(fd).is_some()
}

/// An option of a socket (SO_RCVTIMEO, SO_TYPE).
pub(super) fn option<T: Copy>(fd: c_int, name: c_int) -> Option<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes no more than `length` bytes, and the types that are asked for are made
    // of integers.
    unsafe {
        let place = value.as_mut_ptr().cast();
        let got = libc::getsockopt(fd, libc::SOL_SOCKET, name, place, &raw mut length);
        (got == 0).then(|| value.assume_init())
    }
}

/// When a wait for this socket ends: SO_RCVTIMEO, SO_SNDTIMEO (socket(7)).
pub(super) fn patience(fd: c_int, what: Interest) -> Option<Instant> {
    let name = match what {
        Interest::Read => libc::SO_RCVTIMEO,
        Interest::Write => libc::SO_SNDTIMEO,
    };
    let time = option::<timeval>(fd, name)?;
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).ok()?);
    let time = seconds + Duration::from_micros(u64::try_from(time.tv_usec).ok()?);
    (!time.is_zero()).then(|| after(time))
}

impl Hub {
    /// A call on `fd` that may wait would block: waits until it would not, or until `until`.
    pub(super) fn until_ready(
        &self,
        call: Call,
        fd: c_int,
        what: Interest,
        until: Option<Instant>,
    ) -> Then {
        if !self.gives_way(call) {
            return Then::Block;
        }
        let Some(borrowed) = borrow(fd) else { return Then::Fail(libc::EBADF) };
        match self.wait_quietly(borrowed, what, until, &[]) {
            Ok(Outcome::Ready) => Then::Again,
            Ok(Outcome::TimedOut) => Then::Fail(libc::EAGAIN),
            Ok(Outcome::Closed) => Then::Fail(libc::EBADF),
            Ok(Outcome::Over) => Then::Fail(libc::ETIMEDOUT),
            // What epoll does not take (a file of a disk) is always ready, or never known to be.
            Err(_) => Then::Block,
        }
    }

    /// Makes a call on a socket: `once` without blocking, as often as need be, or `block`.
    pub(super) fn attempt(
        &self,
        call: Call,
        fd: c_int,
        what: Interest,
        once: impl Fn() -> ssize_t,
        block: impl FnOnce() -> ssize_t,
    ) -> ssize_t {
        let mut until = None;
        loop {
            let before = errno::get();
            let done = once();
            if done >= 0 || !errno::would_block() || !may_wait(fd) {
                return done;
            }
            let until = *until.get_or_insert_with(|| patience(fd, what));
            match self.until_ready(call, fd, what, until) {
                Then::Again => errno::set(before),
                Then::Fail(error) => return errno::fail(error),
                Then::Block => return self.block(call, block),
            }
        }
    }
}
