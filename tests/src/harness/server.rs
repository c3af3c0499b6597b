//! A server that runs. It knows its processes by the pipe that all of them share as standard error:
//! no process of the server can hide from that, none of anybody else's can be mistaken for one, and
//! the pipe's end says that the last one has gone.

use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, ExitStatus};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::launch::Address;
use super::lines::Lines;
use super::log::{ErrorLine, foreign_text};
use crate::client::{ClientError, Connection, Request, Response};
use crate::deadline::Deadline;
use crate::process::{self, Process};

/// Long enough for anything that the server does by itself, unless a test says more.
const PATIENT: u64 = 20;
/// Seconds in which workers must have gone when their master has: they promise about one.
const LEAVING: u64 = 5;

/// A server process and its workers. Dropped, it kills them all and sees that they are gone.
#[derive(Debug)]
pub struct Server {
    child: Child,
    exited: Option<ExitStatus>,
    /// The master that counts now, if it is not the child.
    followed: Option<Process>,
    address: Address,
    error_log: Lines,
    access_log: Lines,
    pipe: String,
    folder: TempDir,
}

impl Server {
    pub(super) fn adopt(mut child: Child, address: Address, folder: TempDir) -> Server {
        let stdout = child.stdout.take().expect("standard output is a pipe");
        let stderr = child.stderr.take().expect("standard error is a pipe");
        let link = std::fs::read_link(format!("/proc/self/fd/{}", stderr.as_raw_fd()));
        let pipe = link.expect("our own descriptor").display().to_string();
        let read = |name, source: Box<dyn std::io::Read + Send>| {
            Lines::read(name, source).expect("a thread that reads a log")
        };
        Server {
            child,
            exited: None,
            followed: None,
            address,
            error_log: read("error-log", Box::new(stderr)),
            access_log: read("access-log", Box::new(stdout)),
            pipe,
            folder,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has written to standard error: the error log.
    pub fn error_log(&self) -> &Lines {
        &self.error_log
    }

    /// What it has written to standard output: the access log.
    pub fn access_log(&self) -> &Lines {
        &self.access_log
    }

    /// The process that was started, or the one that is followed instead.
    pub fn master(&self) -> Process {
        self.followed.unwrap_or_else(|| self.started())
    }

    fn started(&self) -> Process {
        Process::new(i32::try_from(self.child.id()).expect("a process number"))
    }

    /// Waits until a new master is ready, the `number`-th of this server, and gives it.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn wait_for_successor(&self, number: usize) -> Process {
        let lines = self.wait_for_lines("is ready: TERM this one (pid:", number);
        let pid = lines.last().and_then(|line| {
            let (_, rest) = line.split_once("The new master (pid:")?;
            rest.split_once(')')?.0.parse().ok()
        });
        Process::new(pid.unwrap_or_else(|| panic!("no process number: {lines:?}")))
    }

    /// From now on this new master is the server; the one that was started is to leave.
    pub fn follow(&mut self, successor: Process) {
        self.followed = Some(successor);
    }

    /// The workers that run now: the master's children, lowest number first, but for those that are
    /// something else, or do not show yet what they will be.
    pub fn workers(&self) -> Vec<Process> {
        self.workers_of(self.master())
    }

    /// Those of one of its masters, when there are two.
    pub fn workers_of(&self, master: Process) -> Vec<Process> {
        master.children().into_iter().filter(|child| Kind::of(*child) == Kind::Worker).collect()
    }

    /// The processes that make the workers of an application in another language.
    pub fn zygotes(&self) -> Vec<Process> {
        let children = self.master().children().into_iter();
        children.filter(|child| Kind::of(*child) == Kind::Zygote).collect()
    }

    /// The one worker of a server that has one.
    ///
    /// # Panics
    /// When it has none or several.
    #[track_caller]
    pub fn worker(&self) -> Process {
        match self.workers().as_slice() {
            [worker] => *worker,
            others => panic!("one worker was expected, there are {others:?}"),
        }
    }

    /// Sends a signal to the master.
    pub fn signal(&self, signal: Signal) {
        self.master().signal(signal);
    }

    /// Waits until `number` workers have booted and one of them has answered a request.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn wait_ready(&self, number: u32) {
        self.wait_for_lines("Booting worker with pid: ", number as usize);
        let answer = self.get("/");
        assert_eq!(answer.status, 200, "the first request: {answer:?}");
    }

