//! A worker as it really is, whatever the master believes.

use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::scoreboard::Generation;

use crate::event::Ending;

/// Whether it does what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Temper {
    Obedient,
    /// Leaves for SIGKILL only.
    Obstinate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Booting,
    Ready,
    Draining,
}

#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) generation: Generation,
    pub(super) pid: Option<Pid>,
    pub(super) life: Life,
    pub(super) temper: Temper,
    /// It needs longer than any boot_timeout.
    pub(super) slow: bool,
    /// SIGWINCH came before it had a pid to be told by.
    pub(super) forgone: bool,
    /// Has said that it wants to be replaced.
    pub(super) weary: bool,
    pub(super) silent_since: Option<Duration>,
    /// Told to leave (or leaves by itself), and when it must be gone.
    pub(super) leaving: Option<Option<Duration>>,
    /// How many times the machine was off meanwhile; each may cost or give two periods.
    pub(super) naps: u32,
    /// Got SIGABRT.
    pub(super) condemned: Option<Duration>,
    pub(super) killed: bool,
    pub(super) ended: Option<Ending>,
    /// Collected: its pid is free.
    pub(super) reaped: bool,
    /// The master has been told.
    pub(super) gone: bool,
}

impl Process {
    pub(super) fn new(generation: Generation) -> Process {
        Process {
            generation,
            pid: None,
            life: Life::Booting,
            temper: Temper::Obedient,
            slow: false,
            forgone: false,
            weary: false,
            silent_since: None,
            leaving: None,
            naps: 0,
            condemned: None,
            killed: false,
            ended: None,
            reaped: false,
            gone: false,
        }
    }

    pub(super) fn alive(&self) -> bool {
        self.ended.is_none()
    }

    /// Serves, and is not on its way out, as far as anybody can know.
    pub(super) fn serves(&self) -> bool {
        self.life == Life::Ready && self.counts()
    }

    /// Is one of those that there shall be.
    pub(super) fn counts(&self) -> bool {
        let fails = self.condemned.is_some() || self.killed || self.gone;
        self.leaving.is_none() && !self.forgone && !fails
    }

    /// How far the master's clock may be from ours.
    pub(super) fn slack(&self) -> Duration {
        Duration::from_millis(1500) + Duration::from_secs(2) * self.naps
    }

    pub(super) fn becomes_ready(&mut self) -> bool {
        let could = self.life == Life::Booting;
        if could {
            self.life = Life::Ready;
        }
        could
    }

    pub(super) fn wearies(&mut self) -> bool {
        let could = self.life == Life::Ready && !self.weary;
        self.weary |= could;
        could
    }

    pub(super) fn drains(&mut self) -> bool {
        let could = self.life == Life::Ready;
        if could {
            self.life = Life::Draining;
        }
        could
    }

    /// The machine was off for this long.
    pub(super) fn sleep(&mut self, time: Duration) {
        self.naps += 1;
        for moment in [&mut self.silent_since, &mut self.condemned] {
            *moment = moment.map(|at| at + time);
        }
        if let Some(Some(deadline)) = &mut self.leaving {
            *deadline += time;
        }
    }
}
