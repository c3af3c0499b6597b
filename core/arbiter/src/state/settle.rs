//! The next step from the workers that are there to those that are wanted. It is taken anew after
//! each event and remembers nothing, so it cannot be interrupted half-way.

use std::time::Duration;

use oxicorn_core::worker::WorkerExit;

use super::Arbiter;
use crate::backoff::Vacancy;
use crate::event::{Action, Phase, Stop};
use crate::line::{BootFailure, Line};
use crate::roster::Worker;

/// How many workers more than wanted a reload may have on their way out before it goes on.
fn surge(target: usize) -> usize {
    (target / 2).max(1)
}

impl Arbiter {
    /// Takes the next step from what is there to what is wanted.
    pub(super) fn settle(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Stopping(_)) {
            // Again: the other master may have gone meanwhile.
            self.end_server();
            if self.roster.is_empty() {
                self.leave();
            }
            return;
        }
        self.retire(now);
        let old = self.roster.staying().any(|w| w.generation != self.generation);
        if self.phase == Phase::Reloading && self.proven && !old {
            self.phase = Phase::Running;
            self.log(Line::Reloaded { generation: self.generation });
        }
        self.fill(now);
    }

    fn leave(&mut self) {
        let Some(verdict) = self.verdict.take() else {
            return;
        };
        let code = match verdict {
            Ok(()) => {
                self.log(Line::ShuttingDown);
                WorkerExit::Done
            }
            Err(reason) => {
                self.log(Line::GivingUp);
                self.log(Line::Reason(reason));
                match reason {
                    BootFailure::Failed => WorkerExit::BootFailed,
                    BootFailure::NotFound => WorkerExit::AppNotFound,
                }
            }
        };
        self.actions.push(Action::Exit { code: code as u8 });
    }

    /// Tells to leave whoever is not needed: never one whose work nobody else is ready to do.
    fn retire(&mut self, now: Duration) {
        let patience = self.patience(Stop::Graceful);
        let current = self.generation;
        // Workers of this generation that still boot are promises: they replace nobody yet. Those of
        // another generation that still boot are not waited for by anybody.
        let counts = |w: &Worker| w.is_ready() || w.stays() && w.generation != current;
        let kept = |w: &Worker| w.is_ready() && w.generation == current;
        while self.roster.all().filter(|w| counts(w)).count() > self.target
            && (self.phase != Phase::Reloading || self.roster.all().any(kept))
        {
            let next = self
                .roster
                .all_mut()
                .filter(|w| counts(w))
                .min_by_key(|w| (w.generation == current, w.is_ready(), w.age));
            let Some(worker) = next else { break };
            worker.dismiss(now, Stop::Graceful, patience, &mut self.actions);
        }
    }

    /// Starts the workers that are missing, and in a reload one more.
    fn fill(&mut self, now: Duration) {
        let missing = self.target.saturating_sub(self.roster.staying().count());
        let wanted = missing.max(usize::from(self.replaces()));
        self.vacancies.sort_by_key(|vacancy| vacancy.due);
        self.vacancies.truncate(wanted);
        let fresh = Vacancy { due: now, failures: 0 };
        self.vacancies.resize(wanted, fresh);
        while let Some(at) = self.vacancies.iter().position(|v| v.due <= now) {
            let failures = self.vacancies[at].failures;
            let (generation, timeout) = (self.generation, self.settings.timeout);
            let Some(slot) = self.roster.add(generation, timeout, failures) else {
                break;
            };
            self.vacancies.remove(at);
            self.actions.push(Action::Spawn { slot, generation });
        }
    }

    /// Whether a reload is to start the next replacement: one after the other, and not while many
    /// are still on their way out, so that a reload needs a bounded amount of memory.
    fn replaces(&self) -> bool {
        let staying = || self.roster.staying();
        let current = self.generation;
        self.phase == Phase::Reloading
            && staying().any(|w| w.generation != current)
            && staying().all(|w| w.generation != current || w.is_ready())
            && self.roster.all().filter(|w| !w.stays()).count() < surge(self.target)
    }
}
