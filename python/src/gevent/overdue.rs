//! How long a request may take here. One alarm is set for the oldest, and when it comes all are looked
//! at, so a fast request costs nothing. Whose time is over is thrown an exception, where it waits; who
//! catches that and goes on is thrown another one, each second, until it has come back.

use std::time::{Duration, Instant};

/// What a request has of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Left,
    Over,
}

/// How long the stubborn are left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Whether the alarm is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Alarm {
    #[default]
    Unset,
    Set,
}

/// When to look next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    limit: Option<Duration>,
    alarm: Alarm,
}

/// What is to be done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Fine,
    /// Its time is over now.
    Overdue,
    /// It was over before.
    Stubborn,
}

impl Watch {
    pub(super) fn new(limit: Option<Duration>) -> Watch {
        Watch { limit, alarm: Alarm::Unset }
    }

    /// When the alarm is to be set for a request that begins; `None`: it is set, or there is none.
    pub(super) fn set_for(&mut self, started: Option<Instant>) -> Option<Instant> {
        let due = started? + self.limit?;
        match std::mem::replace(&mut self.alarm, Alarm::Set) {
            Alarm::Unset => Some(due),
            Alarm::Set => None,
        }
    }

    /// The alarm has come: about one request. `next` becomes the moment to look again.
    pub(super) fn judge(
        &self,
        started: Option<Instant>,
        time: Time,
        now: Instant,
        next: &mut Option<Instant>,
    ) -> Verdict {
        let due = started.zip(self.limit).map(|(started, limit)| started + limit);
        let (again, verdict) = match (due, time) {
            (None, _) => return Verdict::Fine,
            (Some(due), Time::Left) if due > now => (due, Verdict::Fine),
            (Some(_), Time::Left) => (now + AGAIN, Verdict::Overdue),
            (Some(_), Time::Over) => (now + AGAIN, Verdict::Stubborn),
        };
        *next = Some(next.map_or(again, |next| next.min(again)));
        verdict
    }

    /// All were looked at, and `next` is when to look again.
    pub(super) fn looked(&mut self, next: Option<Instant>) {
        self.alarm = next.map_or(Alarm::Unset, |_| Alarm::Set);
    }
}
