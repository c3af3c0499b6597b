//! What operators see: process titles, and the lines that their scripts look for.

use std::fs;

use nix::sys::signal::Signal;

use super::Subject;
use crate::client::Request;
use crate::deadline::Deadline;
use crate::harness::{AccessLine, Address, ErrorLine, Launch, Level};

pub(super) fn titles(subject: &Subject) {
    let server = Launch::of(subject).args(["--name", "suite"]).start();
    for (process, title) in
        [(server.master(), "server: master [suite]"), (server.worker(), "server: worker [suite]")]
    {
        let found = process.title();
        assert_eq!(found.as_deref(), Some(title));
    }
}

pub(super) fn lines_users_grep_for(subject: &Subject) {
    let mut server = Launch::of(subject).workers(2).start();
    let workers = server.wait_for_workers(2);
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(20));

    let Address::Tcp(address) = server.address() else {
        panic!("it was started on TCP");
    };
    let master = server.master().pid();
    let lines: Vec<ErrorLine> = server.error_log().all().iter().map(|l| parse(l)).collect();
    let expect = |message: &str, pid: i32| {
        let found = lines.iter().find(|line| line.message.starts_with(message));
        let found = found.unwrap_or_else(|| panic!("no line {message:?}"));
        assert_eq!(found.level, Level::Info, "{found:?}");
        assert_eq!(found.pid, pid, "{found:?}");
        found.message.clone()
    };
    expect("Starting oxicorn ", master);
    let listening = expect("Listening at: ", master);
    assert_eq!(listening, format!("Listening at: http://{address} ({master})"));
    let class = expect("Using worker: ", master);
    assert_eq!(class, format!("Using worker: {}", subject.class));
    for worker in workers {
        let pid = worker.pid();
        expect(&format!("Booting worker with pid: {pid}"), pid);
        expect(&format!("Worker exiting (pid: {pid})"), pid);
    }
    expect("Handling signal: term", master);
    expect("Shutting down: Master", master);
}

#[track_caller]
fn parse(line: &str) -> ErrorLine {
    ErrorLine::parse(line).unwrap_or_else(|| panic!("not in the log's shape: {line:?}"))
}

pub(super) fn access_log(subject: &Subject) {
    let server = Launch::of(subject).start();
    let request = Request::get("/echo/logged?x=%20y")
        .header("User-Agent", "suite/1")
        .header("Referer", "http://suite/");
    let response = server.ask(&request);
    let line = server.wait_for_accesses("/echo/logged", 1).remove(0);
    let logged = AccessLine::parse(&line).unwrap_or_else(|| panic!("no access line: {line}"));
    assert_eq!(logged.host, "127.0.0.1");
    assert_eq!(logged.request, "GET /echo/logged?x=%20y HTTP/1.1");
    assert_eq!(logged.status, 200);
    assert_eq!(logged.bytes, response.body.len().to_string());
    assert_eq!(logged.referer, "http://suite/");
    assert_eq!(logged.agent, "suite/1");

    let forged = Request::get("/echo/forged").header("User-Agent", "a\" 200 0 \"b\\");
    server.ask(&forged);
    let line = server.wait_for_accesses("/echo/forged", 1).remove(0);
    assert!(!line.contains("a\" 200"), "the quote is as it came: {line}");
}

pub(super) fn usr1_reopens(subject: &Subject) {
    let launch = Launch::of(subject).workers(2);
    let (log, rotated) = (launch.folder().join("log"), launch.folder().join("log.1"));
    let server = launch.access_log_in(&log).start();
    let count = |file| fs::read_to_string(file).unwrap_or_default().lines().count();
    fs::rename(&log, &rotated).expect("the log is there from the start");
    server.signal(Signal::SIGUSR1);
    server.wait_for_line("Handling signal: usr1");

    let mut asked = 1;
    let deadline = Deadline::seconds(20);
    deadline.until("a request in the new log", || {
        server.get("/echo/rotated");
        asked += 1;
        count(&log) > 0
    });
    deadline.until("every request in one of the logs", || count(&log) + count(&rotated) == asked);
}
