//! The workers as the master knows them: who is in which place, how far each has come, and when its
//! patience with it ends. Puma's lesson: the master's view of a worker is a type of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::scoreboard::{Generation, ROWS, Slot};

use crate::backoff::Vacancy;
use crate::event::{Action, Ending, Signal, Stop};

/// How far a worker has come. [`Worker::deadline`] means something else in each stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Forked, or about to be. It has `boot_timeout` to be ready.
    Booting,
    /// Serves.
    Ready {
        /// Since when.
        since: Duration,
    },
    /// Was told to leave, or leaves by its own decision. It has `graceful_timeout`.
    Leaving,
    /// Was silent and got SIGABRT. It has a second.
    Condemned,
    /// Got SIGKILL; nothing more can be done to it.
    Killed,
}

/// One worker process, until it is reaped.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) generation: Generation,
    /// How many workers were started before it.
    pub(crate) age: u64,
    /// None: the fork was asked for and has not been answered.
    pub(crate) pid: Option<Pid>,
    pub(crate) stage: Stage,
    pub(crate) deadline: Option<Duration>,
    /// How long it may be silent: by its own configuration, which it beats by.
    timeout: Option<Duration>,
    /// It has been ready: from then on its heartbeat counts.
    pub(crate) beats: bool,
    /// Failures in a row of those who had its place before.
    pub(crate) failures: u32,
    /// It has done its share, and this is when its replacement is due.
    pub(crate) weary: Option<Vacancy>,
    /// Dismissed before it had a pid.
    owed: Option<Stop>,
    /// Its place, so that it can be named before it has a pid.
    slot: Slot,
}

impl Worker {
    /// Counts as one of the workers that there shall be; the others are on their way out.
    pub(crate) fn stays(&self) -> bool {
        matches!(self.stage, Stage::Booting | Stage::Ready { .. })
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Ready { .. })
    }

    /// Whether such an end is a surprise: a signal that the master has not sent.
    pub(crate) fn died(&self, how: Ending) -> bool {
        let condemned = matches!(self.stage, Stage::Condemned | Stage::Killed);
        !condemned && matches!(how, Ending::Signal(_) | Ending::OutOfMemory)
    }

    /// How long it may be silent, while it is to be heard at all.
    pub(crate) fn judged_by(&self) -> Option<Duration> {
        let serves = matches!(self.stage, Stage::Ready { .. } | Stage::Leaving);
        self.timeout.filter(|_| self.beats && serves)
    }

    /// Sends it a signal.
    pub(crate) fn strike(&self, signal: Signal, actions: &mut Vec<Action>) {
        actions.extend(self.pid.map(|pid| Action::Kill { pid, signal }));
    }

    /// Tells it to leave: now, or as soon as there is somebody to tell.
    pub(crate) fn dismiss(
        &mut self,
        now: Duration,
        how: Stop,
        patience: Option<Duration>,
        actions: &mut Vec<Action>,
    ) {
        if self.stays() {
            self.deadline = None;
        }
        self.stage = Stage::Leaving;
        if self.pid.is_none() {
            self.owed = Some(how);
            actions.push(Action::Unspawn { slot: self.slot });
            return;
        }
        self.hurry(now, patience);
        let signal = match how {
            Stop::Graceful => Signal::Term,
            Stop::Quick => Signal::Quit,
        };
        self.strike(signal, actions);
    }

    /// Before it has a pid: it is to leave as soon as it has done what is there to be done, and by
    /// then at the latest.
    pub(crate) fn is_passing(&mut self, until: Option<Duration>) {
        self.stage = Stage::Leaving;
        self.owed = Some(Stop::Graceful);
        self.deadline = until;
    }

    /// If it is not there yet: what comes later than this is killed.
    pub(crate) fn arrives_by(&mut self, deadline: Option<Duration>) {
        if self.pid.is_none() {
            self.deadline = self.deadline.into_iter().chain(deadline).min();
        }
    }

    /// Gives it this much time from now, or what it has left if that is less.
    pub(crate) fn hurry(&mut self, now: Duration, patience: Option<Duration>) {
        if self.pid.is_some() {
            let deadline = patience.map(|time| now + time);
            self.deadline = self.deadline.into_iter().chain(deadline).min();
        }
    }

    pub(crate) fn kill(&mut self, actions: &mut Vec<Action>) {
        self.stage = Stage::Killed;
        self.deadline = None;
        match self.pid {
            Some(_) => self.strike(Signal::Kill, actions),
            // It is killed when there is something to kill.
            None => actions.push(Action::Unspawn { slot: self.slot }),
        }
    }

    /// Its process is there. Returns how it is to be told to leave, if it was dismissed before.
    pub(crate) fn spawned(&mut self, pid: Pid) -> Option<Stop> {
        self.pid = Some(pid);
        self.owed.take()
    }
}

/// All of them, by place.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    workers: BTreeMap<Slot, Worker>,
    started: u64,
}

impl Roster {
    /// A new worker in the lowest free place. None: all places are taken.
    pub(crate) fn add(
        &mut self,
        generation: Generation,
        timeout: Option<Duration>,
        failures: u32,
    ) -> Option<Slot> {
        let slot = self.free()?;
        let worker = Worker {
            generation,
            age: self.started,
            pid: None,
            stage: Stage::Booting,
            deadline: None,
            timeout,
            beats: false,
            failures,
            weary: None,
            owed: None,
            slot,
        };
        self.started += 1;
        self.workers.insert(slot, worker);
        Some(slot)
    }

    /// The lowest free place.
    pub(crate) fn free(&self) -> Option<Slot> {
        (0..ROWS).map(Slot).find(|slot| !self.workers.contains_key(slot))
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Worker> {
        self.workers.remove(&slot)
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut Worker> {
        self.workers.get_mut(&slot)
    }

    pub(crate) fn slot_of(&self, pid: Pid) -> Option<Slot> {
        self.iter().find(|(_, worker)| worker.pid == Some(pid)).map(|(slot, _)| slot)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Slot, &Worker)> {
        self.workers.iter().map(|(&slot, worker)| (slot, worker))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Worker> {
        self.workers.values()
    }

    pub(crate) fn all_mut(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.workers.values_mut()
    }

    pub(crate) fn staying(&self) -> impl Iterator<Item = &Worker> {
        self.all().filter(|worker| worker.stays())
    }
}
