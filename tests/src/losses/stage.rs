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
    /// How often a new master was started.
    pub(super) upgrades: usize,
    /// Workers, and masters, that were told to leave and not waited for.
    leaving: Vec<Process>,
}

impl Stage {
    pub(super) fn new(server: Server, crowd: Crowd, dice: Dice) -> Stage {
        let (target, leaving) = (WORKERS, Vec::new());
        Stage { server, crowd, dice, target, upgrades: 0, leaving }
    }

    /// What a line of the master begins with, after the date: another one may be at work, too.
    fn prefix(&self) -> String {
        format!("[{}] [", self.server.master().pid())
    }

    /// How many lines of the master have this text.
    fn said(&self, text: &str) -> usize {
        let prefix = self.prefix();
        let lines = self.server.error_log();
        lines.matching(|line| line.contains(&prefix) && line.contains(text)).len()
    }

    /// Waits until the master has said this so often.
    #[track_caller]
    fn wait_until_said(&self, text: &str, number: usize) {
        let prefix = self.prefix();
        let said = self.server.error_log().wait(Deadline::seconds(PATIENT), |lines| {
            let said = lines.iter().filter(|l| l.contains(&prefix) && l.contains(text)).count();
            (said >= number).then_some(())
        });
        assert!(said.is_some(), "{text:?} of {prefix:?}: {} of {number}", self.said(text));
    }

    /// Waits for a line.
    #[track_caller]
    pub(super) fn wait_for(&self, what: &str, deadline: Deadline, text: &str) {
        let found = self
            .server
            .error_log()
            .wait(deadline, |lines| lines.iter().any(|line| line.contains(text)).then_some(()));
        assert!(found.is_some(), "{what} does not come: {text:?}");
    }

    /// Sends a signal to the master and waits until it has taken it up: of two that are pending at
    /// once the kernel would deliver one.
    #[track_caller]
    pub(super) fn signal(&self, signal: Signal, name: &str) {
        let line = format!("Handling signal: {name}");
        let before = self.said(&line);
        self.server.signal(signal);
        self.wait_until_said(&line, before + 1);
    }

    #[track_caller]
    pub(super) fn reload(&mut self) {
        let before = self.said(RELOADING);
        self.signal(Signal::SIGHUP, "hup");
        self.wait_until_said(RELOADING, before + 1);
        self.target = WORKERS;
    }

    /// A configuration that is none. It changes nothing: what is wanted is what was wanted before, and
    /// a reload that goes on meanwhile goes on.
    #[track_caller]
    pub(super) fn reload_what_is_broken(&mut self) {
        let file = self.server.folder().join("server.toml");
        std::fs::write(&file, "workers = \"many\"\n").expect("a configuration file");
        let before = self.said(REFUSED);
        self.signal(Signal::SIGHUP, "hup");
        self.wait_until_said(REFUSED, before + 1);
        std::fs::remove_file(&file).expect("the configuration file");
    }

    /// The followed master is another one, which has all to itself soon.
    pub(super) fn take_over(&mut self, old: Process) {
        self.target = WORKERS;
        self.leaving.push(old);
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
        let prefix = self.prefix();
        let over = self.server.error_log().wait(deadline, |lines| {
            is_over(lines.iter().filter(|line| line.contains(&prefix))).then_some(())
        });
        assert!(over.is_some(), "a reload of {prefix:?} does not come to its end");
        let leaving = std::mem::take(&mut self.leaving);
        let gone = || leaving.iter().all(|process| !process.runs());
        deadline.until("the end of a process that was told to leave", gone);
        let what = format!("{} workers", self.target);
        deadline.until(&what, || self.server.workers().len() == self.target);
    }
}

/// The last of these lines tells whether a reload is going on, unless the last one was refused.
const RELOADING: &str = "Hang up: Master";
const RELOADED: &str = "Reloaded: all workers are of generation";
const REFUSED: &str = "Reload refused, nothing has changed";

/// Whether no reload is going on, by the lines of one master.
fn is_over<'a>(lines: impl Iterator<Item = &'a String>) -> bool {
    // How many have been asked for since all workers were last of one generation.
    let asked = lines.fold(0_usize, |asked, line| match line {
        line if line.contains(RELOADING) => asked + 1,
        line if line.contains(REFUSED) => asked.saturating_sub(1),
        line if line.contains(RELOADED) => 0,
        _ => asked,
    });
    asked == 0
}
