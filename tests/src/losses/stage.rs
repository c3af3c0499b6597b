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
    /// Workers that were told to leave and not waited for.
    leaving: Vec<Process>,
}

impl Stage {
    pub(super) fn new(server: Server, crowd: Crowd, dice: Dice) -> Stage {
        Stage { server, crowd, dice, target: WORKERS, reloads: 0, leaving: Vec::new() }
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
        self.server.wait_for_lines(RELOADING, self.reloads);
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

    /// A worker, whichever. Settled first: one that has not booted yet would end a reload.
    #[track_caller]
    fn some_worker(&mut self) -> Process {
        self.settle();
        // For a moment there may be none: the last one, on its way out already, was counted.
        let Stage { server, dice, .. } = self;
        Deadline::seconds(PATIENT).expect("a worker", || dice.pick(&server.workers()).copied())
    }

    /// Kills a worker that has nothing in flight: nobody asks for anything meanwhile.
    #[track_caller]
    pub(super) fn kill_an_idle_worker(&mut self) {
        let victim = self.some_worker();
        self.crowd.hold_still_for_a_kill(|| {
            victim.signal(Signal::SIGKILL);
            // It has been collected, so its connections are closed and the clients can see it; or it
            // had none any more, for it was just leaving.
            let pid = victim.pid();
            let killed = format!("Worker (pid:{pid}) was sent SIGKILL!");
            let left = format!("Worker exiting (pid: {pid})");
            let gone = self.server.error_log().wait(Deadline::seconds(PATIENT), |lines| {
                lines.iter().any(|l| l.contains(&killed) || l.contains(&left)).then_some(())
            });
            assert!(gone.is_some(), "the killed worker {pid} does not end");
        });
    }

    /// What an operator does who wants to be rid of one worker.
    #[track_caller]
    pub(super) fn tell_a_worker_to_leave(&mut self) {
        let worker = self.some_worker();
        worker.signal(Signal::SIGTERM);
        self.leaving.push(worker);
    }

    /// Waits until the last reload is over, and as many workers run as there should.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        let deadline = Deadline::seconds(PATIENT);
        let over = self.server.error_log().wait(deadline, |lines| {
            let mut ends = lines.iter().rev();
            let last = ends.find(|line| line.contains(RELOADING) || line.contains(RELOADED));
            last.is_none_or(|line| line.contains(RELOADED)).then_some(())
        });
        assert!(over.is_some(), "reload number {} does not come to its end", self.reloads);
        let leaving = std::mem::take(&mut self.leaving);
        let gone = || leaving.iter().all(|worker| !worker.runs());
        deadline.until("the end of a worker that was told to leave", gone);
        let what = format!("{} workers", self.target);
        deadline.until(&what, || self.server.workers().len() == self.target);
    }
}

/// The last of these lines tells whether a reload is going on.
const RELOADING: &str = "Hang up: Master";
const RELOADED: &str = "Reloaded: all workers are of generation";
