//! The threads of the pool, as a number: how many are at work and not lost. A thread whose handler
//! does not come back is struck off at once, and another is hired in its place; should it come back
//! after all, it ends itself.

use std::cell::Cell;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use oxicorn_core::serve::Standing;

use crate::pool::Pool;

#[derive(Debug, Default)]
pub(crate) struct Crew {
    numbers: Mutex<Numbers>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    /// At work, and not lost.
    present: u64,
    /// All that were ever hired.
    hired: u64,
}

impl Crew {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts threads of `pool` until `wanted` are at work.
    ///
    /// # Errors
    /// Those of starting a thread.
    pub(crate) fn hire(pool: &Arc<Pool>, wanted: u64) -> io::Result<()> {
        let mut numbers = pool.crew().numbers();
        while numbers.present < wanted {
            let name = format!("pool-{}", numbers.hired + 1);
            let at_work = pool.clone();
            std::thread::Builder::new().name(name).spawn(move || at_work.work())?;
            numbers.present += 1;
            numbers.hired += 1;
        }
        Ok(())
    }

    /// So many threads are lost.
    pub(crate) fn lose(&self, count: u64) {
        let mut numbers = self.numbers();
        numbers.present = numbers.present.saturating_sub(count);
    }

    /// The place of a thread that begins to work.
    pub(crate) fn place(&self) -> Place<'_> {
        Place { crew: self, standing: Cell::new(Standing::Present) }
    }

    /// A thread ends.
    fn gone(&self, standing: Standing) {
        // Who was lost was struck off before.
        if standing == Standing::Present {
            let mut numbers = self.numbers();
            numbers.present = numbers.present.saturating_sub(1);
            self.changed.notify_all();
        }
    }

    /// Waits until all that are not lost have ended.
    pub(crate) fn wait(&self) {
        let mut numbers = self.numbers();
        while numbers.present > 0 {
            numbers = self.changed.wait(numbers).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A thread's place, as long as it works, even if it panics.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    crew: &'a Crew,
    standing: Cell<Standing>,
}

impl Place<'_> {
    /// How the thread is to be seen when it has ended.
    pub(crate) fn leave(&self, standing: Standing) {
        self.standing.set(standing);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.crew.gone(self.standing.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crew(present: u64) -> Crew {
        Crew { numbers: Mutex::new(Numbers { present, hired: present }), changed: Condvar::new() }
    }

    #[test]
    fn the_end_of_the_lost_is_not_waited_for() {
        let crew = crew(3);
        crew.lose(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                drop(crew.place());
                drop(crew.place());
            });
            crew.wait();
        });
        crew.place().leave(Standing::Lost);
        assert_eq!(crew.numbers().present, 0, "it was struck off before");
    }
}
