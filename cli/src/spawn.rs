//! Doing several things at once inside a handler. A thread is the answer where waiting blocks threads;
//! where it does not, in the class `coroutine`, a thread for each of two queries would be a waste, and
//! a lock between them and the handler's coroutine a trap.

use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use oxicorn_core::wait;

use crate::channel::{Receiver, unbounded};

/// Runs `code` beside the caller: in the class `coroutine` as another coroutine of the same worker, and
/// as a thread in every other one (there too when the caller is itself on a thread of its own).
///
/// What has been spawned goes on when the handler has returned, until it ends or the worker leaves: a
/// worker waits for its connections, not for these. The setting `timeout` counts requests: a handler
/// that waits in [`JoinHandle::join`] for too long is given up, with 504 for its client, and what it has
/// spawned goes on. Nor does [`time::timeout`](crate::time::timeout) reach into it. Whoever spawns
/// something that could wait for ever gives it a timeout of its own.
///
/// A coroutine has a stack of 256 KiB. It begins to run when the caller waits; until it waits in its turn
/// (by [`time`](crate::time), [`net`](crate::net), [`channel`](crate::channel) and the like) nothing else
/// runs in the worker. When there is no room for another coroutine or thread, the log says so and `join`
/// gives the error.
///
/// ```
/// use std::time::Duration;
///
/// let slow = oxicorn::spawn(|| {
///     oxicorn::time::sleep(Duration::from_millis(10));
///     20
/// });
/// let quick = oxicorn::spawn(|| 1);
/// assert_eq!(slow.join().unwrap() + quick.join().unwrap(), 21);
/// ```
pub fn spawn<T: Send + 'static>(code: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let (sender, outcome) = unbounded();
    let failed = sender.clone();
    let task = move || {
        let result = catch_unwind(AssertUnwindSafe(code));
        // Nobody may wait for it any more.
        let _ = sender.send(result);
    };
    if let Err(error) = wait::spawn(Box::new(task)) {
        tracing::error!("Cannot spawn: {error}");
        let _ = failed.send(Err(Box::new(error)));
    }
    JoinHandle { outcome }
}

/// What [`spawn`] gives: the way to the result. Dropped, it leaves what was spawned alone.
pub struct JoinHandle<T> {
    outcome: Receiver<Result<T, Box<dyn Any + Send>>>,
}

impl<T> JoinHandle<T> {
    /// Waits for the end of it.
    ///
    /// # Errors
    /// It has panicked: what it has panicked with, as [`std::thread::JoinHandle::join`]. Or it could not
    /// be spawned: an [`std::io::Error`].
    ///
    /// ```
    /// let panicking = oxicorn::spawn(|| panic!("oh"));
    /// let panic = panicking.join().unwrap_err();
    /// assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh"));
    /// ```
    pub fn join(self) -> std::thread::Result<T> {
        // Whoever was to send it has gone without a word: the worker is about to end.
        let gone = |_| Err::<T, _>(Box::new(io::Error::other("it was dropped")) as _);
        self.outcome.recv().unwrap_or_else(gone)
    }

    /// Whether [`JoinHandle::join`] would not wait.
    ///
    /// ```
    /// let spawned = oxicorn::spawn(|| ());
    /// while !spawned.is_finished() {
    ///     oxicorn::time::sleep(std::time::Duration::from_millis(1));
    /// }
    /// spawned.join().unwrap();
    /// ```
    pub fn is_finished(&self) -> bool {
        self.outcome.is_decided()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_and_panics_are_the_joiners() {
        let (sender, receiver) = unbounded::<()>();
        let spawned = spawn(move || receiver.recv().is_err());
        assert!(!spawned.is_finished());
        assert_eq!(format!("{spawned:?}"), "JoinHandle { finished: false }");
        drop(sender);
        assert!(spawned.join().unwrap());
        let panicking = spawn(|| std::panic::resume_unwind(Box::new(7)));
        assert_eq!(*panicking.join().unwrap_err().downcast::<i32>().unwrap(), 7);
    }

    #[test]
    fn what_nobody_joins_goes_on() {
        let (sender, receiver) = unbounded();
        drop(spawn(move || sender.send(7)));
        assert_eq!(receiver.recv(), Ok(7));
    }
}
