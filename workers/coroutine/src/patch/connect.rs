//! connect(2), accept(2), accept4(2).

use std::ffi::c_int;
use std::time::{Duration, Instant};

use libc::{sockaddr, socklen_t};
use oxicorn_core::wait::Interest;

use super::attempt::{Then, flags_if_blocking, may_wait, option, patience};
use super::errno;
use super::inside::inside;
use super::real::{self, Call};
use crate::hub::{Hub, Outcome};

/// A unix socket whose listener's queue is full cannot be awaited: it is tried this often.
const AGAIN: Duration = Duration::from_millis(5);

/// The socket does not block meanwhile. It has the flags that are given.
struct NonBlocking(c_int, c_int);

impl NonBlocking {
    fn set(fd: c_int, flags: c_int) -> NonBlocking {
        // SAFETY: the flags of a descriptor are written.
        unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) };
        NonBlocking(fd, flags)
    }
}

impl Drop for NonBlocking {
    fn drop(&mut self) {
        let error = errno::get();
        // SAFETY: as above.
        unsafe { libc::fcntl(self.0, libc::F_SETFL, self.1) };
        errno::set(error);
    }
}

/// A connection that has begun has come about, or not.
fn outcome(hub: &Hub, fd: c_int, until: Option<Instant>) -> c_int {
    match hub.until_ready(Call::Connect, fd, Interest::Write, until) {
        Then::Again | Then::Block => match option::<c_int>(fd, libc::SO_ERROR) {
            Some(0) => 0,
            Some(error) => errno::fail(error),
            None => -1,
        },
        // SO_SNDTIMEO has passed: it goes on by itself (socket(7)).
        Then::Fail(libc::EAGAIN) => errno::fail(libc::EINPROGRESS),
        Then::Fail(error) => errno::fail(error),
    }
}

/// connect(2).
///
/// # Safety
/// As connect(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn connect(
    fd: c_int,
    address: *const sockaddr,
    length: socklen_t,
) -> c_int {
    // SAFETY: as for the caller.
    let attempt = || unsafe { real::connect(fd, address, length) };
    let Some(hub) = inside() else { return attempt() };
    let before = errno::get();
    let Some(flags) = flags_if_blocking(fd).filter(|_| hub.gives_way(Call::Connect)) else {
        errno::set(before);
        return attempt();
    };
    let until = patience(fd, Interest::Write);
    let back = NonBlocking::set(fd, flags);
    loop {
        errno::set(before);
        if attempt() == 0 {
            return 0;
        }
        match errno::get() {
            libc::EINPROGRESS => {
                errno::set(before);
                let done = outcome(hub, fd, until);
                if done < 0 && errno::get() == libc::EBADF {
                    // The number may be another file's by now.
                    std::mem::forget(back);
                }
                return done;
            }
            libc::EAGAIN if until.is_none_or(|until| Instant::now() < until) => {
                match hub.sleep_quietly(Instant::now() + AGAIN) {
                    Outcome::Over => return errno::fail(libc::ETIMEDOUT),
                    Outcome::Ready | Outcome::TimedOut | Outcome::Closed => {}
                }
            }
            _ => return -1,
        }
    }
}

/// Waits for a connection; `false`: there is none, and errno says why.
fn comes(call: Call, fd: c_int) -> bool {
    let Some(hub) = inside() else { return true };
    let before = errno::get();
    if !may_wait(fd) {
        errno::set(before);
        return true;
    }
    let mut asked = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one descriptor, asked without waiting.
    if unsafe { real::poll(&raw mut asked, 1, 0) } == 0 {
        match hub.until_ready(call, fd, Interest::Read, patience(fd, Interest::Read)) {
            Then::Again | Then::Block => {}
            Then::Fail(error) => {
                errno::set(error);
                return false;
            }
        }
    }
    errno::set(before);
    true
}

/// accept(2).
///
/// # Safety
/// As accept(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn accept(
    fd: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
) -> c_int {
    if !comes(Call::Accept, fd) {
        return -1;
    }
    // SAFETY: as for the caller.
    unsafe { real::accept(fd, address, length) }
}

/// accept4(2).
///
/// # Safety
/// As accept4(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn accept4(
    fd: c_int,
    address: *mut sockaddr,
    length: *mut socklen_t,
    flags: c_int,
) -> c_int {
    if !comes(Call::Accept4, fd) {
        return -1;
    }
    // SAFETY: as for the caller.
    unsafe { real::accept4(fd, address, length, flags) }
}
