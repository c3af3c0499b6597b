//! What must hold after each step, and in the end. All rules are here, and nowhere else.

use std::time::Duration;

use super::process::{Life, Process};
use super::upgrade::Hurry;
use super::*;
use crate::event::{Queues, Stop};

/// What the rules compare with.
pub(super) struct Picture {
    serving: Vec<Slot>,
    phase: Phase,
    target: usize,
    generation: Generation,
}

/// In so much time no more than so many workers are started for weary ones: some at first, then each
/// place waits longer and longer.
const STORM: (Duration, usize, usize) = (Duration::from_secs(10), 60, 12);

impl World {
    fn those(&self, which: impl Fn(&Process) -> bool) -> usize {
        self.processes.values().filter(|p| which(p)).count()
    }

    fn serving(&self) -> Vec<Slot> {
        let all = self.processes.iter();
        all.filter(|(_, p)| p.serves()).map(|(&slot, _)| slot).collect()
    }

    pub(super) fn picture(&self) -> Picture {
        Picture {
            serving: self.serving(),
            phase: self.arbiter.phase(),
            target: self.arbiter.target(),
            generation: self.arbiter.generation(),
        }
    }

    /// How far the master's clock may be from ours: each sleep may cost or give two periods.
    fn slack(&self) -> Duration {
        let naps = self.seen.get("asleep").copied().unwrap_or_default();
        Duration::from_secs(2) * u32::try_from(naps + 1).unwrap_or(u32::MAX)
    }

