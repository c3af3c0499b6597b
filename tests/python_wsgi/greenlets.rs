//! What is different in the class `coroutine`: requests are gevent's greenlets.

use oxicorn_tests::harness::Level;
use oxicorn_tests::{Asked, Connection, Launch, Request, Server, Serving, Subject, python};

use crate::apps::{Class, module};

fn start() -> Server {
    Class::Gevent.launch("greenlets").start()
}

fn asks(server: &Server, target: &str) -> Connection {
    let mut connection = server.connect();
    connection.send(&Request::get(target).bytes()).expect("sent");
    connection
}

#[test]
fn the_standard_library_is_patched_before_the_application_is_imported() {
    assert_eq!(start().get("/patched").text(), "True");
}

#[test]
fn it_is_found_under_the_name_that_people_know() {
    let subject = Subject::new(env!("CARGO_BIN_EXE_server"), "gevent", Serving::Many);
    let server =
        Launch::of(&subject).python(&python::with_packages(), &module("greenlets")).start();
    server.wait_for_line("Using worker: coroutine");
}

#[test]
fn an_application_can_spawn_greenlets() {
    let server = Class::Gevent.launch("greenlets").workers(2).start();
    for _ in 0..4 {
        assert_eq!(server.get("/import").text(), "at import");
        assert_eq!(server.get("/spawns").text(), "5");
    }
}

#[test]
fn a_timeout_of_the_applications_own_ends_a_wait_for_the_client() {
    let server = Class::Gevent.launch("greenlets").args(["--body-buffer-size", "0"]).start();
    let mut connection = server.connect();
    connection
        .send(b"POST /impatient HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        .expect("sent");
    let response = connection.receive(Asked::ForAll).expect("a response");
    assert_eq!((response.status, response.text().as_ref()), (200, "gave up"));
}

#[test]
fn who_catches_the_end_of_its_time_is_told_again() {
    let server = Class::Gevent.launch("greenlets").args(["--timeout", "3"]).start();
    let worker = server.worker();
    let mut stubborn = asks(&server, "/stubborn");
    assert_eq!(server.get("/").status, 200, "others are served meanwhile");
    let response = stubborn.receive(Asked::ForAll).expect("a response");
    assert_eq!(response.status, 504);
    server.wait_for_line("The request GET /stubborn was here when its time was over:");
    assert_eq!((server.get("/").status, server.worker()), (200, worker));
}

#[test]
fn a_handler_that_does_not_yield_is_named() {
    let server = start();
    assert_eq!(server.get("/block").status, 200);
    let line = server.wait_for_error_line("The handler of GET /block has held the worker's thread");
    assert_eq!(line.level, Level::Warning);
}

#[test]
fn a_slow_reader_keeps_nobody_waiting() {
    let server = start();
    let mut slow = asks(&server, "/large");
    slow.wait_for_bytes().expect("the beginning");
    for _ in 0..10 {
        assert_eq!(server.get("/").status, 200);
    }
    let mut received = 0;
    let response = slow.receive_into(Asked::ForAll, &mut |piece: &[u8]| received += piece.len());
    assert_eq!((response.expect("a response").status, received), (200, 16_000_000));
}

#[test]
fn a_killed_greenlet_and_an_exit_are_one_requests_end() {
    let server = start();
    let worker = server.worker();
    assert_eq!(server.get("/killed").status, 500);
    assert_eq!(server.get("/exits").status, 200);
    assert_eq!((server.get("/").status, server.worker()), (200, worker));
}

#[test]
fn without_gevent_there_is_one_clear_line() {
    let launch =
        Launch::of(&Class::Gevent.subject()).python(&python::machine(), &module("contexts"));
    let server = launch.spawn();
    let line = server.wait_for_line("the worker class coroutine needs gevent, and ");
    assert!(line.contains("pip install gevent"), "{line}");
}
