//! Tells the world what has become of the server: whoever waits at a terminal for a daemon to start,
//! and systemd. It is an observer: the driver shows it the master's phase when everything that has
//! happened is dealt with, and it tells what is news. The decisions know nothing of it.

use std::time::Duration;

use nix::unistd::Pid;

use crate::daemon::Launcher;
use crate::event::Phase;
use crate::notify::Notify;

/// Who is to be told, and what they know. The default tells nobody.
#[derive(Debug, Default)]
pub struct Herald {
    notify: Notify,
    launcher: Option<Launcher>,
    told: Told,
    /// How many workers they believe that there are.
    workers: usize,
    voice: Voice,
}

/// Whether this master is the one that the world knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Voice {
    #[default]
    First,
    /// Another one is, and speaks for both.
    Second,
}

/// What was told last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    #[default]
    Nothing,
    Ready,
    Reloading,
    Stopping,
}

impl Herald {
    /// Tells systemd, and the process that waits for this daemon.
    pub fn new(notify: Notify, launcher: Option<Launcher>) -> Herald {
        Herald { notify, launcher, ..Herald::default() }
    }

    /// For a master that is to replace another one: it tells nothing while that one is there.
    pub fn second(notify: Notify) -> Herald {
        Herald { notify, voice: Voice::Second, ..Herald::default() }
    }

    /// The other master has gone: what is to be told comes next.
    pub(crate) fn promoted(&mut self) {
        self.voice = Voice::First;
    }

    /// The master begins.
    pub(crate) fn starting(&mut self) {
        if self.voice == Voice::First {
            self.notify.starting();
        }
    }

    /// The master leaves, and the one with this pid goes on. systemd is told while it still listens
    /// to this one; otherwise it would take the service for ended.
    pub(crate) fn hand_over(&mut self, pid: Pid) {
        if self.told != Told::Stopping && self.voice == Voice::First {
            self.notify.replaced_by(pid);
            self.told = Told::Stopping;
        }
    }

    /// The master waits now, in this phase, and wants so many workers.
    pub(crate) fn see(&mut self, phase: Phase, workers: usize) {
        if self.voice == Voice::Second {
            return;
        }
        match (phase, self.told) {
            (Phase::Running, Told::Nothing | Told::Reloading) => {
                self.notify.ready(workers);
                self.launcher.take().into_iter().for_each(Launcher::started);
                (self.told, self.workers) = (Told::Ready, workers);
            }
            (Phase::Stopping(_), _) => self.stopping(),
            (_, Told::Ready) if workers != self.workers => {
                self.notify.resized(workers);
                self.workers = workers;
            }
            _ => {}
        }
    }

    /// The master loads its configuration again. Whatever becomes of it, systemd waits for this, and
    /// then for [`Phase::Running`].
    pub(crate) fn reloading(&mut self) {
        if matches!(self.told, Told::Ready | Told::Reloading) {
            self.notify.reloading();
            self.told = Told::Reloading;
        }
    }

    fn stopping(&mut self) {
        if self.told != Told::Stopping && self.voice == Voice::First {
            self.notify.stopping();
            self.told = Told::Stopping;
        }
    }

    /// The master ends with this code.
    pub(crate) fn leaving(&mut self, code: u8) {
        self.stopping();
        self.launcher.take().into_iter().for_each(|launcher| launcher.failed(code));
    }

    /// In a worker: nothing of this is its business.
    pub(crate) fn abandon(self) {
        self.launcher.into_iter().for_each(Launcher::abandon);
    }

    /// Says what is due.
    pub(crate) fn beat(&mut self) {
        if self.voice == Voice::First {
            self.notify.beat();
        }
    }

    /// When something is due, from now.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.notify.next_due().filter(|_| self.voice == Voice::First)
    }
}
