//! Threads for what blocks and cannot be made to yield: name look-ups, files, foreign libraries. They
//! are few, since each of them is to sit in a system call, and start when there is work for them: in
//! most workers never. Who waits for the result is none of their business, and may have gone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, unbounded};
use oxicorn_core::wait::Task;

/// So many things can block at once; the next wait for one of these.
const MOST_THREADS: usize = 8;

/// See the module. It belongs to the hub's thread.
#[derive(Debug)]
pub(crate) struct Pool {
    give: Sender<Task>,
    take: Receiver<Task>,
    threads: Cell<usize>,
    /// Threads that nothing has been promised. Only who submits takes one away: a thread that has taken
    /// a task and not yet said so would be counted on twice.
    free: Arc<AtomicUsize>,
}

impl Default for Pool {
    fn default() -> Pool {
        let (give, take) = unbounded();
        Pool { give, take, threads: Cell::new(0), free: Arc::default() }
    }
}

impl Pool {
    /// Has `task` run by one of the threads.
    pub(crate) fn submit(&self, task: Task) {
        // The pool holds the other end itself: it is open.
        let _ = self.give.send(task);
        let one_fewer = |free: usize| free.checked_sub(1);
        let promised = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_fewer);
        if promised.is_ok() || self.threads.get() >= MOST_THREADS {
            return;
        }
        match self.start() {
            Ok(()) => self.threads.set(self.threads.get() + 1),
            Err(error) => {
                tracing::error!("Cannot start a thread for what blocks: {error}");
                if self.threads.get() == 0 {
                    // Better late than never.
                    self.take.try_iter().for_each(run);
                }
            }
        }
    }

    fn start(&self) -> std::io::Result<()> {
        let (take, free) = (self.take.clone(), self.free.clone());
        let work = move || {
            while let Ok(task) = take.recv() {
                run(task);
                free.fetch_add(1, Ordering::AcqRel);
            }
        };
        let name = format!("unblock-{}", self.threads.get() + 1);
        Builder::new().name(name).spawn(work).map(drop)
    }
}

/// A thread outlives whatever it runs.
fn run(task: Task) {
    let _ = catch_unwind(AssertUnwindSafe(task));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::sync::mpsc::channel;
    use std::thread::current;

    #[test]
    fn it_grows_as_far_as_it_must_and_no_further() {
        let pool = Pool::default();
        assert_eq!(pool.threads.get(), 0, "nothing was asked of it yet");
        let (told, tell) = channel();
        let (let_go, held) = unbounded::<()>();
        for _ in 0..2 * MOST_THREADS {
            let (told, held) = (told.clone(), held.clone());
            pool.submit(Box::new(move || {
                let _ = held.recv();
                told.send(current().name().map(str::to_owned)).unwrap();
            }));
        }
        assert_eq!(pool.threads.get(), MOST_THREADS);
        drop(let_go);
        let names: HashSet<_> = tell.iter().take(2 * MOST_THREADS).collect();
        assert!(names.len() <= MOST_THREADS);
        assert!(names.iter().all(|name| name.as_ref().unwrap().starts_with("unblock-")));
    }

    #[test]
    fn nobody_waits_behind_another_while_there_may_be_one_more_thread() {
        for _ in 0..100 {
            let pool = Pool::default();
            let (let_go, held) = unbounded::<()>();
            pool.submit(Box::new(move || {
                let _ = held.recv();
            }));
            let (told, tell) = channel();
            pool.submit(Box::new(move || told.send(7).unwrap()));
            assert_eq!(tell.recv(), Ok(7));
            drop(let_go);
        }
    }

    #[test]
    fn a_panic_costs_no_thread() {
        let pool = Pool::default();
        let (told, tell) = channel();
        for _ in 0..2 * MOST_THREADS {
            pool.submit(Box::new(|| std::panic::resume_unwind(Box::new(()))));
        }
        pool.submit(Box::new(move || told.send(7).unwrap()));
        assert_eq!(tell.recv(), Ok(7));
    }
}
