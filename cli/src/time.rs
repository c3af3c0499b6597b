//! Waiting for time to pass, and not waiting for longer than a time. A handler that called the standard
//! library's `sleep` would stop a whole worker of the coroutine class; this one waits in the way of
//! whatever class runs the handler, and so do all the waits that [`timeout`] can cut short.

use std::time::{Duration, Instant};

use oxicorn_core::wait;
pub use oxicorn_core::wait::Elapsed;

/// Beyond this the clock's arithmetic could overflow, and nobody can tell the difference.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

fn after(duration: Duration) -> Instant {
    Instant::now() + duration.min(LONGEST)
}

/// Lets `duration` pass: yields to other requests in the class `coroutine`, blocks the calling
/// thread elsewhere. More than a hundred years count as a hundred.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let before = Instant::now();
/// oxicorn::time::sleep(Duration::from_millis(2));
/// assert!(before.elapsed() >= Duration::from_millis(2));
/// ```
pub fn sleep(duration: Duration) {
    wait::sleep(duration.min(LONGEST));
}

/// Waits until `then`, as [`sleep`] waits; not at all when that has passed.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let mut next = Instant::now();
/// for _ in 0..3 {
///     // Every two milliseconds, however long the work takes.
///     next += Duration::from_millis(2);
///     oxicorn::time::sleep_until(next);
/// }
/// assert!(Instant::now() >= next);
/// ```
pub fn sleep_until(then: Instant) {
    wait::sleep_until(then.min(after(LONGEST)));
}

/// Runs `code`, and gives up when it waits beyond `duration`.
///
/// All its waits count together: those of this module, of [`net`](crate::net), of
/// [`channel`](crate::channel), [`JoinHandle::join`](crate::JoinHandle::join) and, in the class
/// `coroutine`, [`unblock`](crate::unblock). The wait during which the time is over does not come back:
/// it unwinds to here, as a panic does (so what `code` holds is dropped, and a lock that it holds is
/// poisoned) but without a word of the panic hook. Code that catches panics waits again in vain.
///
/// - Code that computes, or blocks in a call that is not ours, is not interrupted. If it finishes without
///   another wait, however late, its value is given.
/// - Timeouts may be nested: the nearest one counts, and gives its own `Err`. What goes on inside of
///   [`spawn`](crate::spawn) is not inside.
/// - A read of the request's body fails with `TimedOut` instead.
/// - A destructor that waits while it unwinds has no limit, and in the class `coroutine` it holds up the
///   whole worker: better that none does.
/// - It works in every worker class. In a program built with `panic = "abort"` it cannot.
///
/// # Errors
/// The time was over.
///
/// ```
/// use std::time::Duration;
/// use oxicorn::time::{Elapsed, sleep, timeout};
///
/// let second = Duration::from_secs(1);
/// assert_eq!(timeout(60 * second, || "in time"), Ok("in time"));
/// assert_eq!(timeout(second / 500, || sleep(60 * second)), Err(Elapsed));
/// ```
pub fn timeout<T>(duration: Duration, code: impl FnOnce() -> T) -> Result<T, Elapsed> {
    wait::within(after(duration), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_less_than_the_time_asked_for_passes() {
        let before = Instant::now();
        sleep(Duration::from_millis(2));
        assert!(before.elapsed() >= Duration::from_millis(2));
        assert!(before.checked_add(LONGEST).is_some());
        sleep_until(before);
    }

    #[test]
    fn no_time_is_too_long() {
        assert_eq!(timeout(Duration::MAX, || 7), Ok(7));
    }
}
