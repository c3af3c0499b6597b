//! `start_response` and what it returns.

use oxicorn_tests::client::Framing;
use oxicorn_tests::{ClientError, Request};

use crate::apps::Class;

#[test]
fn the_head_is_what_was_said_last_before_the_first_piece() {
    for class in Class::ALL {
        let server = class.launch("starting").start();
        let late = server.get("/late");
        assert_eq!(
            (late.status, late.header("X-When"), late.text().as_ref()),
            (201, Some("late"), "body\n")
        );
        let replaced = server.get("/replaced");
        assert_eq!((replaced.status, replaced.text().as_ref()), (503, "instead\n"));
        assert_eq!((replaced.header("X-First"), replaced.header("X-Second")), (None, Some("yes")));
        let by_name = server.get("/by_name");
        assert_eq!((by_name.status, by_name.framing), (202, Framing::Length(23)));
        assert_eq!(by_name.text(), "a tuple, in two pieces\n");
    }
}

#[test]
fn when_it_is_too_late_the_exception_comes_back() {
    for class in Class::ALL {
        let server = class.launch("starting").start();
        let worker = server.worker();
        let mut connection = server.connect();
        match connection.exchange(&Request::get("/too_late")) {
            Err(ClientError::Short(_)) => {}
            other => panic!("{other:?}"),
        }
        server.wait_for_line("ValueError: after something was sent");
        server.wait_for_line(
            "Error handling request GET /too_late: the body cannot be completed: ValueError",
        );
        assert_eq!((server.get("/").status, server.worker()), (200, worker));
    }
}

#[test]
fn what_is_written_comes_before_what_is_returned() {
    for class in Class::ALL {
        let server = class.launch("starting").start();
        assert_eq!(server.get("/written").text(), "written, twice, returned\n");
        let only = server.get("/written_only");
        assert_eq!((only.text().as_ref(), only.framing), ("all of it\n", Framing::Chunked));
    }
}
