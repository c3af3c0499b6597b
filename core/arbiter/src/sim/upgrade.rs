//! The other master: the one that this world's master has started, which boots, fails, dawdles and
//! dies like everything here; or the one that has started it, which goes at some time.

use super::*;
use crate::event::{Queues, Stop};

/// Whether the time for a stop was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hurry {
    No,
    Late,
}

/// What happens to the new master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The fork that was asked for.
    Forks,
    /// It cannot be executed, and says so.
    Fails(Pid),
    /// A worker of it is ready, and it says so.
    IsReady(Pid),
    /// Somebody has told it to stop, and it says so.
    Leaves(Pid),
    /// It ends.
    Ends(Pid, Ending),
}

/// The new master as it really is.
#[derive(Clone, Copy, Debug)]
struct Successor {
    /// None: asked for.
    pid: Option<Pid>,
    /// The master knows that it is ready.
    ready: bool,
    dismissed: bool,
    /// The master knows that it will end by itself.
    leaves: bool,
    ended: Option<Ending>,
    reaped: bool,
}

/// The other masters as they really are, and what the one that is tested has done about them.
#[derive(Debug)]
pub(super) struct Kin {
    /// Until its end was told.
    successor: Option<Successor>,
    /// Until its end was told.
    predecessor: Option<Pid>,
    told_ready: u32,
    ended: u32,
    promoted: u32,
    told_leaving: u32,
    was_second: bool,
    /// What the master was told about the queues after its workers had left.
    looks: Vec<Queues>,
}

impl Kin {
    /// Every fourth master was started by another one.
    pub(super) fn some(chance: &mut Jitter) -> Kin {
        let predecessor = one_of(chance, &[None, None, None, Some(Pid::from_raw(500))]);
        Kin {
            successor: None,
            predecessor,
            told_ready: 0,
            ended: 0,
            promoted: 0,
            told_leaving: 0,
            was_second: predecessor.is_some(),
            looks: Vec::new(),
        }
    }

    pub(super) fn apply(&self, arbiter: Arbiter) -> Arbiter {
        match self.predecessor {
            Some(pid) => arbiter.after(pid),
            None => arbiter,
        }
    }

    /// What the master knows from now on.
    pub(super) fn told(&mut self, event: &Event) {
        match *event {
            Event::PredecessorGone => self.predecessor = None,
            Event::SuccessorReady => {
                self.successor.iter_mut().for_each(|s| s.ready = true);
            }
            Event::Exited { pid, .. } => {
                self.successor.take_if(|s| s.pid == Some(pid));
            }
            Event::UpgradeFailed { .. } => {
                self.successor.take_if(|s| s.pid.is_none());
                self.successor.iter_mut().for_each(|s| s.leaves = true);
            }
            Event::SuccessorLeaves => {
                self.successor.iter_mut().for_each(|s| s.leaves = true);
            }
            Event::QueuesSeen(queues) => self.looks.push(queues),
            _ => {}
        }
    }

    pub(super) fn is_successor(&self, pid: Pid) -> bool {
        self.successor.is_some_and(|s| s.pid == Some(pid))
    }

    pub(super) fn reap(&mut self) -> Option<(Pid, Ending)> {
        let successor = self.successor.as_mut().filter(|s| !s.reaped)?;
        let dead = successor.pid.zip(successor.ended);
        successor.reaped = dead.is_some();
        dead
    }

    /// A queue ends only with the last master; each thing is said once.
    pub(super) fn rules(&mut self, actions: &[Action]) -> Result<(), String> {
        let count = |what: &Action| actions.iter().filter(|&a| a == what).count() as u32;
        self.ended += count(&Action::EndServer);
        self.told_ready += count(&Action::TellReady);
        self.promoted += count(&Action::Promote);
        let leaves = count(&Action::TellLeaving);
        self.told_leaving += leaves;
        if leaves > 0 && self.predecessor.is_none() || self.told_leaving > 1 {
            return Err(format!("it leaves, and says so to nobody: {self:?}"));
        }
        let alone = self.is_alone();
        if count(&Action::EndServer) > 0 && !alone {
            return Err(format!("the queues end under the other master: {self:?}"));
        }
        let second = u32::from(self.was_second);
        let gone = u32::from(self.was_second && self.predecessor.is_none());
        if self.ended > 1 || self.told_ready > second || self.promoted != gone {
            return Err(format!("too often, or not at all: {self:?}"));
        }
        Ok(())
    }

    /// There is no other master that stays, as far as the one that is tested knows.
    pub(super) fn is_alone(&self) -> bool {
        self.successor.is_none_or(|s| s.leaves || s.dismissed) && self.predecessor.is_none()
    }

    /// Whether the old master waits to be told that this one serves.
    pub(super) fn is_awaited(&self) -> bool {
        self.predecessor.is_some() && self.told_ready == 0
    }

    /// Who leaves as the last one has ended the queues, and nobody else has. It was the last one
    /// indeed, and has left nobody behind whom it could have served.
    pub(super) fn left_rightly(&self, phase: Phase, hurry: Hurry) -> Result<(), String> {
        let graceful = phase == Phase::Stopping(Stop::Graceful) && hurry == Hurry::No;
        let served = self.looks.last() == Some(&Queues::Empty) || self.looks.len() > 3;
        match (self.is_alone(), self.ended) {
            (true, 1) if graceful && self.successor.is_some() => {
                Err(format!("it does not go last: {self:?}"))
            }
            (true, 1) if graceful && !served => Err(format!("clients still wait: {self:?}")),
            (true, 1) | (false, 0) => Ok(()),
            _ => Err(format!("the exit is wrong: {self:?}")),
        }
    }

