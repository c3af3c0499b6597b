//! The decisions of the master: a pure function from what happens to what is done about it. No system
//! call, no clock, no chance: the same events give the same actions.
//!
//! An event changes what is wanted (how many workers, of which generation) or what is there; after
//! each event `settle` compares the two and takes the next step from one to the other.
//! Therefore there is no sequence to interrupt: a signal in the middle of a reload changes what is
//! wanted, and the comparison goes on from where things are.

use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::scoreboard::{Generation, Slot};

use self::last_call::LastCall;
use self::reload::Fallback;
use self::upgrade::Kin;
use crate::backoff::{self, Jitter, Progress, Vacancy};
use crate::event::{Action, Ending, Event, Phase, Settings, Signal, Stop, Terminal};
use crate::line::{BootFailure, Line};
use crate::roster::{Roster, Stage, Worker};

mod farewell;
mod last_call;
mod patience;
mod reload;
mod settle;
mod upgrade;
mod weary;

/// The generation that the master starts with.
pub const FIRST: Generation = Generation(1);

/// The most workers that can be asked for. The scoreboard has room for twice as many, so that a
/// reload and those who leave always find a place.
pub const MOST_WORKERS: usize = 512;

/// How long a worker may take to leave at once, or to die of SIGABRT.
const MOMENT: Duration = Duration::from_secs(1);

/// The time between two looks at the heartbeats: half of `timeout`, within these limits.
const PERIOD: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The master's state. [`Arbiter::step`] is all that changes it.
#[derive(Debug)]
pub struct Arbiter {
    phase: Phase,
    settings: Settings,
    /// How many workers there shall be.
    target: usize,
    /// What new workers are started with.
    generation: Generation,
    /// A worker of this generation has been ready.
    proven: bool,
    /// Only while `generation` is not proven.
    fallback: Option<Fallback>,
    /// The number of the configuration loaded last. Numbers are not used twice.
    numbered: Generation,
    roster: Roster,
    vacancies: Vec<Vacancy>,
    jitter: Jitter,
    /// When the heartbeats were last looked at.
    last_round: Duration,
    /// The other masters, while a binary is replaced.
    kin: Kin,
    /// [`Action::EndServer`] was taken.
    ended: bool,
    last_call: LastCall,
    /// When the stop begins that was asked for.
    leaves_at: Option<Duration>,
    /// What the exit will be; taken when it happens.
    verdict: Option<Result<(), BootFailure>>,
    actions: Vec<Action>,
}

impl Arbiter {
    /// A master that has done nothing yet. `seed` is for the jitter of its back-off.
    pub fn new(settings: Settings, seed: u64) -> Arbiter {
        Arbiter {
            phase: Phase::Starting,
            settings,
            target: settings.workers.clamp(1, MOST_WORKERS),
            generation: FIRST,
            proven: false,
            fallback: None,
            numbered: FIRST,
            roster: Roster::default(),
            vacancies: Vec::new(),
            jitter: Jitter::new(seed),
            last_round: Duration::ZERO,
            kin: Kin::default(),
            ended: false,
            last_call: LastCall::default(),
            leaves_at: None,
            verdict: Some(Ok(())),
            actions: Vec::new(),
        }
    }

    /// Where the master is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// How many workers there shall be.
    pub fn target(&self) -> usize {
        self.target
    }

