//! The server as the events see it: what it should look like when everything that was begun has
//! come to its end.

use nix::sys::signal::Signal;

use super::crowd::Crowd;
use super::dice::Dice;
use crate::deadline::Deadline;
use crate::harness::Server;
use crate::process::Process;

/// Workers at the start, and after every reload.
pub(super) const WORKERS: usize = 2;

/// Seconds for a thing to come to its end: workers that boot and leave one after the other, each
/// waiting for its idle connections, on a loaded machine.
const PATIENT: u64 = 60;

/// See the module.
pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) crowd: Crowd,
    pub(super) dice: Dice,
    /// How many workers there should be.
    target: usize,
    reloads: usize,
}

impl Stage {
    pub(super) fn new(server: Server, crowd: Crowd, dice: Dice) -> Stage {
        Stage { server, crowd, dice, target: WORKERS, reloads: 0 }
    }

    /// Sends a signal to the master and waits until it has taken it up: of two that are pending at
    /// once the kernel would deliver one.
    #[track_caller]
    fn signal(&self, signal: Signal, name: &str) {
        let line = format!("Handling signal: {name}");
        let before = self.server.error_log().count(&line);
        self.server.signal(signal);
        self.server.wait_for_lines(&line, before + 1);
    }

    #[track_caller]
    pub(super) fn reload(&mut self) {
        self.signal(Signal::SIGHUP, "hup");
        self.reloads += 1;
        self.target = WORKERS;
    }

    #[track_caller]
    pub(super) fn one_more(&mut self) {
        self.signal(Signal::SIGTTIN, "ttin");
        self.target += 1;
    }

    #[track_caller]
    pub(super) fn one_fewer(&mut self) {
        self.signal(Signal::SIGTTOU, "ttou");
        self.target = (self.target - 1).max(1);
    }

    #[track_caller]
    pub(super) fn reopen_logs(&mut self) {
        self.signal(Signal::SIGUSR1, "usr1");
    }

    /// Kills a worker, whichever, that has nothing in flight: nobody asks for anything meanwhile.
    /// It must be settled, for a worker that has not booted yet would end a reload.
    #[track_caller]
    pub(super) fn kill_an_idle_worker(&mut self) {
        self.settle();
        let Stage { server, crowd, dice, .. } = self;
        crowd.hold_still_for_a_kill(|| {
            let workers: Vec<Process> = server.workers();
            let Some(victim) = dice.pick(&workers) else { return };
            victim.signal(Signal::SIGKILL);
            // It has been collected, so its connections are closed, and the clients can see it.
            server.wait_for_line(&format!("Worker (pid:{}) was sent SIGKILL!", victim.pid()));
        });
    }

    /// Waits until the last reload is over, and as many workers run as there should.
    #[track_caller]
    pub(super) fn settle(&self) {
        let deadline = Deadline::seconds(PATIENT);
        let (log, number) = (self.server.error_log(), self.reloads);
        let over = log.wait(deadline, |lines| {
            let begun = lines.iter().filter(|line| line.contains("Hang up: Master")).count();
            let last = lines.iter().rfind(|line| RELOADING.iter().any(|text| line.contains(text)));
            let over = last.is_none_or(|line| line.contains(RELOADED));
            (begun == number && over).then_some(())
        });
        assert!(over.is_some(), "reload number {number} does not come to its end");
        let what = format!("{} workers", self.target);
        deadline.until(&what, || self.server.workers().len() == self.target);
    }
}

/// The last of these lines tells whether a reload is going on.
const RELOADING: [&str; 2] = ["Hang up: Master", RELOADED];
const RELOADED: &str = "Reloaded: all workers are of generation";
