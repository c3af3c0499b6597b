//! The next step from the workers that are there to those that are wanted. It is taken anew after
//! each event and remembers nothing, so it cannot be interrupted half-way.

use std::time::Duration;

use oxicorn_core::worker::WorkerExit;

use super::Arbiter;
use crate::backoff::Vacancy;
use crate::event::{Action, Phase, Stop};
use crate::line::{BootFailure, Line};
use crate::roster::Worker;

impl Arbiter {
    /// Takes the next step from what is there to what is wanted.
    pub(super) fn settle(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Stopping(_)) {
            // Again: the other master may have gone meanwhile.
            self.end_server();
            if self.roster.is_empty() && self.may_leave(now) {
                self.leave();
            }
            return;
        }
        self.retire(now);
        let old = self.roster.staying().any(|w| w.generation != self.generation);
        if self.phase == Phase::Reloading && !old && (self.proven || self.target == 0) {
            self.phase = Phase::Running;
            if self.proven {
                self.log(Line::Reloaded { generation: self.generation });
            }
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
        let nobody = self.target == 0;
        // Workers that still boot and are up to date are promises: they replace nobody yet. Those of
        // another generation that still boot are not waited for by anybody.
        let counts = |w: &Worker| w.is_ready() || w.stays() && (nobody || self.is_outdated(w));
        let kept = |w: &Worker| w.is_ready() && !self.is_outdated(w);
        if self.phase == Phase::Reloading && !nobody && !self.roster.all().any(kept) {
            return;
        }
        let rank = |w: &Worker| {
            (!self.is_outdated(w), w.is_ready(), w.generation == self.generation, w.age)
        };
        let there = self.roster.iter().filter(|(_, w)| counts(w));
        let mut order: Vec<_> = there.map(|(slot, w)| (rank(w), slot)).collect();
        order.sort_unstable();
        order.truncate(order.len().saturating_sub(self.target));
        for (_, slot) in order {
            if let Some(worker) = self.roster.get_mut(slot) {
                worker.dismiss(now, Stop::Graceful, patience, &mut self.actions);
            }
        }
    }

    /// Starts the workers that are missing, and one more while somebody is to be replaced.
    fn fill(&mut self, now: Duration) {
        let missing = self.target.saturating_sub(self.roster.staying().count());
        let replacement = self.next_replacement(now).filter(|_| missing == 0);
        let wanted = missing.max(usize::from(replacement.is_some()));
        self.vacancies.sort_by_key(|vacancy| vacancy.due);
        self.vacancies.truncate(wanted);
        let fresh = Vacancy { due: now, failures: 0 };
        self.vacancies.resize(wanted, replacement.unwrap_or(fresh));
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
}
