//! The way out for what blocks and cannot be told not to: files, the system's resolver, a library with
//! sockets of its own. In the class `coroutine` it would hold up every request of the worker.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use oxicorn_core::wait;

use crate::channel::{RecvTimeoutError, unbounded};

/// Runs `code`, which blocks, and gives what it gives. In the class `coroutine` one of a few threads
/// runs it (8 in each worker, started when they are needed) while the caller's coroutine waits; in every
/// other class the caller does, here and now.
///
/// A caller whose time is over ([`time::timeout`](crate::time::timeout), the setting `timeout`) does not
/// wait for it any more, in the class `coroutine`: if `code` has not begun it never will, else what it
/// gives is dropped. A thread cannot be stopped, so code that blocks for ever costs one of the eight.
///
/// ```
/// let text = oxicorn::unblock(|| std::fs::read_to_string("/proc/self/stat"));
/// assert!(text.is_ok());
/// ```
///
/// # Panics
/// When `code` panics, with the same payload.
pub fn unblock<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> T {
    match attempt(None, code) {
        Ok(value) => value,
        Err(Undone::Panic(payload)) => resume_unwind(payload),
        // Without a deadline it is only when no thread could be had that nothing comes.
        Err(Undone::TooLate) => resume_unwind(Box::new("the pool for what blocks is gone")),
    }
}

/// Why there is nothing.
enum Undone {
    Panic(Box<dyn Any + Send>),
    TooLate,
}

/// The same, for as long as there is time; `None`: there was not enough. Where the caller itself blocks,
/// it has to be enough.
pub(crate) fn unblock_until<T: Send + 'static>(
    until: Option<Instant>,
    code: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    match attempt(until, code) {
        Ok(value) => Some(value),
        Err(Undone::TooLate) => None,
        Err(Undone::Panic(payload)) => resume_unwind(payload),
    }
}

fn attempt<T: Send + 'static>(
    until: Option<Instant>,
    code: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Undone> {
    let (sender, outcome) = unbounded();
    wait::offload(Box::new(move || {
        if !sender.is_disconnected() {
            // Nobody may wait for it any more.
            let _ = sender.send(catch_unwind(AssertUnwindSafe(code)));
        }
    }));
    let outcome = match until {
        None => outcome.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(until) => {
            let left = until.saturating_duration_since(Instant::now());
            outcome.recv_timeout(left.max(Duration::from_nanos(1)))
        }
    };
    outcome.map_err(|_| Undone::TooLate)?.map_err(Undone::Panic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_coroutines_the_caller_does_it() {
        let own = std::thread::current().id();
        assert_eq!(unblock(|| std::thread::current().id()), own);
        assert_eq!(unblock_until(Some(Instant::now()), || 7), Some(7));
    }

    #[test]
    fn a_panic_is_the_callers() {
        let caught = catch_unwind(|| unblock(|| -> () { resume_unwind(Box::new(7)) }));
        assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
    }
}
