//! A limit on everything that a piece of code waits for. Passing a deadline down to each wait is what
//! nobody does in the end, so it is kept beside the code: in the thread, and for a coroutine in the
//! thread while that coroutine runs. A wait that reaches it does not come back but unwinds to
//! [`within`], since a sleep has no error to return and an error can be ignored; so the code inside
//! frees what it holds and cannot go on waiting.

use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// The nearest limit of all that the code is inside of, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limit {
    until: Instant,
    owner: u64,
}

thread_local! {
    static LIMIT: Cell<Option<Limit>> = const { Cell::new(None) };
    static OWNERS: Cell<u64> = const { Cell::new(0) };
    /// Whose limit has cut a wait short that could not unwind.
    static CUT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The time was up before the code had finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time is up")
    }
}

impl std::error::Error for Elapsed {}

/// What unwinds to the owner of the limit. No hook reports it.
struct TimeIsUp(u64);

/// Puts the outer limit back, however the code ends.
struct Restore(Option<Limit>);

impl Drop for Restore {
    fn drop(&mut self) {
        LIMIT.set(self.0);
    }
}

/// Runs `code`; its waits come back by `until`, or not at all. Of nested limits the nearest counts, and
/// it is its own [`within`] that gives [`Elapsed`].
///
/// # Errors
/// The time was up. Code that has finished is in time, even if it took longer without waiting; unless a
/// wait of its was cut short that could only come back ([`limit_is_cut`]).
pub fn within<T>(until: Instant, code: impl FnOnce() -> T) -> Result<T, Elapsed> {
    let outer = LIMIT.get();
    let owner = OWNERS.get();
    OWNERS.set(owner.wrapping_add(1));
    let limit = match outer {
        Some(outer) if outer.until <= until => outer,
        _ => Limit { until, owner },
    };
    let _restore = Restore(outer);
    LIMIT.set(Some(limit));
    let value = catch_unwind(AssertUnwindSafe(code)).map_err(|payload| {
        match payload.downcast_ref::<TimeIsUp>() {
            Some(TimeIsUp(whose)) if *whose == owner => Elapsed,
            _ => resume_unwind(payload),
        }
    })?;
    match CUT.get() == Some(owner) {
        true => Err(Elapsed),
        false => Ok(value),
    }
}

/// When the caller's waits end at the latest; `None`: it has no limit. This is for waits that are not
/// made here.
pub fn limit() -> Option<Instant> {
    Cut::of(None).until
}

/// The limit has come, in a wait that may not unwind and has failed or ended early instead. This is for
/// waits that are not made here.
pub fn limit_is_cut() {
    if let Some(limit) = LIMIT.get() {
        CUT.set(Some(limit.owner));
    }
}

/// A wait as the limit leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// When the wait is to end at the latest.
    pub(super) until: Option<Instant>,
    /// Whose limit has brought that forward.
    by: Option<u64>,
}

impl Cut {
    /// What is left of a wait until `deadline`. While a panic unwinds there is no limit: a second one
    /// would end the process.
    pub(super) fn of(deadline: Option<Instant>) -> Cut {
        let limit = LIMIT.get().filter(|_| !std::thread::panicking());
        match limit {
            Some(limit) if deadline.is_none_or(|deadline| limit.until < deadline) => {
                Cut { until: Some(limit.until), by: Some(limit.owner) }
            }
            _ => Cut { until: deadline, by: None },
        }
    }

    /// Whose time is up; `None`: nobody's.
    fn reached(self) -> Option<u64> {
        self.by.filter(|_| self.until.is_some_and(|until| Instant::now() >= until))
    }

    /// Whether it was the limit that has ended the wait.
    pub(super) fn is_over(self) -> bool {
        self.reached().is_some()
    }

    /// Unwinds if it was the limit that has ended the wait.
    pub(super) fn unwind_if_over(self) {
        if let Some(owner) = self.reached() {
            resume_unwind(Box::new(TimeIsUp(owner)));
        }
    }
}

/// The limit of a coroutine that has left the thread to others.
#[derive(Debug)]
#[must_use = "the coroutine would go on without its limit"]
pub struct Aside(Option<Limit>);

impl Aside {
    /// Takes the limit of the code that runs now from the thread.
    pub fn set() -> Aside {
        Aside(LIMIT.take())
    }

    /// The code goes on.
    pub fn put_back(self) {
        LIMIT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{park, sleep};
    use super::*;
    use std::time::Duration;

    const SHORT: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_secs(60);

    fn after(time: Duration) -> Instant {
        Instant::now() + time
    }

    #[test]
    fn who_is_in_time_gives_a_value_and_who_is_not_unwinds() {
        assert_eq!(within(after(LONG), || 7), Ok(7));
        let before = Instant::now();
        assert_eq!(within(after(SHORT), || sleep(LONG)), Err(Elapsed));
        assert!(before.elapsed() >= SHORT);
        assert_eq!(within(after(SHORT), || park(None)), Err(Elapsed));
        assert!(limit().is_none() && within(before, limit) == Ok(Some(before)));
        assert_eq!(within(after(LONG), || sleep(SHORT)), Ok(()), "its own end came first");
        assert_eq!(LIMIT.get(), None);
    }

    #[test]
    fn code_that_does_not_wait_is_not_stopped() {
        assert_eq!(within(Instant::now(), || 7), Ok(7));
    }

    #[test]
    fn a_wait_that_was_cut_short_and_came_back_is_not_in_time() {
        let cut = || within(after(LONG), limit_is_cut);
        assert_eq!((cut(), within(after(LONG), || 7)), (Err(Elapsed), Ok(7)));
        assert_eq!(within(after(LONG), || within(after(2 * LONG), limit_is_cut)), Err(Elapsed));
        assert_eq!(within(after(2 * LONG), cut), Ok(Err(Elapsed)), "it was the inner one's");
        limit_is_cut();
    }

    #[test]
    fn of_nested_limits_the_nearest_counts_and_ends_its_own() {
        let inner = within(after(LONG), || within(after(SHORT), || sleep(LONG)));
        assert_eq!(inner, Ok(Err(Elapsed)));
        let outer = within(after(SHORT), || within(after(LONG), || sleep(LONG)));
        assert_eq!(outer, Err(Elapsed));
        let both = within(after(SHORT), || {
            let inner = within(after(SHORT / 2), || sleep(LONG));
            assert_eq!(inner, Err(Elapsed));
            sleep(LONG);
        });
        assert_eq!(both, Err(Elapsed));
    }

    #[test]
    fn who_catches_it_waits_again_in_vain() {
        let stubborn = within(after(SHORT), || {
            assert!(catch_unwind(|| sleep(LONG)).is_err());
            sleep(LONG);
        });
        assert_eq!(stubborn, Err(Elapsed));
    }

    #[test]
    fn a_panic_is_not_a_limit() {
        let caught = catch_unwind(|| within(after(LONG), || resume_unwind(Box::new(7))));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
        assert_eq!(LIMIT.get(), None);
    }

    #[test]
    fn destructors_of_an_unwinding_wait_may_wait() {
        struct Waits;
        impl Drop for Waits {
            fn drop(&mut self) {
                sleep(SHORT);
            }
        }
        let elapsed = within(after(SHORT), || {
            let _waits = Waits;
            sleep(LONG);
        });
        assert_eq!(elapsed, Err(Elapsed));
    }
}
