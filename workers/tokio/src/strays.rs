//! Blocking code on the runtime's blocking pool, and the threads of it that do not come back. A
//! request whose time is over lets go of its call; the thread cannot be stopped, so it is counted
//! until it has finished, and what it has made is thrown away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use oxicorn_core::serve::Weariness;
use tokio::task::spawn_blocking;

/// It has panicked; the panic hook has said where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const DONE: u8 = 2;
const LEFT: u8 = 3;

/// The pool, and who is lost in it.
#[derive(Debug)]
pub(crate) struct Strays {
    lost: AtomicUsize,
    threads: usize,
}

/// One call, as its thread and its request see it.
#[derive(Debug)]
struct Call {
    state: AtomicU8,
    strays: Arc<Strays>,
}

/// The request's side; dropped before the call is done, it leaves the thread alone with it.
struct Waiting(Arc<Call>);

/// The thread's side, as long as the call runs, even if it panics.
struct Working<'a>(&'a Call);

impl Strays {
    /// For a pool of so many threads.
    pub(crate) fn of(threads: usize) -> Arc<Strays> {
        Arc::new(Strays { lost: AtomicUsize::new(0), threads })
    }

    /// The reason to be replaced, when more than half of the pool is lost.
    pub(crate) fn are_too_many(&self) -> Option<Weariness> {
        let lost = self.lost.load(Ordering::Relaxed);
        let why = Weariness::Stuck { handlers: lost as u64, of: self.threads as u64 };
        (lost * 2 > self.threads).then_some(why)
    }

    /// Runs `code` on the pool. If the future is dropped before `code` has begun, it never will.
    pub(crate) async fn on_pool<T: Send + 'static>(
        self: &Arc<Strays>,
        code: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Panicked> {
        let call = Arc::new(Call { state: AtomicU8::new(QUEUED), strays: self.clone() });
        let _waiting = Waiting(call.clone());
        let done = spawn_blocking(move || Working::begin(&call).map(|_working| code()));
        done.await.ok().flatten().ok_or(Panicked)
    }
}

impl Working<'_> {
    fn begin(call: &Call) -> Option<Working<'_>> {
        call.state
            .compare_exchange(QUEUED, RUNNING, Ordering::AcqRel, Ordering::Acquire)
            .ok()
            .map(|_| Working(call))
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if self.0.state.swap(DONE, Ordering::AcqRel) == LEFT {
            self.0.strays.lost.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // Counted before the thread can see it, so that it never takes off what was not added.
        let lost = &self.0.strays.lost;
        lost.fetch_add(1, Ordering::Relaxed);
        let left = |state| (state != DONE).then_some(LEFT);
        let before = self.0.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, left);
        if before != Ok(RUNNING) {
            lost.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use tokio::runtime::{Builder, Runtime};
    use tokio::time::timeout;

    const MOMENT: Duration = Duration::from_millis(1);

    fn runtime(threads: usize) -> Runtime {
        Builder::new_current_thread().enable_time().max_blocking_threads(threads).build().unwrap()
    }

    fn lost(strays: &Strays) -> usize {
        strays.lost.load(Ordering::Acquire)
    }

    #[test]
    fn what_comes_back_in_time_is_nobodys_loss() {
        let strays = Strays::of(1);
        runtime(1).block_on(async {
            assert_eq!(strays.on_pool(|| 7).await, Ok(7));
            let panicked = strays.on_pool(|| std::panic::resume_unwind(Box::new(())));
            assert_eq!(panicked.await.map(|()| 0), Err(Panicked));
        });
        assert_eq!(lost(&strays), 0);
    }

    #[test]
    fn a_thread_is_lost_until_it_comes_back_and_what_waits_behind_it_never_begins() {
        let strays = Strays::of(1);
        let runtime = runtime(1);
        let (begun, has_begun) = channel();
        let (let_go, goes_on) = channel::<()>();
        let (never, not_called) = channel();
        runtime.block_on(async {
            let stuck = strays.on_pool(move || {
                begun.send(()).unwrap();
                goes_on.recv()
            });
            let mut stuck = Box::pin(stuck);
            assert!(timeout(MOMENT, stuck.as_mut()).await.is_err());
            has_begun.recv().unwrap();
            let behind = strays.on_pool(move || never.send(()));
            assert!(timeout(MOMENT, behind).await.is_err());
            assert_eq!(lost(&strays), 0, "who has not begun has lost nothing");
            drop(stuck);
            assert_eq!(lost(&strays), 1);
            assert!(strays.are_too_many().is_some());
        });
        let_go.send(()).unwrap();
        runtime.block_on(async {
            // There is one thread: when this has run, the other calls are through.
            assert_eq!(strays.on_pool(|| 7).await, Ok(7));
        });
        assert!(not_called.try_recv().is_err());
        assert_eq!(lost(&strays), 0);
        assert_eq!(strays.are_too_many(), None);
    }
}
