//! A body whose source gives up half-way. The client has been promised a response; all that is left
//! is to let it see that this is not all of it.

use oxicorn_tests::Request;

use crate::case::{Case, assert_serves, unfinished_body};

/// More often than a class has threads: one lost each time would show.
const OFTEN: usize = 6;

pub(crate) fn failing_source(case: &Case) {
    let server = case.start();
    for (target, sent) in [("/fails", "01234"), ("/fails/length", "01234"), ("/fails/first", "")] {
        assert_eq!(unfinished_body(&server, &Request::get(target).bytes()), sent, "{target}");
        let line = server.wait_for_line(&format!("Error handling request GET {target}: "));
        assert!(line.contains("[ERROR]") && line.ends_with("fails on purpose"), "{line}");
        assert_serves(&server);
    }
}

pub(crate) fn panicking_source(case: &Case) {
    let server = case.start();
    let worker = server.worker();
    for target in ["/panics/body", "/panics/body/length"] {
        for _ in 0..OFTEN {
            assert_eq!(unfinished_body(&server, &Request::get(target).bytes()), "01234");
        }
        server.wait_for_lines(&format!("Error handling request GET {target}: "), OFTEN);
    }
    server.wait_for_lines("script.rs:", 2 * OFTEN);
    assert_serves(&server);
    assert_eq!(server.worker(), worker, "the worker goes on");
}