    /// What new workers are started with.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Takes in one event that happens `now` (since the master's start) and says what to do.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let late = self.wake_up(now);
        let period = self.period();
        let reap = matches!(event, Event::Signal(Signal::Chld) | Event::Exited { .. });
        match event {
            Event::Start => self.last_round = now,
            Event::Signal(signal) => self.signal(now, signal),
            Event::ConfigLoaded(Ok(settings)) => self.adopt(settings),
            Event::ConfigLoaded(Err(reason)) => self.log(Line::ReloadRefused { reason }),
            Event::Spawned { slot, pid } => self.spawned(now, slot, pid),
            Event::SpawnFailed { slot, reason } => self.spawn_failed(now, slot, reason),
            Event::AppFailed { reason } => self.app_failed(now, reason),
            Event::Ready { slot } => self.ready(now, slot),
            Event::Weary { slot } => self.weary(now, slot),
            Event::Draining { slot } => self.draining(now, slot),
            Event::Exited { pid, how } => self.exited(now, pid, how),
            Event::Upgraded { pid } => self.upgraded(now, pid),
            Event::UpgradeFailed { reason } => self.upgrade_failed(reason),
            Event::SuccessorReady => self.successor_ready(),
            Event::SuccessorLeaves => self.successor_leaves(),
            Event::PredecessorGone => self.predecessor_gone(),
            Event::QueuesSeen(queues) => self.queues_seen(now, queues),
            Event::Tick { ages } => self.tick(now, late, &ages),
        }
        self.settle(now);
        if self.period() != period {
            self.last_round = now;
        }
        // Last, because a process that is reaped can be sent nothing more: its pid may be another's.
        if reap && self.verdict.is_some() {
            self.actions.push(Action::Reap);
        }
        std::mem::take(&mut self.actions)
    }

    /// When the next [`Event::Tick`] is due; none: only when something else happens.
    pub fn next_deadline(&self) -> Option<Duration> {
        let workers = self.roster.all().filter_map(|worker| worker.deadline);
        let places = self.vacancies.iter().map(|vacancy| vacancy.due);
        let places = places.filter(|_| self.roster.free().is_some());
        let round = self.period().map(|period| self.last_round + period);
        let others = self.kin.deadline().into_iter().chain(self.leaves_at);
        let others = others.chain(self.last_deadline());
        workers.chain(places).chain(round).chain(others).min()
    }

    /// The time between two rounds; none while there is nothing that a round could find.
    fn period(&self) -> Option<Duration> {
        let (shortest, longest) = PERIOD;
        let waits = self.roster.all().any(|worker| worker.deadline.is_some())
            || self.last_deadline().is_some();
        let judged = self.roster.all().filter_map(Worker::judged_by).min();
        let half = judged.map(|timeout| (timeout / 2).clamp(shortest, longest));
        half.or(waits.then_some(longest))
    }

    fn log(&mut self, line: Line) {
        self.actions.push(Action::Log(line));
    }

    fn signal(&mut self, now: Duration, signal: Signal) {
        self.log(Line::Handling(signal));
        match (signal, self.phase) {
            (Signal::Usr1, _) => self.reopen_logs(),
            (Signal::Int | Signal::Quit, Phase::Stopping(Stop::Graceful)) => {
                self.log(Line::QuickShutdown);
                self.stop(now, Stop::Quick);
            }
            (_, Phase::Stopping(_)) => {}
            _ if self.leaves_at.is_some() => self.signal_before_stop(now, signal),
            (Signal::Term, _) => self.stop_gracefully(now),
            (Signal::Int | Signal::Quit, _) => self.stop(now, Stop::Quick),
            (Signal::Hup, _) => {
                self.log(Line::HangUp);
                self.actions.push(Action::LoadConfig);
            }
            (Signal::Ttin, _) if self.target >= MOST_WORKERS => {
                self.log(Line::MostWorkers { most: MOST_WORKERS });
            }
            (Signal::Ttin, _) => self.change_target(|target| (target + 1).min(MOST_WORKERS)),
            // Not below one, unless SIGWINCH was there before.
            (Signal::Ttou, _) => self.change_target(|target| target - usize::from(target > 1)),
            (Signal::Usr2, _) => self.upgrade(),
            (Signal::Winch, _) => match self.settings.terminal {
                Terminal::Attached => self.log(Line::NotDaemonized),
                Terminal::Daemonized => {
                    self.log(Line::NoWorkers);
                    self.change_target(|_| 0);
                }
            },
            (Signal::Chld | Signal::Abrt | Signal::Kill, _) => {}
        }
    }

    /// What the operator asks for holds also after a reload that fails.
    fn change_target(&mut self, change: impl Fn(usize) -> usize) {
        let former = self.fallback.as_mut().map(|f| &mut f.target);
        for target in std::iter::once(&mut self.target).chain(former) {
            *target = change(*target);
        }
    }

    fn reopen_logs(&mut self) {
        self.actions.push(Action::ReopenLogs);
        for worker in self.roster.all_mut() {
            if worker.pid.is_some() && worker.stage != Stage::Killed {
                worker.strike(Signal::Usr1, &mut self.actions);
            }
        }
    }

    /// How long a worker may take to leave.
    fn patience(&self, stop: Stop) -> Option<Duration> {
        match stop {
            Stop::Graceful => self.settings.graceful_timeout,
            Stop::Quick => Some(MOMENT),
        }
    }

    fn stop(&mut self, now: Duration, stop: Stop) {
        if !matches!(self.phase, Phase::Stopping(_)) {
            self.limit_last_call(now);
            self.leave_to_the_other();
            self.end_server();
        }
        self.phase = Phase::Stopping(stop);
        self.leaves_at = None;
        self.vacancies.clear();
        let patience = self.patience(stop);
        for worker in self.roster.all_mut() {
            match (worker.stage, stop) {
                (Stage::Booting | Stage::Ready { .. }, _) | (Stage::Leaving, Stop::Quick) => {
                    worker.dismiss(now, stop, patience, &mut self.actions);
                }
                (Stage::Leaving, Stop::Graceful) => worker.hurry(now, patience),
                (Stage::Condemned | Stage::Killed, _) => {}
            }
            worker.arrives_by(patience.map(|time| now + time));
        }
    }

    fn spawned(&mut self, now: Duration, slot: Slot, pid: Pid) {
        let owed = self.roster.get_mut(slot).and_then(|w| w.spawned(pid));
        let leave = owed.and_then(|stop| self.patience(stop));
        let boot = self.settings.boot_timeout;
        let Some(worker) = self.roster.get_mut(slot) else {
            return;
        };
        match owed {
            _ if worker.stage == Stage::Killed => worker.kill(&mut self.actions),
            Some(stop) => worker.dismiss(now, stop, leave, &mut self.actions),
            None if worker.stage == Stage::Booting => worker.deadline = boot.map(|t| now + t),
            None => {}
        }
    }

    fn spawn_failed(&mut self, now: Duration, slot: Slot, reason: String) {
        let Some(worker) = self.roster.remove(slot) else {
            return;
        };
        self.actions.push(Action::Release { slot });
        if worker.stays() {
            self.log(Line::SpawnFailed { reason });
            self.vacate(now, worker.failures, Progress::Boot);
        }
    }

    fn ready(&mut self, now: Duration, slot: Slot) {
        let Some(worker) = self.roster.get_mut(slot) else {
            return;
        };
        if worker.stage != Stage::Booting {
            return;
        }
        worker.stage = Stage::Ready { since: now };
        worker.deadline = None;
        worker.beats = true;
        let generation = worker.generation;
        if generation == self.generation {
            self.proven = true;
            if let Some(former) = self.fallback.take() {
                self.actions.push(Action::DropConfig { generation: former.generation });
            }
        } else if let Some(former) = &mut self.fallback {
            former.proven |= former.generation == generation;
        }
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
        }
        self.tell_predecessor();
    }

    fn draining(&mut self, now: Duration, slot: Slot) {
        let patience = self.settings.graceful_timeout;
        if let Some(worker) = self.roster.get_mut(slot)
            && worker.stays()
        {
            worker.stage = Stage::Leaving;
            worker.deadline = patience.map(|time| now + time);
        }
    }

    fn exited(&mut self, now: Duration, pid: Pid, how: Ending) {
        let Some(slot) = self.roster.slot_of(pid) else {
            if !self.successor_exited(pid, how) {
                self.log(Line::Stranger { pid });
            }
            return;
        };
        let Some(worker) = self.roster.remove(slot) else {
            return;
        };
        self.log(Line::Ended { pid, how });
        if worker.died(how) {
            self.actions.push(Action::ShowInFlight { slot });
        }
        self.actions.push(Action::Release { slot });
        match worker.stage {
            Stage::Booting => self.boot_failed(now, &worker, how),
            Stage::Ready { since } => {
                self.vacate(now, worker.failures, Progress::Served(now - since));
            }
            Stage::Leaving | Stage::Condemned | Stage::Killed => {}
        }
    }

    fn vacate(&mut self, now: Duration, failures: u32, progress: Progress) -> Vacancy {
        let vacancy = backoff::vacancy(now, failures, progress, &mut self.jitter);
        self.vacancies.push(vacancy);
        vacancy
    }
}

#[cfg(test)]
mod tests;
