//! The driver's part in an upgrade, and the pidfile: whatever has to do with the master before this
//! one and the master after it.

use std::path::Path;

use nix::poll::{PollFd, PollFlags};
use oxicorn_core::config::Config;

use super::Driver;
use crate::event::Event;
use crate::handover::Predecessor;
use crate::line::Line;
use crate::pidfile::{Pidfile, Rank};
use crate::reexec::{Birth, Successor, Word};

/// In a container this is the process that the container lives and dies with.
const FIRST_PROCESS: u32 = 1;

/// Where this master comes from, and what comes after it.
pub(crate) struct Lineage {
    pub(crate) birth: Birth,
    /// Until it has gone.
    pub(crate) predecessor: Option<Predecessor>,
    /// Until it was reaped.
    pub(crate) successor: Option<Successor>,
    pub(crate) pidfile: Option<Pidfile>,
}

impl Lineage {
    /// What the other masters have to be waited for with.
    pub(super) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let gone = self.predecessor.iter().map(Predecessor::fd);
        let words = self.successor.iter().filter_map(Successor::fd);
        gone.chain(words).map(|fd| PollFd::new(fd, PollFlags::POLLIN))
    }

    pub(super) fn rank(&self) -> Rank {
        rank(self.predecessor.as_ref())
    }

    /// What the new master has said.
    pub(super) fn hear(&mut self) -> Vec<Event> {
        let words = self.successor.iter_mut().flat_map(Successor::hear);
        let event = |word| match word {
            Word::Ready => Event::SuccessorReady,
            Word::Leaving => Event::SuccessorLeaves,
            Word::Failed(reason) => Event::UpgradeFailed { reason },
        };
        words.map(event).collect()
    }

    /// What has happened to the other masters.
    pub(super) fn news(&mut self) -> impl Iterator<Item = Event> {
        let gone = self.predecessor.as_ref().is_some_and(Predecessor::has_gone);
        gone.then_some(Event::PredecessorGone).into_iter().chain(self.hear())
    }

    /// At the end of the master.
    pub(super) fn leave_pidfile(&self) {
        let successor = self.successor.as_ref().map(|successor| successor.pid);
        self.pidfile.iter().for_each(|pidfile| pidfile.leave(successor));
    }

    /// Whether the pidfile could go where this configuration says.
    ///
    /// # Errors
    /// In one line.
    pub(super) fn check_pidfile(&self, config: &Config) -> Result<(), String> {
        match self.elsewhere(config) {
            Some(path) => Pidfile::is_free(path, self.rank())
                .map_err(|error| config.refuse("pidfile", error).to_string()),
            None => Ok(()),
        }
    }

    /// Where the pidfile is to be, if it is not there.
    fn elsewhere<'a>(&self, config: &'a Config) -> Option<&'a Path> {
        let there = |path: &&Path| self.pidfile.as_ref().is_some_and(|file| file.is_at(path));
        config.pidfile.as_deref().filter(|path| !there(path))
    }

    /// Moves it there.
    pub(super) fn move_pidfile(&mut self, config: &Config) {
        if config.pidfile.is_none() {
            self.leave_pidfile();
            self.pidfile = None;
        }
        let Some(path) = self.elsewhere(config) else {
            return;
        };
        match Pidfile::claim(path, self.rank()) {
            Ok(new) => {
                self.leave_pidfile();
                self.pidfile = Some(new);
            }
            Err(error) => tracing::error!("{}", config.refuse("pidfile", error)),
        }
    }
}

/// Which of two masters one with this predecessor is.
pub(crate) fn rank(predecessor: Option<&Predecessor>) -> Rank {
    predecessor.map_or(Rank::First, |predecessor| Rank::Second(predecessor.pid))
}

impl Driver {
    pub(super) fn upgrade(&mut self) {
        if std::process::id() == FIRST_PROCESS {
            Line::FirstProcess.write();
        }
        let sockets = self.sockets.hand_over();
        let event = match Successor::start(&self.lineage.birth, &sockets) {
            Ok(successor) => {
                let pid = successor.pid;
                self.lineage.successor = Some(successor);
                Event::Upgraded { pid }
            }
            Err(error) => {
                self.sockets.unshare();
                let reason = error.to_string();
                Event::UpgradeFailed { reason }
            }
        };
        self.events.push_back(event);
    }

    pub(super) fn forget_successor(&mut self) {
        self.lineage.successor = None;
        self.sockets.unshare();
    }

    pub(super) fn tell_ready(&self) {
        self.lineage.predecessor.iter().for_each(Predecessor::tell_ready);
    }

    pub(super) fn tell_leaving(&self) {
        self.lineage.predecessor.iter().for_each(Predecessor::tell_leaving);
    }

    /// Everything that a master owns is this one's now. Whoever has to be told which process the
    /// master is, is told here.
    pub(super) fn on_promotion(&mut self) {
        self.lineage.predecessor = None;
        self.sockets.unshare();
        self.herald.promoted();
        if let Some(pidfile) = &mut self.lineage.pidfile
            && let Err(error) = pidfile.promote()
        {
            tracing::error!("The pidfile keeps its second name: {error}");
        }
    }
}
