//! When the master's patience with a worker ends: it boots too slowly, leaves too slowly, or is silent.

use std::time::Duration;

use oxicorn_core::scoreboard::Slot;

use super::{Arbiter, MOMENT};
use crate::backoff::Progress;
use crate::event::{Action, Ending, Signal};
use crate::line::Line;
use crate::roster::Stage;

impl Arbiter {
    /// When an event finds a deadline long past, this process, and so probably the whole machine, did
    /// not run: nobody could beat, boot or leave meanwhile. What would be judged now is the pause, not
    /// the workers, so they get the time back. Returns how late the event is.
    pub(super) fn wake_up(&mut self, now: Duration) -> Duration {
        let due = self.next_deadline().unwrap_or(now);
        let late = now.saturating_sub(due);
        if late <= self.period().unwrap_or(late) {
            return late;
        }
        for worker in self.roster.all_mut() {
            worker.deadline = worker.deadline.map(|deadline| deadline + late);
        }
        self.kin.delay(late);
        self.last_call.delay(late);
        // Nobody was served meanwhile either; and a moment left in the past would be found once more.
        self.leaves_at = self.leaves_at.map(|at| at + late);
        self.last_round = now;
        self.log(Line::WasAsleep { time: late });
        late
    }

    /// `late`: a pause too short to be noticed is not held against a worker either.
    pub(super) fn tick(&mut self, now: Duration, late: Duration, ages: &[(Slot, Duration)]) {
        let slots: Vec<Slot> = self.roster.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            self.expire(now, slot);
        }
        self.expire_successor(now);
        if self.period().is_some_and(|period| now >= self.last_round + period) {
            self.last_round = now;
            self.judge(now, late, ages);
        }
        self.end_delay(now);
    }

    fn judge(&mut self, now: Duration, late: Duration, ages: &[(Slot, Duration)]) {
        for &(slot, age) in ages {
            let timeout = self.roster.get_mut(slot).and_then(|worker| worker.judged_by());
            if timeout.is_some_and(|timeout| age > timeout + late) {
                self.condemn(now, slot);
            }
        }
    }

    /// The patience with a worker has ended.
    fn expire(&mut self, now: Duration, slot: Slot) {
        let Some(worker) = self.roster.get_mut(slot) else {
            return;
        };
        if worker.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        let before = worker.clone();
        let line = before.pid.and_then(|pid| match before.stage {
            Stage::Booting => Some(Line::BootTooSlow { pid }),
            Stage::Leaving => Some(Line::LeavesTooSlowly { pid }),
            Stage::Ready { .. } | Stage::Condemned | Stage::Killed => None,
        });
        self.actions.extend(line.map(Action::Log));
        worker.kill(&mut self.actions);
        if before.stage == Stage::Booting {
            self.boot_failed(now, &before, Ending::Signal(libc::SIGKILL));
        }
    }

    /// A worker has been silent for too long.
    fn condemn(&mut self, now: Duration, slot: Slot) {
        let Some(worker) = self.roster.get_mut(slot) else {
            return;
        };
        let Some(pid) = worker.pid else {
            return;
        };
        let (stage, failures) = (worker.stage, worker.failures);
        self.actions.push(Action::Log(Line::Silent { pid }));
        self.actions.push(Action::ShowInFlight { slot });
        worker.stage = Stage::Condemned;
        worker.deadline = Some(now + MOMENT);
        worker.strike(Signal::Abrt, &mut self.actions);
        if let Stage::Ready { since } = stage {
            self.vacate(now, failures, Progress::Served(now - since));
        }
    }
}
