//! What becomes of a handler: its exceptions, its time, its context, and what it does behind its
//! response.

use std::time::Duration;

use oxicorn_tests::{ClientError, Deadline, Launch, Request, Signal, python};

use crate::apps::{launch, launch_with, module, subject};

#[test]
fn an_exception_is_500_and_its_traceback_in_the_log() {
    let server = launch("handlers").start();
    let worker = server.worker();
    for (name, what) in [("raises", "ValueError: on purpose"), ("exits", "SystemExit: 7")] {
        assert_eq!(server.get(&format!("/{name}?token=1")).status, 500, "{name}");
        let line = format!("[ERROR] Error handling request GET /{name}?token=1: {what}");
        server.wait_for_line(&line);
    }
    server.wait_for_lines("[ERROR] Traceback (most recent call last):", 2);
    server.wait_for_line("handlers.py\", line ");
    assert_eq!((server.get("/").status, server.worker()), (200, worker));
}

#[test]
fn an_exception_in_the_middle_cuts_the_response() {
    let server = launch("handlers").start();
    match server.connect().exchange(&Request::get("/raises_late")) {
        Err(ClientError::Short(_)) => {}
        other => panic!("{other:?}"),
    }
    server.wait_for_line("GET /raises_late: ValueError: in the middle");
}

#[test]
fn an_exception_behind_the_response_is_only_logged() {
    let server = launch("handlers").start();
    assert_eq!(server.get("/raises_behind").text(), "ok\n");
    server.wait_for_line("GET /raises_behind: ValueError: behind the response");
}

#[test]
fn who_cancels_itself_is_answered_for() {
    let server = launch("handlers").start();
    assert_eq!(server.get("/cancels_itself").status, 500);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn a_worker_that_leaves_waits_for_what_is_done_behind_a_response() {
    let mut server = launch("handlers").start();
    assert_eq!(server.get("/background").text(), "ok\n");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
    assert_eq!(server.access_log().count("done in the background"), 1);
}

#[test]
fn a_worker_that_leaves_waits_no_longer_than_it_may() {
    let mut server = launch("handlers").args(["--graceful-timeout", "1"]).start();
    let mut connection = server.connect();
    connection.send(&Request::get("/sleeps").bytes()).expect("a request");
    server.wait_for_accesses("sleeps", 1);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn a_handler_whose_time_is_over_is_cancelled_and_the_worker_goes_on() {
    let server = launch("handlers").args(["--timeout", "3"]).start();
    let worker = server.worker();
    assert_eq!(server.get("/sleeps").status, 504);
    server.wait_for_accesses("cancelled", 1);
    server.wait_for_line("WORKER TIMEOUT");
    server.wait_for_line("In flight: GET /sleeps");
    assert_eq!(server.get("/").status, 200);
    match server.connect().exchange(&Request::get("/streams")) {
        Err(ClientError::Short(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(server.error_log().count("Traceback"), 0);
    assert_eq!((server.get("/").status, server.worker()), (200, worker));
}

#[test]
fn who_does_not_heed_its_cancellation_is_not_heard() {
    let server = launch("handlers").args(["--timeout", "3"]).start();
    assert_eq!(server.get("/sleeps_on").status, 504);
    server.wait_for_accesses("sent too late", 1);
    assert_eq!(server.error_log().count("Traceback"), 0);
}

#[test]
fn each_request_has_a_context_of_its_own() {
    let server = launch("handlers").start();
    let mut connection = server.connect();
    for name in ["anna", "bert", "carl"] {
        let answer = connection.get(&format!("/names?{name}")).expect("an answer");
        assert_eq!(answer.text(), format!("nobody {name} {name}\n"));
    }
}

#[test]
fn receive_and_send_can_be_wrapped_in_tasks() {
    for python in python::every_version() {
        let server = launch_with(&python, "handlers").start();
        assert_eq!(server.get("/tasks").text(), "ok\n", "{}", python.display());
        assert_eq!(server.error_log().count("ERROR"), 0);
    }
}

#[test]
fn another_thread_is_told_that_it_is_the_wrong_one() {
    let server = launch("handlers").start();
    let said = server.get("/threads").text();
    assert!(said.contains("belong to the thread of the event loop"), "{said}");
}

#[test]
fn who_holds_the_thread_is_named() {
    let server = launch("handlers").start();
    assert_eq!(server.get("/blocks?x=1").status, 200);
    let line = server.wait_for_line("The handler of GET /blocks has held the worker's thread for ");
    assert!(line.contains("[WARNING]"), "{line}");
}

fn launch_callable(name: &str) -> Launch {
    let launch = Launch::of(&subject());
    std::fs::copy(module("handlers"), launch.folder().join("handlers.py")).expect("a copy");
    let python = python::machine();
    let python = python.to_str().expect("a path that is text");
    launch.app(&format!("handlers:{name}")).env("OXICORN_PYTHON", python)
}

#[test]
fn what_is_no_coroutine_is_no_application() {
    let server = launch_callable("plain").spawn();
    server.wait_for_line("Booting worker with pid: ");
    assert_eq!(server.get("/").status, 500);
    server.wait_for_line("TypeError: the application is no ASGI 3 application: it has returned");
}

#[test]
fn whatever_can_be_awaited_is_an_application() {
    let server = launch_callable("wrapped").start();
    assert_eq!(server.get("/names?x").text(), "nobody x x\n");
    assert_eq!(server.get("/raises").status, 500);
}

#[test]
fn the_loop_is_the_one_that_was_asked_for() {
    let with = python::with_packages();
    for (python, args, expected) in [
        (&python::machine(), &[][..], "asyncio"),
        (&with, &[], "uvloop"),
        (&with, &["--asgi-loop", "asyncio"], "asyncio"),
        (&with, &["--asgi-loop", "uvloop"], "uvloop"),
    ] {
        let server = launch_with(python, "handlers").args(args).start();
        let text = server.get("/loop").text();
        assert!(text.starts_with(expected), "{python:?} {args:?}: {text}");
    }
    let mut server = launch("handlers").args(["--asgi-loop", "uvloop"]).spawn();
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
    server.wait_for_line("asgi_loop = uvloop: it is not installed");
}

#[test]
fn every_version_of_python_serves() {
    for python in python::every_version() {
        let server = launch_with(&python, "handlers").start();
        let mut connection = server.connect().patience(Duration::from_secs(30));
        for _ in 0..50 {
            assert_eq!(connection.get("/names?x").expect("an answer").text(), "nobody x x\n");
            assert_eq!(connection.get("/").expect("an answer").text(), "ok\n");
        }
        assert_eq!(server.get("/raises").status, 500, "{}", python.display());
    }
}
