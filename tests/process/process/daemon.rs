//! The server in the background. What is started here is nobody's child: it is found by its log, and
//! ended by its number whatever becomes of the test.

use std::fs;

use oxicorn_tests::harness::ErrorLine;
use oxicorn_tests::{Address, Connection, Deadline, Signal};
use tempfile::TempDir;

use super::*;

/// A daemon that may run, and its log.
struct Background {
    folder: TempDir,
}

impl Background {
    fn new() -> Background {
        Background { folder: tempfile::tempdir().unwrap() }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("error.log")
    }

    /// Runs the command that starts it. That the command ends shows that nothing of the daemon holds
    /// its standard streams.
    fn start(&self, line: &str) -> Finished {
        let path = self.log_path();
        let args = ["--daemon", "--error-logfile", path.to_str().unwrap()];
        let command = Invocation::of(Path::new(SERVER)).args(args).args(line.split_whitespace());
        command.run(Deadline::seconds(20))
    }

    fn log(&self) -> Vec<ErrorLine> {
        let text = fs::read_to_string(self.log_path()).unwrap_or_default();
        text.lines().filter_map(ErrorLine::parse).collect()
    }

    fn said(&self, text: &str) -> Option<ErrorLine> {
        self.log().into_iter().find(|line| line.message.contains(text))
    }

    fn master(&self) -> Option<Process> {
        Some(Process::new(self.said("Starting oxicorn")?.pid))
    }

    fn address(&self) -> Address {
        let line = self.said("Listening at: http://").expect("an address in the log");
        let address = line.message.split("http://").nth(1).and_then(|rest| rest.split(' ').next());
        Address::Tcp(address.unwrap().parse().unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let Some(master) = self.master().filter(|master| {
            // Its number may be somebody else's by now.
            master.title().is_some_and(|title| title.starts_with("server: master"))
        }) else {
            return;
        };
        let all: Vec<Process> = master.children().into_iter().chain([master]).collect();
        all.iter().rev().for_each(|process| process.signal(Signal::SIGKILL));
        Deadline::seconds(10).poll(|| (!all.iter().any(|process| process.runs())).then_some(()));
    }
}

#[test]
fn the_command_ends_when_the_daemon_serves() {
    let background = Background::new();
    let finished = background.start("-b 127.0.0.1:0");
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
    let answer = Connection::open(&background.address()).unwrap().get("/").unwrap();
    assert_eq!(answer.text(), "Hello, world!\n");
    let master = background.master().unwrap();
    let worker = master.children()[0];
    for process in [master, worker] {
        for stream in 0..3 {
            let link = fs::read_link(format!("/proc/{}/fd/{stream}", process.pid())).unwrap();
            assert_eq!(link, Path::new("/dev/null"));
        }
    }
    let pid = nix::unistd::Pid::from_raw(master.pid());
    let session = nix::unistd::getsid(Some(pid)).unwrap();
    assert_ne!(session, nix::unistd::getsid(None).unwrap());
    assert_ne!(session, pid, "a leader could get a terminal");
    master.signal(Signal::SIGTERM);
    let gone = || !master.runs() && !worker.runs();
    Deadline::seconds(20).until("the daemon's end", gone);
    assert!(background.said("Shutting down: Master").is_some());
}

#[test]
fn a_daemon_that_cannot_listen_fails_its_command() {
    let background = Background::new();
    // An address that is no machine's: RFC 5737.
    let finished = background.start("-b 192.0.2.1:80");
    let line = format!(
        "Error: the server has not started: {} says why\n",
        background.log_path().display()
    );
    assert_eq!((finished.code, finished.stderr), (Some(1), line));
    assert!(background.said("Invalid address: cannot listen at 192.0.2.1:80").is_some());
}

#[test]
fn a_daemon_whose_workers_cannot_boot_has_their_code() {
    if !are_root() {
        return;
    }
    let background = Background::new();
    permit(background.folder.path(), 0o700);
    let log = background.folder.path().join("access.log");
    let line = format!("-b 127.0.0.1:0 -u 12345 --access-logfile {}", log.display());
    let finished = background.start(&line);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert!(background.said("Reason: Worker failed to boot.").is_some());
}

#[test]
fn without_a_log_the_terminal_hears_why_it_failed() {
    let finished = run("-D -b 192.0.2.1:80");
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for text in [
        "[WARNING] errorlog is -, and a daemon has no standard streams: its lines are lost",
        "[ERROR] Invalid address: cannot listen at 192.0.2.1:80",
    ] {
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
}

#[test]
fn mistakes_are_said_before_anything_runs() {
    let background = Background::new();
    let finished = background.start("--chdir /nowhere");
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.starts_with("Error: chdir = "), "{finished:?}");
    assert!(background.log().is_empty());
}
