//! From one generation to the next: what a new configuration changes at once, and what is gone back
//! to when its workers cannot boot. The workers themselves are replaced by [`super::settle`], which
//! only needs to know which generation is wanted.

use std::time::Duration;

use oxicorn_core::scoreboard::Generation;
use oxicorn_core::worker::WorkerExit;

use super::{Arbiter, FIRST, MOST_WORKERS};
use crate::backoff::Progress;
use crate::event::{Action, Ending, Phase, Settings, Stop};
use crate::line::{BootFailure, Line};
use crate::roster::Worker;

/// What the master goes back to if the generation that it is loading cannot boot.
#[derive(Debug)]
pub(super) struct Fallback {
    pub(super) generation: Generation,
    settings: Settings,
    pub(super) target: usize,
    /// A worker of it has been ready.
    pub(super) proven: bool,
}

impl Arbiter {
    pub(super) fn adopt(&mut self, settings: Settings) {
        if matches!(self.phase, Phase::Stopping(_)) {
            return;
        }
        let former = Fallback {
            generation: self.generation,
            settings: self.settings,
            target: self.target,
            proven: self.proven,
        };
        // A generation that was never proven gives way to the one that it was to replace.
        if self.fallback.is_some() {
            self.actions.push(Action::DropConfig { generation: former.generation });
        } else {
            self.fallback = Some(former);
        }
        self.numbered = self.numbered.next();
        self.generation = self.numbered;
        self.proven = false;
        self.settings = settings;
        self.target = settings.workers.clamp(1, MOST_WORKERS);
        self.phase = Phase::Reloading;
        // What failed before may work with the new configuration: no place waits.
        self.vacancies.clear();
        self.actions.push(Action::AdoptConfig { generation: self.generation });
        self.reopen_logs();
    }

    /// Nothing has ever worked: what does not work will not.
    fn is_hopeless(&self) -> bool {
        self.generation == FIRST && self.phase == Phase::Starting
    }

    fn give_up(&mut self, now: Duration, reason: BootFailure) {
        self.verdict = Some(Err(reason));
        self.stop(now, Stop::Quick);
    }

    /// Where something works, those who wait for it are asked for again, later and later.
    pub(super) fn app_failed(&mut self, now: Duration, reason: BootFailure) {
        if self.is_hopeless() {
            self.give_up(now, reason);
        }
    }

    /// A worker has ended, or is about to be killed, without having been ready.
    pub(super) fn boot_failed(&mut self, now: Duration, worker: &Worker, how: Ending) {
        const FAILED: i32 = WorkerExit::BootFailed as i32;
        const NOT_FOUND: i32 = WorkerExit::AppNotFound as i32;
        let reason = match how {
            Ending::Code(FAILED) => Some(BootFailure::Failed),
            Ending::Code(NOT_FOUND) => Some(BootFailure::NotFound),
            _ => None,
        };
        if let Some(reason) = reason
            && self.is_hopeless()
        {
            return self.give_up(now, reason);
        }
        let vacancy = self.vacate(now, worker.failures, Progress::Boot);
        let ended = (worker.generation == self.generation).then(|| self.end_reload()).flatten();
        let retry = vacancy.due.saturating_sub(now);
        let retried = worker.pid.map(|pid| Line::BootFailed { pid, retry });
        self.actions.extend(ended.or(retried).map(Action::Log));
    }

    /// The generation that is being loaded has failed. Those of its workers that serve go on; if
    /// there are none, the generation before it is what new workers are started with again.
    fn end_reload(&mut self) -> Option<Line> {
        let failed = self.generation;
        let former = self.fallback.take_if(|former| former.proven);
        if former.is_none() && self.phase != Phase::Reloading {
            return None;
        }
        if let Some(former) = former {
            self.generation = former.generation;
            self.settings = former.settings;
            self.target = former.target;
            self.proven = true;
            self.actions.push(Action::DropConfig { generation: failed });
        }
        let serves = self.proven || self.roster.all().any(Worker::is_ready);
        self.phase = if serves { Phase::Running } else { Phase::Starting };
        let stays = self.generation;
        Some(Line::ReloadFailed { failed, stays })
    }
}
