//! Taking what somebody else has (a lock, a semaphore) without blocking the thread: trying, and waiting
//! in the [`table`](super::table) until it is given back. Who gives it back wakes whoever waits there,
//! unless it does so within the C library (a thread's pthread_cond_wait), so a wait looks again by
//! itself, ever more seldom.

use std::cell::Cell;
use std::ffi::c_int;
use std::time::{Duration, Instant};

use libc::timespec;

use super::queue::{self, Waited};
use super::sleep::{after, duration, left_on};
use crate::hub::Hub;

const FIRST: Duration = Duration::from_millis(10);
const MOST: Duration = Duration::from_millis(200);

/// The clock's beginning: a call that may wait until then says whether it would have to.
pub(super) const LONG_AGO: timespec = timespec { tv_sec: 0, tv_nsec: 0 };

/// When a wait is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Never,
    At(Instant),
    /// That is no time, or no clock: the C library's function says what it thinks of it.
    Nonsense,
}

impl Until {
    /// # Safety
    /// A valid time.
    pub(super) unsafe fn new(clock: c_int, time: *const timespec) -> Until {
        // SAFETY: as the caller promises.
        let time = unsafe { time.as_ref() }.and_then(duration);
        let left = time.and_then(|time| left_on(clock, time));
        left.map_or(Until::Nonsense, |left| Until::At(after(left)))
    }
}

/// Tries until it is neither `busy` nor `until`, and gives what the try has given, or ETIMEDOUT. `mask`
/// is what wakes it.
pub(super) fn acquire(
    hub: &'static Hub,
    address: usize,
    mask: u32,
    until: Option<Instant>,
    busy: c_int,
    once: impl Fn() -> c_int,
) -> c_int {
    let mut pause = FIRST;
    loop {
        let result = Cell::new(busy);
        let look = after(pause);
        let look = until.map_or(look, |until| until.min(look));
        let blocks = || {
            result.set(once());
            result.get() == busy
        };
        let waited = queue::wait(hub, address, mask, Some(look), blocks, || {});
        if result.get() != busy {
            return result.get();
        }
        pause = match waited {
            Waited::Woken => FIRST,
            Waited::NotAtAll | Waited::TimedOut | Waited::Otherwise => MOST.min(2 * pause),
        };
        if until.is_some_and(|until| until <= Instant::now()) {
            let result = once();
            return if result == busy { libc::ETIMEDOUT } else { result };
        }
    }
}
