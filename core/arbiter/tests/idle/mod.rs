//! A running `idle_master`: its log, line by line, and its processes. Every wait is for a line or for
//! an end, and has a deadline; a test that fails shows the whole log.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is part of the tests, which clippy sees only in the functions that are tests"
)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use oxicorn_core::listener::Listener;
use tempfile::TempDir;

/// Longer than anything here takes on the busiest machine.
const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Idle {
    child: Child,
    folder: TempDir,
    news: Receiver<String>,
    said: Vec<String>,
    /// How many of them a wait has gone past.
    heard: usize,
}

/// `cargo test` builds the examples of a package with its tests; `cargo test --test process` alone
/// does not, and would test an old one, or none.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap();
    folder.join("examples/idle_master")
}

impl Idle {
    /// With this configuration; its class is `idle` unless it says otherwise.
    pub(crate) fn start(config: &str) -> Idle {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.toml");
        std::fs::write(&path, complete(config)).unwrap();
        let mut command = Command::new(program());
        command.arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, news) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let read = move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("log".to_owned()).spawn(read).unwrap();
        Idle { child, folder, news, said: Vec::new(), heard: 0 }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    pub(crate) fn signal(&self, signal: Signal) {
        Idle::send(self.pid(), signal);
    }

    pub(crate) fn send(pid: i32, signal: Signal) {
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// For the signals that have no name.
    pub(crate) fn send_number(pid: i32, number: i32) {
        let (number, pid) = (format!("-{number}"), pid.to_string());
        assert!(Command::new("kill").args([number, pid]).status().unwrap().success());
    }

    /// Writes the configuration anew.
    pub(crate) fn write(&self, config: &str) {
        std::fs::write(self.folder.path().join("server.toml"), complete(config)).unwrap();
    }

    /// Writes the configuration anew and sends SIGHUP.
    pub(crate) fn reload(&self, config: &str) {
        self.write(config);
        self.signal(Signal::SIGHUP);
    }

    /// The next line of the log with this text, after the one that was waited for last.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            while let Some(line) = self.said.get(self.heard).cloned() {
                self.heard += 1;
                if line.contains(text) {
                    return line;
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.news.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(why) => panic!("{why:?} while waiting for {text:?}"),
            }
        }
    }

    /// All of these, in whatever order.
    pub(crate) fn wait_for_all(&mut self, texts: &[&str]) {
        let from = self.heard;
        let mut last = from;
        for text in texts {
            self.heard = from;
            self.wait_for(text);
            last = last.max(self.heard);
        }
        self.heard = last;
    }

    /// The pid of the next worker that lives.
    pub(crate) fn next_worker(&mut self) -> i32 {
        let line = self.wait_for("Living (pid: ");
        let (_, pid) = line.split_once("(pid: ").unwrap();
        pid.split_once(')').unwrap().0.parse().unwrap()
    }

    /// The first two workers, the older first.
    pub(crate) fn two_workers(&mut self) -> [i32; 2] {
        let mut workers = [self.next_worker(), self.next_worker()];
        workers.sort_unstable();
        workers
    }

    /// Where it listens: the first address that it has named.
    pub(crate) fn address(&self) -> String {
        let line = self.said.iter().find(|line| line.contains("Listening at: ")).unwrap();
        let (_, rest) = line.split_once("http://").unwrap();
        rest.split([' ', ',']).next().unwrap().to_owned()
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.said.iter().filter(|line| line.contains(text)).count()
    }

    /// The new masters that it has named and that live.
    pub(crate) fn successors(&self) -> Vec<i32> {
        let named = self.said.iter().filter_map(|line| {
            let (_, rest) = line.split_once("Booting the new master (pid:")?;
            rest.split_once(')')?.0.parse().ok()
        });
        named.filter(|&pid| Idle::lives(pid)).collect()
    }

    /// The last line with this text so far.
    pub(crate) fn last(&self, text: &str) -> &str {
        self.said.iter().rfind(|line| line.contains(text)).unwrap()
    }

    pub(crate) fn has_said(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.count(text) > 0, "{text:?} is missing");
        }
    }

    /// Waits for its end, and that of all who write to its log.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.wait_for_the_end_of_all();
        self.child.wait().unwrap().code()
    }

    /// The log ends when the last process that can write to it has ended.
    pub(crate) fn wait_for_the_end_of_all(&mut self) {
        let deadline = Instant::now() + LONG;
        loop {
            match self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
    }

    pub(crate) fn children(&self) -> Vec<i32> {
        let pid = self.pid();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        children.unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    pub(crate) fn lives(pid: i32) -> bool {
        kill(Pid::from_raw(pid), None).is_ok()
    }
}

/// Somebody else's.
pub(crate) fn an_address_in_use() -> (Listener, String) {
    let listener = Listener::bind(&"127.0.0.1:0".parse().unwrap(), 1).unwrap();
    let address = listener.address().to_string().replace("http://", "");
    (listener, address)
}

fn complete(config: &str) -> String {
    let class = if config.contains("worker_class") { "" } else { "worker_class = 'idle'" };
    format!("{config}\n{class}\n")
}

impl Drop for Idle {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.said.join("\n"));
        }
        // Its workers leave when it is gone; a master that it has started does not.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in self.successors() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}