    /// Nothing is on its way.
    pub(super) fn settled(&self) -> bool {
        let settled = |s: Successor| s.ready && !s.dismissed && !s.leaves && s.ended.is_none();
        self.predecessor.is_none() && self.successor.is_none_or(settled)
    }
}

impl World {
    pub(super) fn predecessor_leaves(&mut self) {
        let on_its_way = self.news.contains(&Event::PredecessorGone);
        if self.kin.predecessor.is_some() && !on_its_way {
            self.count("promoted");
            self.news.push_back(Event::PredecessorGone);
        }
    }

    /// All workers have left; perhaps not all clients have been answered.
    pub(super) fn look_at_queues(&mut self) {
        let queues = if self.percent(40) { Queues::Waiting } else { Queues::Empty };
        self.count(if queues == Queues::Waiting { "last call" } else { "empty queues" });
        self.news.push_back(Event::QueuesSeen(queues));
    }

    pub(super) fn asked_to_upgrade(&mut self) -> Result<(), String> {
        if self.kin.successor.is_some() || self.kin.predecessor.is_some() {
            return Err(format!("three masters: {:?}", self.kin));
        }
        let new = Successor {
            pid: None,
            ready: false,
            dismissed: false,
            leaves: false,
            ended: None,
            reaped: false,
        };
        self.kin.successor = Some(new);
        let time = self.millis(5);
        self.later(time, Happening::Upgrades(Step::Forks));
        Ok(())
    }

    fn successor_forks(&mut self) {
        if self.percent(5) {
            self.count("upgrade failed");
            let reason = "no more processes".to_owned();
            return self.news.push_back(Event::UpgradeFailed { reason });
        }
        self.pids += 1;
        let pid = Pid::from_raw(self.pids);
        if let Some(successor) = &mut self.kin.successor {
            successor.pid = Some(pid);
        }
        self.count("upgraded");
        self.news.push_back(Event::Upgraded { pid });
        let time = self.millis(5000);
        match self.chance.next() % 20 {
            0 | 1 => self.later(time, Happening::Upgrades(Step::Fails(pid))),
            2..6 => {
                let how = [Ending::Code(7), Ending::Code(0), Ending::Signal(libc::SIGSEGV)];
                let how = one_of(&mut self.chance, &how);
                self.later(time, Happening::Upgrades(Step::Ends(pid, how)));
            }
            // It is never ready, and the master has to see to it, if its configuration says so.
            6 if self.settings().boot_timeout.is_some() => self.count("slow upgrade"),
            number => {
                self.later(time, Happening::Upgrades(Step::IsReady(pid)));
                if number < 12 {
                    let time = time + self.millis(60_000);
                    let after = self.millis(3_000);
                    let ends = Step::Ends(pid, Ending::Code(0));
                    self.later(time, Happening::Upgrades(Step::Leaves(pid)));
                    self.later(time + after, Happening::Upgrades(ends));
                }
            }
        }
    }

    pub(super) fn upgrades(&mut self, step: Step) {
        let pid = match step {
            Step::Forks => return self.successor_forks(),
            Step::Fails(pid) | Step::IsReady(pid) | Step::Leaves(pid) | Step::Ends(pid, _) => pid,
        };
        let living = |s: &&mut Successor| s.pid == Some(pid) && s.ended.is_none();
        let Some(successor) = self.kin.successor.as_mut().filter(living) else {
            return;
        };
        match step {
            Step::Forks => {}
            Step::IsReady(_) => {
                self.count("successor ready");
                self.news.push_back(Event::SuccessorReady);
            }
            Step::Leaves(_) => {
                self.count("successor leaves");
                self.news.push_back(Event::SuccessorLeaves);
            }
            Step::Fails(pid) => {
                self.count("cannot exec");
                let reason = "cannot exec".to_owned();
                self.news.push_back(Event::UpgradeFailed { reason });
                let ends = Step::Ends(pid, Ending::Code(127));
                self.later(Duration::ZERO, Happening::Upgrades(ends));
            }
            Step::Ends(_, how) => {
                successor.ended = Some(how);
                let time = self.millis(20);
                self.later(time, Happening::Arrives(Signal::Chld));
            }
        }
    }

    /// Only one that is late is told anything.
    pub(super) fn deliver_to_successor(&mut self, signal: Signal) -> Result<(), String> {
        let late = |s: &&mut Successor| s.dismissed || !s.ready;
        let Some(successor) = self.kin.successor.as_mut().filter(late) else {
            return Err(format!("{signal:?} for {:?}", self.kin));
        };
        let told = std::mem::replace(&mut successor.dismissed, true);
        let Some(pid) = successor.pid.filter(|_| told == (signal == Signal::Kill)) else {
            return Err(format!("{signal:?} for {:?}", self.kin));
        };
        let (time, how) = match signal {
            Signal::Term if self.settings().graceful_timeout.is_none() => (100, Ending::Code(0)),
            Signal::Term => (one_of(&mut self.chance, &[100, 100_000]), Ending::Code(0)),
            Signal::Kill => (50, Ending::Signal(libc::SIGKILL)),
            _ => return Err(format!("{signal:?} for another master")),
        };
        self.count("late successor");
        let time = Duration::from_millis(time);
        self.later(time, Happening::Upgrades(Step::Ends(pid, how)));
        Ok(())
    }
}
