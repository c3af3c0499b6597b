//! Whoever waits in a queue when the last worker has left. Usually the workers have emptied the queues
//! themselves; but a worker that left before it was known that the server ends has left its clients
//! to others, who may have been told to stop since: the other master, in the first place, and
//! every process at once where a service manager stops the whole group. So the master looks for
//! itself before it goes, and one more worker is started for those who wait.

use std::time::Duration;

use super::Arbiter;
use crate::event::{Action, Phase, Queues, Stop};
use crate::line::Line;

/// How many workers are started for those who wait. One is enough, unless it fails; without an end
/// an application that cannot boot any more would keep the master for ever.
const AT_MOST: u8 = 3;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// Not since a worker was there.
    #[default]
    Due,
    /// It was asked for, and that has not been answered.
    Asked,
    /// Nobody waits, or nothing more can be done for those who do.
    Over,
}

/// How far the last call has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastCall {
    look: Look,
    workers: u8,
    /// When `graceful_timeout` is over, counted from the beginning of the stop: nothing here makes a
    /// stop longer than that.
    until: Option<Duration>,
}

impl LastCall {
    fn is_late(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Gives the time back that nobody could use.
    pub(super) fn delay(&mut self, late: Duration) {
        self.until = self.until.map(|until| until + late);
    }
}

impl Arbiter {
    /// The stop begins.
    pub(super) fn limit_last_call(&mut self, now: Duration) {
        self.last_call.until = self.patience(Stop::Graceful).map(|time| now + time);
    }

    /// When a master goes that has no workers left, whatever it waits for.
    pub(super) fn last_deadline(&self) -> Option<Duration> {
        let stops = self.phase == Phase::Stopping(Stop::Graceful) && self.verdict.is_some();
        let waits = stops && self.roster.is_empty() && self.last_call.look == Look::Due;
        self.last_call.until.filter(|_| waits)
    }

    /// Whether a master that stops and has no workers left can go.
    pub(super) fn may_leave(&mut self, now: Duration) -> bool {
        if self.phase != Phase::Stopping(Stop::Graceful) {
            return true;
        }
        if self.waits_for_successor() && !self.last_call.is_late(now) {
            return false;
        }
        // The queues are another master's.
        if !self.ended {
            return true;
        }
        if self.last_call.look == Look::Due {
            self.last_call.look = Look::Asked;
            self.actions.push(Action::LookAtQueues);
        }
        self.last_call.look == Look::Over
    }

    pub(super) fn queues_seen(&mut self, now: Duration, queues: Queues) {
        let awaited = self.last_call.look == Look::Asked;
        if !awaited || self.phase != Phase::Stopping(Stop::Graceful) {
            return;
        }
        self.last_call.look = Look::Over;
        let LastCall { workers, until, .. } = self.last_call;
        if queues == Queues::Empty || workers == AT_MOST || self.last_call.is_late(now) {
            return;
        }
        let (generation, timeout) = (self.generation, self.settings.timeout);
        let Some(slot) = self.roster.add(generation, timeout, 0) else {
            return;
        };
        self.last_call = LastCall { look: Look::Due, workers: workers + 1, until };
        self.log(Line::LastCall);
        self.actions.push(Action::Spawn { slot, generation });
        // It is to leave as soon as it is there: whoever leaves when the server ends empties the
        // queues first.
        if let Some(worker) = self.roster.get_mut(slot) {
            worker.is_passing(until);
        }
    }
}
