//! What the hub knows of a coroutine, above all of its present wait: what may end it and what comes
//! too late for it.

use std::sync::Arc;
use std::time::Instant;

use oxicorn_core::serve::Place;

use crate::mailbox::Note;
use crate::overdue::Overseen;
use crate::stack::Fiber;

/// A task's number is the low part of its keys, the number of its wait the high part.
const TASK_BITS: u32 = 24;

/// See the module.
pub(crate) struct Task {
    /// `None` while it runs.
    pub(crate) fiber: Option<Fiber>,
    /// Its present wait; what belongs to an earlier one comes too late.
    wait: u32,
    pub(crate) ended: Ended,
    pub(crate) request: Overseen,
    /// Kept here because a request that has ended is in no table.
    place: Option<Place>,
    /// When its present wait ends at the latest.
    deadline: Option<Instant>,
    /// When the reactor looks at that. An alarm cannot be taken back, so it stays for later waits.
    alarm: Option<Instant>,
    /// Its address, once it was asked for.
    pub(crate) note: Option<Arc<Note>>,
    pub(crate) ear: Ear,
}

/// Whether a word for the task ends its present wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ear {
    Listening,
    Deaf,
}

/// How a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// What was awaited has come.
    Ready,
    /// The deadline has come first.
    TimedOut,
    /// The descriptor that was awaited is being closed.
    Closed,
}

/// What an alarm means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// The wait is over.
    Over,
    /// It is to be set once more.
    Later(Instant),
    /// Nothing: nobody waits for it any more.
    Stale,
}

/// The key of a task's wait.
pub(crate) fn key(task: usize, wait: u32) -> u64 {
    u64::from(wait) << TASK_BITS | task as u64
}

/// The task that a key belongs to.
pub(crate) fn task_of(key: u64) -> usize {
    (key & ((1 << TASK_BITS) - 1)) as usize
}

impl Task {
    pub(crate) fn new(fiber: Fiber, request: Overseen) -> Task {
        Task {
            fiber: Some(fiber),
            wait: 0,
            ended: Ended::Ready,
            request,
            place: None,
            deadline: None,
            alarm: None,
            note: None,
            ear: Ear::Deaf,
        }
    }

    /// The same, for a request.
    pub(crate) fn of(mut self, place: Place) -> Task {
        self.place = Some(place);
        self
    }

    /// What it does, for the log.
    pub(crate) fn place(&self) -> String {
        let spawned = || "what a handler has spawned".to_owned();
        self.place.as_ref().map_or_else(spawned, ToString::to_string)
    }

    /// A new wait begins. Gives its number, and when an alarm is to be set for it.
    pub(crate) fn begin(&mut self, until: Option<Instant>) -> (u32, Option<Instant>) {
        self.wait = self.wait.wrapping_add(1);
        self.deadline = until;
        self.ended = Ended::Ready;
        let alarm = until.filter(|until| self.alarm.is_none_or(|alarm| *until < alarm));
        self.alarm = alarm.or(self.alarm);
        (self.wait, alarm)
    }

    /// The wait has ended: its other half, deadline or readiness, must not end a later one.
    pub(crate) fn end(&mut self) -> Ended {
        self.wait = self.wait.wrapping_add(1);
        self.deadline = None;
        self.ear = Ear::Deaf;
        self.ended
    }

    /// Whether an event with this key is for the present wait.
    pub(crate) fn awaits(&self, key: u64) -> bool {
        u64::from(self.wait) == key >> TASK_BITS && self.fiber.is_some()
    }

    /// An alarm has come, of this task or of one that had its number before.
    pub(crate) fn rings(&mut self, now: Instant) -> Ring {
        if self.alarm.is_none_or(|alarm| alarm > now) {
            return Ring::Stale;
        }
        self.alarm = None;
        match self.deadline {
            None => Ring::Stale,
            Some(deadline) if deadline <= now => Ring::Over,
            Some(deadline) => {
                self.alarm = Some(deadline);
                Ring::Later(deadline)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Ground, new_stack};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn task() -> Task {
        let ground = Ground { stack: new_stack().unwrap(), area: None };
        Task::new(Fiber::new(ground, || {}), Overseen::NOBODY)
    }

    #[test]
    fn many_waits_have_one_alarm() {
        let (mut task, now) = (task(), Instant::now());
        assert_eq!(task.begin(Some(now + SECOND)).1, Some(now + SECOND));
        task.end();
        assert_eq!(task.begin(Some(now + 2 * SECOND)).1, None, "it is looked at before");
        assert_eq!(task.rings(now + SECOND), Ring::Later(now + 2 * SECOND));
        assert_eq!(task.rings(now + SECOND), Ring::Stale, "an earlier task's");
        assert_eq!(task.rings(now + 2 * SECOND), Ring::Over);
        task.end();
        assert_eq!(task.begin(Some(now + 9 * SECOND)).1, Some(now + 9 * SECOND));
        task.end();
        assert_eq!(task.begin(Some(now + 3 * SECOND)).1, Some(now + 3 * SECOND), "it is nearer");
        task.end();
        task.begin(None);
        assert_eq!(task.rings(now + 3 * SECOND), Ring::Stale, "this wait has no end");
        assert_eq!(task.rings(now + 9 * SECOND), Ring::Stale);
    }

    #[test]
    fn what_belongs_to_an_earlier_wait_comes_too_late() {
        let mut task = task();
        let (first, _) = task.begin(None);
        assert!(task.awaits(key(7, first)));
        assert_eq!(task_of(key(7, first)), 7);
        task.end();
        let (second, _) = task.begin(None);
        assert!(!task.awaits(key(7, first)) && task.awaits(key(7, second)));
    }
}
