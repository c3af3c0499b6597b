//! A worker that has done its share. It serves until its replacement is ready, like one of an older
//! generation; what is decided here is only when that replacement is due. A limit that a worker
//! reaches as soon as it has booted must not make the master fork without end: the place waits
//! longer each time, as it does for a worker that crashes.

use std::time::Duration;

use oxicorn_core::scoreboard::Slot;

use super::Arbiter;
use crate::backoff::{self, Progress, Vacancy};
use crate::event::Phase;
use crate::roster::{Stage, Worker};

/// How many workers more than wanted may be on their way out before another is replaced.
fn surge(target: usize) -> usize {
    (target / 2).max(1)
}

impl Arbiter {
    pub(super) fn weary(&mut self, now: Duration, slot: Slot) {
        let Some(worker) = self.roster.get_mut(slot) else {
            return;
        };
        if let Stage::Ready { since } = worker.stage
            && worker.weary.is_none()
        {
            let progress = Progress::Served(now - since);
            let vacancy = backoff::vacancy(now, worker.failures, progress, &mut self.jitter);
            worker.weary = Some(vacancy);
        }
    }

    /// Whether this worker is one to be replaced, for whatever reason: such workers go first.
    pub(super) fn is_outdated(&self, worker: &Worker) -> bool {
        worker.generation != self.generation || worker.weary.is_some()
    }

    /// When to start the next replacement of somebody who still serves: one after the other, and not
    /// while many are still on their way out, so that it needs a bounded amount of memory.
    pub(super) fn next_replacement(&self, now: Duration) -> Option<Vacancy> {
        let staying = || self.roster.staying();
        let busy = staying().any(|w| !self.is_outdated(w) && !w.is_ready());
        let leaving = self.roster.all().filter(|w| !w.stays()).count();
        if busy || leaving >= surge(self.target) {
            return None;
        }
        // What a reload has left as it is after a failure stays.
        let older = |w: &Worker| w.generation != self.generation;
        if self.phase == Phase::Reloading && staying().any(older) {
            return Some(Vacancy { due: now, failures: 0 });
        }
        staying().filter_map(|worker| worker.weary).min_by_key(|vacancy| vacancy.due)
    }
}
