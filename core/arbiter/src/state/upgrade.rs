//! Two masters side by side: the one that is to be replaced, and the one that was started to replace
//! it. Both serve from the same queues, and neither may do what only the last one may: end a queue.
//! Which of them stays is the operator's choice, who tells the other one to stop; so a stop means
//! something else while there are two.

use std::time::Duration;

use nix::unistd::Pid;

use super::Arbiter;
use crate::event::{Action, Ending, Phase, Signal};
use crate::line::{Line, OtherMaster, Readiness};

/// A master that this one has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Successor {
    /// It was asked for, and that has not been answered.
    Asked,
    /// It is not ready; it has until then.
    Booting { pid: Pid, deadline: Option<Duration> },
    /// It serves.
    Ready { pid: Pid },
    /// It was told to stop, and says so.
    Leaving { pid: Pid, was: Readiness },
    /// It could not even begin, which has been said. What is left is to reap it.
    Stillborn { pid: Pid },
    /// It was not ready in time and was told to stop; it is killed then.
    Dismissed { pid: Pid, deadline: Option<Duration> },
}

impl Successor {
    fn pid(self) -> Option<Pid> {
        match self {
            Successor::Asked => None,
            Successor::Booting { pid, .. }
            | Successor::Ready { pid }
            | Successor::Leaving { pid, .. }
            | Successor::Stillborn { pid }
            | Successor::Dismissed { pid, .. } => Some(pid),
        }
    }

    /// Whether it will be gone by itself.
    fn leaves(self) -> bool {
        match self {
            Successor::Asked | Successor::Booting { .. } | Successor::Ready { .. } => false,
            Successor::Leaving { .. }
            | Successor::Stillborn { .. }
            | Successor::Dismissed { .. } => true,
        }
    }

    fn readiness(self) -> Readiness {
        match self {
            Successor::Ready { .. } => Readiness::Ready,
            Successor::Leaving { was, .. } => was,
            _ => Readiness::NotReady,
        }
    }

    fn deadline(&mut self) -> Option<&mut Duration> {
        match self {
            Successor::Booting { deadline, .. } | Successor::Dismissed { deadline, .. } => {
                deadline.as_mut()
            }
            Successor::Asked
            | Successor::Ready { .. }
            | Successor::Leaving { .. }
            | Successor::Stillborn { .. } => None,
        }
    }
}

/// The other masters.
#[derive(Debug, Default)]
pub(super) struct Kin {
    successor: Option<Successor>,
    /// The master that has started this one, until it has gone.
    predecessor: Option<Pid>,
    /// The predecessor knows that this master serves.
    told: bool,
}

impl Kin {
    /// When the patience with the successor ends.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.successor.and_then(|mut successor| successor.deadline().copied())
    }

    /// Gives the successor the time back that nobody could use.
    pub(super) fn delay(&mut self, late: Duration) {
        let deadline = self.successor.as_mut().and_then(Successor::deadline);
        deadline.into_iter().for_each(|deadline| *deadline += late);
    }
}

impl Arbiter {
    /// The same master, started by another one that is still there and serves.
    pub fn after(mut self, predecessor: Pid) -> Arbiter {
        self.kin.predecessor = Some(predecessor);
        self
    }

    /// Nobody else serves from the same queues, or nobody else will for long.
    pub fn is_alone(&self) -> bool {
        self.kin.successor.is_none_or(Successor::leaves) && self.kin.predecessor.is_none()
    }

    /// The new master leaves, too. The old one goes last: it may be told at any time that it was left
    /// the clients, and the end of the first process of a container is the end of all others.
    pub(super) fn waits_for_successor(&self) -> bool {
        self.kin.successor.is_some_and(Successor::leaves)
    }

    /// Ends the queues, once, and only when nobody else serves from them.
    pub(super) fn end_server(&mut self) {
        if self.is_alone() && !self.ended {
            self.ended = true;
            self.actions.push(Action::EndServer);
        }
    }

