//! Things that go wrong with a process, and what is left of the service.

use nix::sys::signal::Signal;

use super::Subject;
use super::kept::kept_connection;
use crate::client::{Asked, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Level};

pub(super) fn panicking_handler(subject: &Subject) {
    let server = Launch::of(subject).start();
    let worker = server.worker();
    for number in 1..=3 {
        let response = server.get("/panic");
        assert_eq!(response.status, 500);
        assert_eq!(server.get("/").status, 200, "after panic {number}");
    }
    let place = server.wait_for_error_line(".rs:");
    assert_eq!(place.level, Level::Error, "{place:?}");
    assert_eq!(place.pid, worker.pid(), "{place:?}");
    assert_eq!(server.worker(), worker, "the worker goes on");
    server.wait_for_accesses("GET /panic HTTP/1.1\" 500 ", 3);
}

pub(super) fn killed_worker(subject: &Subject) {
    let server = Launch::of(subject).workers(2).start();
    let victim = server.wait_for_workers(2)[0];
    victim.signal(Signal::SIGKILL);
    let said = format!("Worker (pid:{}) was sent SIGKILL!", victim.pid());
    let line = server.wait_for_error_line(&said);
    assert_eq!(line.level, Level::Error, "{line:?}");
    assert_eq!(line.message, said, "the machine is not out of memory");
    server.wait_for_lines("Booting worker with pid: ", 3);
    let workers = server.wait_for_workers(2);
    assert!(!workers.contains(&victim));
    assert_eq!(server.get("/").status, 200);
}

pub(super) fn killed_master(subject: &Subject) {
    let mut server = Launch::of(subject).workers(2).start();
    let mut waiting = kept_connection(subject, &server);
    let request = Request::get("/write?ms=300").bytes();
    waiting.send(&request).expect("sent");
    server.signal(Signal::SIGKILL);
    let response = waiting.receive(Asked::ForAll).expect("what was begun");
    assert_eq!(response.status, 200);
    // The harness sees that the workers leave too.
    let status = server.wait_exit(Deadline::seconds(5));
    assert_eq!(status.code(), None, "{status}");
}

pub(super) fn signals_a_worker_ignores(subject: &Subject) {
    let server = Launch::of(subject).start();
    let worker = server.worker();
    for signal in
        [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGWINCH, Signal::SIGTTIN, Signal::SIGTTOU]
    {
        worker.signal(signal);
        // Its only worker has been handed the signal when it has run again.
        assert_eq!(server.get("/").status, 200, "after {signal}");
        assert_eq!(server.worker(), worker, "after {signal}");
    }
    assert_eq!(server.error_log().count("Booting worker"), 1);
}
