//! The events in which there are two masters. An operator has two ways out of that: the old one is
//! told to stop, or the new one. In between something else may happen to either.

use nix::sys::signal::Signal;

use super::stage::Stage;
use crate::deadline::Deadline;
use crate::process::Process;

/// Requests while there are two masters, at most.
const BESIDE: usize = 40;

/// Seconds for a master to leave.
const LEAVING: u64 = 60;

impl Stage {
    /// A new master, and it stays.
    #[track_caller]
    pub(super) fn upgrade(&mut self) {
        let new = self.start_a_successor();
        let old = self.server.master();
        self.trouble_beside(new);
        self.server.follow(new);
        self.take_over(old);
        old.signal(Signal::SIGTERM);
        let promoted = format!("[{}] [INFO] Master has been promoted", new.pid());
        self.wait_for("the promotion", Deadline::seconds(LEAVING), &promoted);
    }

    /// A new master, and it is sent away again.
    #[track_caller]
    pub(super) fn upgrade_and_back(&mut self) {
        let new = self.start_a_successor();
        self.trouble_beside(new);
        new.signal(Signal::SIGTERM);
        let gone = format!("The new master (pid:{}) exited with code 0", new.pid());
        self.wait_for("the way back", Deadline::seconds(LEAVING), &gone);
    }

    #[track_caller]
    fn start_a_successor(&mut self) -> Process {
        self.signal(Signal::SIGUSR2, "usr2");
        self.upgrades += 1;
        self.server.wait_for_successor(self.upgrades)
    }

    /// One of the two has enough to do when it is told to leave, or neither has.
    #[track_caller]
    fn trouble_beside(&mut self, new: Process) {
        let pause = self.dice.below(BESIDE);
        self.crowd.wait_for_more(pause);
        match self.dice.below(4) {
            0 => self.reload(),
            1 => self.one_more(),
            // Nothing waits for the end of this: it is the new master's own affair, and the next
            // order finds it in the middle.
            2 => new.signal(Signal::SIGHUP),
            _ => {}
        }
    }
}