    /// Waits until exactly `number` workers run, and gives them.
    ///
    /// # Panics
    /// When that does not happen.
    #[track_caller]
    pub fn wait_for_workers(&self, number: usize) -> Vec<Process> {
        let what = format!("{number} workers");
        Deadline::seconds(PATIENT).expect(&what, || {
            let workers = self.workers();
            (workers.len() == number).then_some(workers)
        })
    }

    /// Waits for a line of the error log that contains `text`, and gives the first one.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn wait_for_line(&self, text: &str) -> String {
        self.wait_for_lines(text, 1).remove(0)
    }

    /// Waits until the error log has `number` lines that contain `text`, and gives them all.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn wait_for_lines(&self, text: &str, number: usize) -> Vec<String> {
        let deadline = Deadline::seconds(PATIENT);
        wait_in(&self.error_log, "error log", text, number, deadline)
    }

    /// Waits until the error log contains `text` that is not the server's, whatever lines of the
    /// server stand between its words.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn wait_for_foreign(&self, text: &str) {
        let found = self.error_log.wait(Deadline::seconds(PATIENT), |lines| {
            foreign_text(lines).contains(text).then_some(())
        });
        assert!(found.is_some(), "no {text:?} among what others wrote");
    }

    /// Waits until the access log has `number` lines that contain `text`, and gives them all.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn wait_for_accesses(&self, text: &str, number: usize) -> Vec<String> {
        let deadline = Deadline::seconds(PATIENT);
        wait_in(&self.access_log, "access log", text, number, deadline)
    }

    /// The first line of the error log that contains `text`, waited for and taken apart.
    ///
    /// # Panics
    /// When it does not come, or has not the log's shape.
    #[track_caller]
    pub fn wait_for_error_line(&self, text: &str) -> ErrorLine {
        let line = self.wait_for_line(text);
        match ErrorLine::parse(&line) {
            Some(parsed) => parsed,
            None => panic!("not in the log's shape: {line}"),
        }
    }

    /// A new connection.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn connect(&self) -> Connection {
        match self.try_connect() {
            Ok(connection) => connection,
            Err(error) => panic!("connecting to {:?}: {error}", self.address),
        }
    }

    /// A new connection, if there is one to have.
    ///
    /// # Errors
    /// What connect(2) said.
    pub fn try_connect(&self) -> Result<Connection, ClientError> {
        Connection::open(&self.address)
    }

    /// One request on a connection of its own.
    ///
    /// # Panics
    /// When no proper response comes.
    #[track_caller]
    pub fn ask(&self, request: &Request) -> Response {
        match self.connect().exchange(request) {
            Ok(response) => response,
            Err(error) => panic!("{error}: {request:?}"),
        }
    }

    /// One GET on a connection of its own.
    ///
    /// # Panics
    /// When no proper response comes.
    #[track_caller]
    pub fn get(&self, target: &str) -> Response {
        self.ask(&Request::get(target).header("Connection", "close"))
    }

    /// Waits until the master has exited and everything that it had started has gone.
    ///
    /// # Panics
    /// When it does not exit in time, or leaves a process behind.
    #[track_caller]
    pub fn wait_exit(&mut self, deadline: Deadline) -> ExitStatus {
        let status = match self.exited {
            Some(status) => status,
            None => deadline.expect("the exit of the master", || self.try_exit()),
        };
        self.expect_nothing_left(Deadline::seconds(LEAVING));
        status
    }

    /// Waits until the process that was started has exited, whatever else goes on.
    ///
    /// # Panics
    /// When it does not exit in time.
    #[track_caller]
    pub fn wait_started_exit(&mut self, deadline: Deadline) -> ExitStatus {
        deadline.expect("the exit of the process that was started", || self.try_exit())
    }

    /// Waits until every process of the server has gone.
    ///
    /// # Panics
    /// When one of them still runs by then.
    #[track_caller]
    pub fn wait_end(&self, deadline: Deadline) {
        self.expect_nothing_left(deadline);
    }

    pub(super) fn try_exit(&mut self) -> Option<ExitStatus> {
        self.exited = self.child.try_wait().expect("waiting for our own child");
        self.exited
    }

    /// # Panics
    /// When a process of the server still runs by then; it is killed.
    #[track_caller]
    pub(super) fn expect_nothing_left(&self, deadline: Deadline) {
        if self.error_log.wait_end(deadline).is_none() {
            let left = process::holders(&self.pipe);
            let named: Vec<_> = left.iter().map(|p| (p.pid(), p.title())).collect();
            left.iter().for_each(|left| left.signal(Signal::SIGKILL));
            panic!("the master has exited and left these behind: {named:?}");
        }
    }

    pub(super) fn kill_all(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.kill_holders();
    }

    /// Whoever its parent is.
    fn kill_holders(&self) {
        Deadline::seconds(10).poll(|| {
            let left = process::holders(&self.pipe);
            left.iter().for_each(|left| left.signal(Signal::SIGKILL));
            left.is_empty().then_some(())
        });
    }

    #[expect(clippy::print_stderr, reason = "shown by the test runner when a test fails")]
    fn print_logs(&self) {
        for (name, lines) in [("error", &self.error_log), ("access", &self.access_log)] {
            let lines = lines.all();
            let skipped = lines.len().saturating_sub(LINES_SHOWN);
            eprintln!("--- {name} log, {} lines, {skipped} skipped ---", lines.len());
            lines[skipped..].iter().for_each(|line| eprintln!("{line}"));
        }
        eprintln!("--- end of the logs ---");
    }
}