    /// A signal for a worker has its reason, and its consequence.
    pub(super) fn rules_for(&mut self, slot: Slot, signal: Signal) -> Result<(), String> {
        let (now, settings, stops_by) = (self.now, self.settings(), self.stops_by);
        let stopping = matches!(self.arbiter.phase(), Phase::Stopping(_));
        let process = self.processes.get_mut(&slot).ok_or("nobody there")?;
        match signal {
            Signal::Term | Signal::Quit => {
                let patience = match signal {
                    Signal::Quit => Some(Duration::from_secs(1)),
                    _ => settings.graceful_timeout,
                };
                let deadline = patience.map(|time| now + time).into_iter().chain(stops_by).min();
                let before = process.leaving.flatten();
                process.leaving = Some(before.into_iter().chain(deadline).min());
                if signal == Signal::Quit && !stopping {
                    return Err("QUIT without a stop".to_owned());
                }
            }
            Signal::Abrt => {
                let silent = process.silent_since.map(|since| now - since);
                let timeout = self.configs[&process.generation].0.timeout;
                if timeout.is_none() || silent <= timeout {
                    return Err(format!("ABRT for a worker that beats: {process:?}"));
                }
                process.condemned = Some(now);
            }
            Signal::Kill => {
                let told = process.leaving.flatten().is_some_and(|at| at <= now + process.slack());
                let slow = process.slow && process.life == Life::Booting;
                // Who is made in vain when the time to stop is over is told nothing else.
                let late = stopping && process.forgone;
                if !told && !slow && !late && process.condemned.is_none() {
                    return Err(format!("KILL without a reason: {process:?}"));
                }
                process.killed = true;
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn check(
        &mut self,
        before: &Picture,
        event: &Event,
        actions: &[Action],
    ) -> Result<(), String> {
        let deadline = self.settings().graceful_timeout.map(|time| self.now + time);
        let stops = !matches!(before.phase, Phase::Stopping(_))
            && matches!(self.arbiter.phase(), Phase::Stopping(_));
        if stops {
            self.stops_by = deadline;
        }
        let dismissed = *event == Event::Signal(Signal::Winch) && self.arbiter.target() == 0;
        for (slot, process) in &mut self.processes {
            process.forgone |= dismissed && process.pid.is_none();
            let leaves = matches!(event, Event::Draining { slot: s } if s == slot);
            match &mut process.leaving {
                None if leaves => process.leaving = Some(deadline),
                // A stop limits the time also of those who were told before.
                Some(before) if stops => *before = before.iter().copied().chain(deadline).min(),
                _ => {}
            }
        }
        self.kin.rules(actions)?;
        if let Event::ConfigLoaded(Err(_)) = event {
            self.nothing_changes(before, actions)?;
        }
        if self.exit.is_some() {
            return self.nothing_follows();
        }
        self.stops_in_time(before, event)?;
        self.enough_serve(before, event, actions)?;
        self.weary_ones_wait(before, actions)?;
        self.nobody_for_nothing(event, actions)?;
        self.not_too_many(before, actions)?;
        self.no_fork_storm(actions)?;
        self.nobody_is_forgotten()
    }

    /// A configuration that is refused changes nothing, and says so once.
    fn nothing_changes(&self, before: &Picture, actions: &[Action]) -> Result<(), String> {
        let now = (self.arbiter.phase(), self.arbiter.target(), self.arbiter.generation());
        let errors = actions
            .iter()
            .filter(|a| matches!(a, Action::Log(line) if line.level() == Level::Error));
        let killed = actions.iter().any(|a| matches!(a, Action::Kill { .. }));
        if now != (before.phase, before.target, before.generation) || errors.count() != 1 || killed
        {
            return Err(format!("a refused configuration changes something: {actions:?}"));
        }
        Ok(())
    }

    /// The exit comes when everybody has gone, and is the end.
    fn nothing_follows(&mut self) -> Result<(), String> {
        if self.those(|p| !p.reaped) > 0 {
            return Err("the master leaves its workers behind".to_owned());
        }
        let late = self.stops_by.is_some_and(|by| by <= self.now + self.slack());
        self.kin.left_rightly(self.arbiter.phase(), if late { Hurry::Late } else { Hurry::No })?;
        for event in [Event::Signal(Signal::Hup), Event::Tick { ages: Vec::new() }] {
            let actions = self.arbiter.step(self.now, event);
            if actions.iter().any(|a| !matches!(a, Action::Log(Line::Handling(_)))) {
                return Err(format!("after the exit: {actions:?}"));
            }
        }
        let asked = self.stopped.is_some();
        match self.exit {
            Some(0) if asked => Ok(()),
            Some(3 | 4) if self.arbiter.generation() == FIRST => Ok(()),
            other => Err(format!("exit {other:?}, asked for: {asked}")),
        }
    }

    /// Never fewer workers that serve than before, or than are wanted; and in a reload nobody is
    /// told to leave before a worker of the new generation serves.
    fn enough_serve(
        &self,
        before: &Picture,
        event: &Event,
        actions: &[Action],
    ) -> Result<(), String> {
        if matches!(self.arbiter.phase(), Phase::Stopping(_)) {
            return Ok(());
        }
        let serving = self.those(Process::serves);
        if serving > 0 && self.news.is_empty() && self.kin.is_awaited() {
            return Err("it serves, and the old master does not know".to_owned());
        }
        let failed = |p: &Process| p.condemned.is_some() || p.gone;
        let failed = |slot: &Slot| self.processes.get(slot).is_none_or(failed);
        let served = before.serving.iter().filter(|slot| !failed(slot)).count();
        if serving < served.min(self.arbiter.target()) {
            return Err(format!("{serving} serve, {served} did: {actions:?}"));
        }
        let current = self.arbiter.generation();
        let kept = self.those(|p| p.serves() && p.generation == current);
        let worker = |pid| !self.kin.is_successor(pid);
        let told =
            |a: &Action| matches!(a, Action::Kill { signal: Signal::Term, pid } if worker(*pid));
        // Somebody dismissed earlier may have no pid to be told by until now.
        let retired = !matches!(event, Event::Spawned { .. }) && actions.iter().any(told);
        let wanted = self.arbiter.target() > 0;
        if self.arbiter.phase() == Phase::Reloading && retired && kept == 0 && wanted {
            return Err(format!("retired before the replacement is ready: {actions:?}"));
        }
        Ok(())
    }

    /// After SIGTERM everything goes on for as long as was said, and no longer.
    fn stops_in_time(&mut self, before: &Picture, event: &Event) -> Result<(), String> {
        let stopping = match self.arbiter.phase() {
            Phase::Stopping(stop) => Some(stop),
            _ => None,
        };
        if *event == Event::Signal(Signal::Term)
            && self.farewell.is_none()
            && !matches!(before.phase, Phase::Stopping(_))
        {
            let delay = match before.phase {
                Phase::Starting => None,
                _ => self.settings().drain_delay.filter(|_| self.kin.is_alone()),
            };
            let due = self.now + delay.unwrap_or_default();
            self.farewell = Some((due, due + Duration::from_secs(2)));
        }
        match (stopping, self.farewell) {
            (None, Some((_, latest))) if self.now > latest => {
                Err("the stop has been forgotten".to_owned())
            }
            (Some(Stop::Graceful), Some((earliest, _))) if self.now < earliest => {
                Err(format!("the stop was to begin at {earliest:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A weary worker is dismissed only when as many as wanted serve without it.
    fn weary_ones_wait(&self, before: &Picture, actions: &[Action]) -> Result<(), String> {
        if matches!(self.arbiter.phase(), Phase::Stopping(_)) {
            return Ok(());
        }
        let told = |pid: Pid| {
            let told = |a: &Action| *a == Action::Kill { pid, signal: Signal::Term };
            actions.iter().any(told)
        };
        let all = before.serving.iter().filter_map(|slot| self.processes.get(slot));
        let mut dismissed = all.filter(|p| p.weary && p.pid.is_some_and(told));
        let serving = self.those(Process::serves);
        match dismissed.next() {
            Some(weary) if serving < self.arbiter.target() => {
                Err(format!("{serving} serve without {weary:?}: {actions:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A limit that every worker reaches at once does not have the master fork without end.
    fn no_fork_storm(&mut self, actions: &[Action]) -> Result<(), String> {
        let spawned = actions.iter().filter(|a| matches!(a, Action::Spawn { .. })).count();
        let surplus = self.those(Process::counts) > self.arbiter.target();
        if spawned == 0 || !surplus || self.arbiter.phase() == Phase::Reloading {
            return Ok(());
        }
        let (window, some, each) = STORM;
        let (now, target) = (self.now, self.arbiter.target());
        self.recycled.push_back((now, target));
        self.recycled.retain(|&(then, _)| then + window >= now);
        let most = self.recycled.iter().map(|&(_, target)| target).max().unwrap_or_default();
        if self.recycled.len() > some + each * most {
            return Err(format!("{} replaced in {window:?}", self.recycled.len()));
        }
        Ok(())
    }

    /// Who stops starts workers only for clients who still wait, one at a time.
    fn nobody_for_nothing(&self, event: &Event, actions: &[Action]) -> Result<(), String> {
        let spawned = actions.iter().filter(|a| matches!(a, Action::Spawn { .. })).count();
        let wanted = usize::from(*event == Event::QueuesSeen(Queues::Waiting));
        let stopping = matches!(self.arbiter.phase(), Phase::Stopping(_));
        if stopping && (spawned > wanted || self.those(|p| !p.gone) > 1 && spawned > 0) {
            return Err(format!("started for nothing: {actions:?}"));
        }
        Ok(())
    }

    /// Workers are started to be as many as wanted; one more in a reload or for a weary one, while
    /// few are leaving.
    fn not_too_many(&self, before: &Picture, actions: &[Action]) -> Result<(), String> {
        let spawned = actions.iter().filter(|a| matches!(a, Action::Spawn { .. })).count();
        if spawned == 0 || matches!(self.arbiter.phase(), Phase::Stopping(_)) {
            return Ok(());
        }
        // Who is dismissed before the fork is told after it.
        let current = self.arbiter.generation();
        let known = |p: &Process| p.pid.is_some() || p.generation == current;
        let staying = self.those(|p| p.counts() && known(p));
        let leaving = self.those(|p| !p.counts() && !p.gone);
        let target = self.arbiter.target();
        let weary = self.those(|p| p.weary && p.counts()) > 0;
        let surplus = spawned == 1
            && (self.arbiter.phase() == Phase::Reloading || weary)
            && leaving < (target / 2).max(1);
        if staying > target && !surplus {
            let phases = (before.phase, self.arbiter.phase());
            return Err(format!("{staying} stay, {leaving} leave, {phases:?}: {actions:?}"));
        }
        Ok(())
    }

    /// Whoever was told to leave, or fell silent, is gone in time or killed.
    fn nobody_is_forgotten(&self) -> Result<(), String> {
        for process in self.processes.values().filter(|p| p.alive() && !p.killed) {
            let condemned = process.condemned.map(|at| at + Duration::from_secs(1));
            let deadline = process.leaving.flatten().into_iter().chain(condemned).min();
            if deadline.is_some_and(|deadline| self.now > deadline + process.slack()) {
                return Err(format!("still there: {process:?}"));
            }
        }
        Ok(())
    }

    pub(super) fn settled(&self) -> bool {
        let target = self.arbiter.target();
        let nobody_yet = self.arbiter.phase() == Phase::Starting && target == 0;
        (self.arbiter.phase() == Phase::Running || nobody_yet)
            && self.news.is_empty()
            && self.answers.is_empty()
            && self.processes.len() == target
            && self.those(Process::serves) == target
            && self.kin.settled()
            && self.those(|p| p.weary) == 0
            && self.stopped.is_none()
    }

    /// When the noise has stopped, it has left, or as many as wanted serve; and if the newest
    /// configuration came after the noise, all of them serve with it.
    pub(super) fn settled_rightly(&self) -> Result<(), String> {
        if self.exit.is_some() {
            return Ok(());
        }
        if self.stopped.is_some() {
            return Err("told to stop, and still there".to_owned());
        }
        let current = self.arbiter.generation();
        let newest = self.configs.last_key_value().map(|(&generation, _)| generation);
        if self.reloaded && (Some(current) != newest || self.those(|p| p.generation != current) > 0)
        {
            return Err(format!("{newest:?}, {current:?}: {:?}", self.processes));
        }
        Ok(())
    }
}
