//! `write`: what it is given is with the client before it returns.

use std::io::Write;

use oxicorn_tests::client::Framing;
use oxicorn_tests::{Asked, ClientError, Launch, Request, Response, Server};

use crate::apps::{Class, make_fifo};

fn with_fifo(launch: Launch) -> Server {
    make_fifo(&launch.folder().join("fifo"));
    launch.start()
}

/// The response to a handler that waits for the fifo, which is written to once something of the
/// response is there.
fn in_two_steps(server: &Server, target: &str) -> Response {
    let mut connection = server.connect();
    connection.send(&Request::get(target).bytes()).expect("sent");
    connection.wait_for_bytes().expect("the beginning");
    let fifo = server.folder().join("fifo");
    let mut writer = std::fs::OpenOptions::new().write(true).open(fifo).expect("the fifo");
    writer.write_all(b"second\n").expect("written");
    drop(writer);
    connection.receive(Asked::ForAll).expect("a response")
}

#[test]
fn a_piece_is_with_the_client_before_write_returns() {
    for class in Class::ALL {
        let server = with_fifo(class.launch("writing"));
        for (target, framing, body) in [
            ("/chunked", Framing::Chunked, "first\nsecond\nlast\n"),
            ("/length", Framing::Length(18), "first\nsecond\nlast\n"),
            ("/within", Framing::Chunked, "first\nsecond\nbetween\nlast\n"),
        ] {
            let response = in_two_steps(&server, target);
            assert_eq!((response.framing, response.text().as_ref()), (framing, body), "{class:?}");
            assert_eq!(response.header("Content-Type"), Some("text/plain"));
        }
        assert_eq!(server.get("/").status, 200);
    }
}

#[test]
fn the_first_call_sends_the_head_even_with_nothing() {
    for class in Class::ALL {
        let server = with_fifo(class.launch("writing"));
        let response = in_two_steps(&server, "/head");
        assert_eq!((response.status, response.text().as_ref()), (201, "second\n"), "{class:?}");
    }
}

#[test]
fn a_thread_of_the_applications_may_write() {
    for class in [Class::Sync, Class::Threaded] {
        let server = with_fifo(class.launch("writing"));
        assert_eq!(in_two_steps(&server, "/elsewhere").text(), "first\nsecond\nlast\n");
    }
}

#[test]
fn a_head_that_cannot_be_sent_can_be_replaced_and_one_that_was_sent_cannot() {
    for class in Class::ALL {
        let server = class.launch("writing").start();
        let replaced = server.get("/replaced");
        assert_eq!((replaced.status, replaced.text().as_ref()), (503, "instead\n"), "{class:?}");
        match server.connect().exchange(&Request::get("/too_late")) {
            Err(ClientError::Short(_)) => {}
            other => panic!("{class:?}: {other:?}"),
        }
        server.wait_for_line("] ValueError: after something was written");
        server.wait_for_line(
            "Error handling request GET /too_late: the body cannot be completed: ValueError",
        );
        assert_eq!(server.get("/no_bytes").status, 500);
        server.wait_for_line("PEP 3333: a piece of the body must be bytes, not str");
    }
}

#[test]
fn a_head_request_gets_no_body() {
    for class in Class::ALL {
        let server = class.launch("writing").start();
        let mut connection = server.connect();
        let head = connection.exchange(&Request::new("HEAD", "/replaced")).expect("a response");
        assert_eq!((head.status, head.body.len()), (503, 0), "{class:?}");
        assert_eq!(connection.get("/").expect("a response").status, 200);
    }
}

#[test]
fn a_body_that_is_still_coming_is_answered_while_it_comes() {
    for class in Class::ALL {
        for size in ["0", "1M"] {
            let server = class.launch("writing").args(["--body-buffer-size", size]).start();
            let body = "abcdefghij".repeat(5_000);
            let response = server.ask(&Request::new("POST", "/upper").body(body.as_str()));
            assert_eq!(response.text(), body.to_uppercase(), "{class:?}");
        }
    }
}

#[test]
fn a_client_that_is_gone_raises_in_write_and_is_nobodys_failure() {
    for class in Class::ALL {
        let server = class.launch("writing").start();
        let mut connection = server.connect();
        connection.send(&Request::get("/endless").bytes()).expect("sent");
        connection.wait_for_bytes().expect("the beginning");
        drop(connection);
        server.wait_for_line("after some: ");
        assert_eq!(server.get("/").status, 200);
        let said = server.error_log().matching(|line| line.contains("after some: "));
        assert!(
            said[0].contains("BrokenPipeError") || said[0].contains("ConnectionResetError"),
            "{said:?}"
        );
        assert_eq!(server.error_log().count("Error handling request"), 0, "{class:?}");
    }
}

#[test]
fn a_slow_client_holds_write_back_and_one_that_stops_ends_it() {
    for class in Class::ALL {
        let server = class.launch("writing").args(["--write-timeout", "1"]).start();
        let mut connection = server.connect();
        connection.send(&Request::get("/endless").bytes()).expect("sent");
        connection.wait_for_bytes().expect("the beginning");
        server.wait_for_line("after some: True TimeoutError");
        assert_eq!(server.get("/").status, 200, "{class:?}");
    }
}

#[test]
fn who_waits_for_a_slow_client_keeps_nobody_else_waiting() {
    for class in [Class::Threaded, Class::Gevent] {
        let launch = class.launch("writing");
        let launch = if class == Class::Threaded { launch.threads(2) } else { launch };
        let server = launch.start();
        let mut slow = server.connect();
        slow.send(&Request::get("/endless").bytes()).expect("sent");
        slow.wait_for_bytes().expect("the beginning");
        for _ in 0..20 {
            assert_eq!(server.get("/").text(), "ready\n", "{class:?}");
        }
    }
}

#[test]
fn when_the_time_is_over_a_response_that_was_begun_ends() {
    for class in Class::ALL {
        let server = with_fifo(class.launch("writing").args(["--timeout", "1"]));
        match server.connect().exchange(&Request::get("/stuck")) {
            Err(ClientError::Short(_) | ClientError::Io(_)) => {}
            other => panic!("{class:?}: {other:?}"),
        }
        server.wait_for_line("WORKER TIMEOUT");
        assert_eq!(server.get("/").status, 200, "{class:?}");
    }
}
