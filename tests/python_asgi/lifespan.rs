//! The lifespan, three ways, and what it leaves for the requests.

use oxicorn_tests::{Deadline, Launch, Server, Signal, python};

use crate::apps::{module, subject};

fn launch(name: &str) -> Launch {
    let launch = Launch::of(&subject());
    std::fs::copy(module("lifespan"), launch.folder().join("lifespan.py")).expect("a copy");
    let python = python::machine();
    let python = python.to_str().expect("a path that is text");
    launch.app(&format!("lifespan:{name}")).env("OXICORN_PYTHON", python)
}

#[track_caller]
fn stop(server: &mut Server) {
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn it_begins_before_the_first_request_and_ends_behind_the_last() {
    for wish in ["auto", "on"] {
        let mut server = launch("knows").args(["--asgi-lifespan", wish]).start();
        // Each request has a copy of the state, and what is in it is shared.
        assert_eq!(server.get("/").text(), "the lifespan 1 1\n");
        assert_eq!(server.get("/").text(), "the lifespan 1 2\n");
        stop(&mut server);
        assert_eq!(server.access_log().count("the lifespan is over"), 1);
    }
}

#[test]
fn with_auto_who_does_not_know_it_is_served_without() {
    let mut server = launch("ignorant").start();
    assert_eq!(server.get("/").text(), "nobody 1 0\n");
    server.wait_for_line("has no lifespan (AssertionError: only HTTP): it is served without");
    stop(&mut server);
}

#[test]
fn with_on_who_does_not_know_it_cannot_start() {
    let mut server = launch("ignorant").args(["--asgi-lifespan", "on"]).spawn();
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
    server.wait_for_line("does not support it: AssertionError: only HTTP");
}

#[test]
fn with_off_nobody_is_told() {
    let mut server = launch("knows").args(["--asgi-lifespan", "off"]).start();
    assert_eq!(server.get("/").text(), "nobody 1 0\n");
    stop(&mut server);
    assert_eq!(server.access_log().count("the lifespan is over"), 0);
}

#[test]
fn who_cannot_start_says_why_and_the_server_ends() {
    for wish in ["auto", "on"] {
        let mut server = launch("failing").args(["--asgi-lifespan", wish]).spawn();
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
        server.wait_for_line("the application could not start:   no database");
        server.wait_for_line("[ERROR] Traceback");
    }
}

#[test]
fn who_ends_its_lifespan_early_is_served() {
    let mut server = launch("leaving").start();
    assert_eq!(server.get("/").status, 200);
    stop(&mut server);
}

#[test]
fn who_does_not_end_is_left_behind() {
    let mut server = launch("stuck").args(["--graceful-timeout", "2"]).start();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn what_goes_wrong_at_the_end_is_in_the_log() {
    for (name, line) in [
        ("complaining", "[ERROR] something is left"),
        ("raising", "The application's lifespan has failed: OSError: cannot say goodbye"),
    ] {
        let mut server = launch(name).start();
        stop(&mut server);
        server.wait_for_line(line);
    }
}
