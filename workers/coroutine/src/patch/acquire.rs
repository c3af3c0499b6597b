//! Taking a lock that somebody else has without blocking the thread: trying, and waiting in the
//! [`table`](super::table) until it is given back. Who gives it back wakes whoever waits there, unless
//! it does so within the C library (a thread's pthread_cond_wait), so a wait looks again by itself,
//! ever more seldom.

use std::cell::Cell;
use std::ffi::c_int;
use std::time::{Duration, Instant};

use libc::timespec;

use super::errno;
use super::queue::{self, Waited};
use super::sleep::after;
use crate::hub::Hub;

const FIRST: Duration = Duration::from_millis(10);
const MOST: Duration = Duration::from_millis(200);

/// The clock's beginning: a call that may wait until then says whether it would have to.
pub(super) const LONG_AGO: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

/// Waits for a lock that was `EBUSY` when it was tried `once`, unless the `verdict` (of the function that
/// waits until [`LONG_AGO`]) is that it need not: one that checks for it says that the lock is the
/// caller's already. Gives what the functions give, or ETIMEDOUT; `mask` is what wakes it.
pub(super) fn acquire(
    hub: &'static Hub,
    address: usize,
    mask: u32,
    until: Option<Instant>,
    verdict: impl FnOnce() -> c_int,
    once: impl Fn() -> c_int,
) -> c_int {
    let before = errno::get();
    let result = match verdict() {
        libc::ETIMEDOUT => wait(hub, address, mask, until, once),
        said => said,
    };
    errno::set(before);
    result
}

/// Tries until it is neither busy nor `until`.
fn wait(
    hub: &'static Hub,
    address: usize,
    mask: u32,
    until: Option<Instant>,
    once: impl Fn() -> c_int,
) -> c_int {
    let mut pause = FIRST;
    loop {
        let result = Cell::new(libc::EBUSY);
        let look = after(pause);
        let look = until.map_or(look, |until| until.min(look));
        let blocks = || {
            result.set(once());
            result.get() == libc::EBUSY
        };
        let waited = queue::wait(hub, address, mask, Some(look), blocks, || {});
        if result.get() != libc::EBUSY {
            return result.get();
        }
        pause = match waited {
            Waited::Woken => FIRST,
            Waited::NotAtAll | Waited::TimedOut | Waited::Otherwise => MOST.min(2 * pause),
        };
        if until.is_some_and(|until| until <= Instant::now()) {
            let result = once();
            return if result == libc::EBUSY { libc::ETIMEDOUT } else { result };
        }
    }
}