/// A load test logs thousands of requests; what matters is near the end.
const LINES_SHOWN: usize = 200;

impl Drop for Server {
    fn drop(&mut self) {
        let exited = self.try_exit().is_some();
        if exited && self.followed.is_none() && !std::thread::panicking() {
            self.expect_nothing_left(Deadline::seconds(LEAVING));
            return;
        }
        if exited {
            // Its number may be somebody else's by now: only the pipe's holders are ours.
            self.kill_holders();
        } else {
            self.kill_all();
        }
        let _ = self.error_log.wait_end(Deadline::seconds(5));
        if std::thread::panicking() {
            self.print_logs();
        }
    }
}

/// What a child of the master is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Worker,
    Zygote,
    /// It has the master's title: it was forked just now and is nothing else yet, or is a new master.
    Master,
    /// It has no title any more.
    Gone,
}

impl Kind {
    /// By its title, or by the arguments that it was started with.
    fn of(process: Process) -> Kind {
        match process.title() {
            Some(title) if title.split(' ').any(|word| word == "zygote") => Kind::Zygote,
            Some(title) if title.starts_with("server: master") => Kind::Master,
            Some(title) if !title.is_empty() => Kind::Worker,
            _ => Kind::Gone,
        }
    }
}

#[track_caller]
fn wait_in(lines: &Lines, log: &str, text: &str, number: usize, deadline: Deadline) -> Vec<String> {
    let found = lines.wait(deadline, |all| {
        let found: Vec<String> = all.iter().filter(|l| l.contains(text)).cloned().collect();
        (found.len() >= number).then_some(found)
    });
    found.unwrap_or_else(|| {
        panic!("{} of {number} lines with {text:?} in the {log}", lines.count(text))
    })
}