    pub(super) fn upgrade(&mut self) {
        let other = match (self.kin.predecessor, self.kin.successor) {
            (Some(pid), _) => OtherMaster::Old { pid },
            (None, Some(successor)) => OtherMaster::New { pid: successor.pid() },
            (None, None) => {
                self.kin.successor = Some(Successor::Asked);
                return self.actions.push(Action::Upgrade);
            }
        };
        self.log(Line::UpgradeRefused(other));
    }

    pub(super) fn upgraded(&mut self, now: Duration, pid: Pid) {
        let patience = self.settings.boot_timeout;
        self.log(Line::Upgrading { pid, patience });
        let stopping = matches!(self.phase, Phase::Stopping(_));
        let deadline = patience.filter(|_| !stopping).map(|time| now + time);
        self.kin.successor = Some(Successor::Booting { pid, deadline });
    }

    /// There is no successor, or there will soon be none: it says itself what kept it.
    pub(super) fn upgrade_failed(&mut self, reason: String) {
        self.log(Line::UpgradeFailed { reason });
        let pid = self.kin.successor.and_then(Successor::pid);
        self.kin.successor = pid.map(|pid| Successor::Stillborn { pid });
    }

    pub(super) fn successor_ready(&mut self) {
        if let Some(Successor::Booting { pid, .. }) = self.kin.successor {
            self.kin.successor = Some(Successor::Ready { pid });
            self.log(Line::SuccessorReady { pid });
        }
    }

    pub(super) fn successor_leaves(&mut self) {
        let Some(successor) = &mut self.kin.successor else {
            return;
        };
        if let Successor::Booting { pid, .. } | Successor::Ready { pid } = *successor {
            *successor = Successor::Leaving { pid, was: successor.readiness() };
        }
    }

    /// Whether it was the successor that has ended; then all is as it was before it.
    pub(super) fn successor_exited(&mut self, pid: Pid, how: Ending) -> bool {
        let Some(successor) = self.kin.successor.take_if(|s| s.pid() == Some(pid)) else {
            return false;
        };
        self.actions.push(Action::ForgetSuccessor);
        if !matches!(successor, Successor::Stillborn { .. }) {
            let was = successor.readiness();
            self.log(Line::SuccessorEnded { pid, how, was });
        }
        true
    }

    /// The patience with the successor has ended.
    pub(super) fn expire_successor(&mut self, now: Duration) {
        if self.kin.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        match self.kin.successor {
            Some(Successor::Booting { pid, .. }) => {
                let deadline = self.settings.graceful_timeout.map(|time| now + time);
                self.kin.successor = Some(Successor::Dismissed { pid, deadline });
                self.log(Line::SuccessorTooSlow { pid });
                self.actions.push(Action::Kill { pid, signal: Signal::Term });
            }
            Some(Successor::Dismissed { pid, .. }) => {
                self.kin.successor = Some(Successor::Dismissed { pid, deadline: None });
                self.actions.push(Action::Kill { pid, signal: Signal::Kill });
            }
            _ => {}
        }
    }

    /// A stop while there are two masters leaves everything to the other one.
    pub(super) fn leave_to_the_other(&mut self) {
        if let Some(pid) = self.kin.predecessor {
            self.log(Line::LeavesToOld { pid });
            self.actions.push(Action::TellLeaving);
        }
        if self.is_alone() {
            return;
        }
        let Some(successor) = &mut self.kin.successor else {
            return;
        };
        // Whoever stops has chosen: there is nothing to go back to when it is late.
        if let Successor::Booting { deadline, .. } = successor {
            *deadline = None;
        }
        let (pid, is) = (successor.pid(), successor.readiness());
        self.log(Line::LeavesToNew { pid, is });
    }

    /// A worker is ready.
    pub(super) fn tell_predecessor(&mut self) {
        if self.kin.predecessor.is_some() && !self.kin.told {
            self.kin.told = true;
            self.actions.push(Action::TellReady);
        }
    }

    pub(super) fn predecessor_gone(&mut self) {
        if let Some(pid) = self.kin.predecessor.take() {
            self.actions.push(Action::Promote);
            self.log(Line::Promoted { pid });
        }
    }
}
