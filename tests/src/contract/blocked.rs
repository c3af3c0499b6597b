//! A handler that holds the one thread of its worker is seen: whoever computes for too long is named,
//! once, and whoever waits in the way of its class is not.

use super::Subject;
use crate::client::Request;
use crate::harness::{Launch, Level};

const SAID: &str = " has held the worker's thread for ";

pub(super) fn handler_that_holds_the_thread(subject: &Subject) {
    // Longer than a loaded machine keeps anybody from going on.
    let server = Launch::of(subject).args(["--blocked-threshold", "800ms"]).start();
    for target in ["/read?ms=1000", "/cpu?ms=1000", "/cpu?ms=1001"] {
        assert_eq!(server.get(target).status, 200, "{target}");
    }
    let line = server.wait_for_error_line(SAID);
    assert_eq!(line.level, Level::Warning, "{line:?}");
    assert!(line.message.starts_with("The handler of GET /cpu has"), "{line:?}");
    // The line of another place comes behind all that could be said of this one.
    assert_eq!(server.ask(&Request::new("HEAD", "/cpu?ms=1000")).status, 200);
    let lines = server.wait_for_lines(SAID, 2);
    assert!(lines[1].contains("HEAD /cpu has"), "{lines:?}");
}

pub(super) fn handler_that_may_hold_the_thread(subject: &Subject) {
    for threshold in ["0", "60s"] {
        let server = Launch::of(subject).args(["--blocked-threshold", threshold]).start();
        assert_eq!(server.get("/cpu?ms=250").status, 200);
        assert_eq!(server.error_log().count(SAID), 0);
    }
}
