//! An application that breaks a rule is answered for with 500, and told which rule it was.

use oxicorn_tests::{ClientError, Request};

use crate::apps::launch;

const TYPE: &str = "an event must be a dict with a str \"type\"";
const STATUS: &str = "the status must be a whole number from 200 to 999";
const HEADER: &str = "header names and values must be pairs of byte strings";
const ORDER: &str = "http.response.start must come before the body, and once";
const PATH: &str = "http.response.pathsend must have a str \"path\"";

const RULES: [(&str, &str); 23] = [
    ("no_type", TYPE),
    ("type_is_bytes", TYPE),
    ("not_a_dict", TYPE),
    ("unknown", "there is no event \"http.response.begin\" to send here"),
    ("foreign", "there is no event \"websocket.accept\" to send here"),
    ("no_status", STATUS),
    ("status_is_text", STATUS),
    ("status_interim", STATUS),
    ("status_too_large", STATUS),
    ("header_of_text", HEADER),
    ("header_value_of_text", HEADER),
    ("header_of_three", HEADER),
    ("headers_a_number", HEADER),
    ("header_name_with_space", "\"x a\" is no name for a header"),
    ("header_name_empty", "\"\" is no name for a header"),
    ("header_value_with_line_feed", "the value of the header x-a has a character"),
    ("content_length_twice", "invalid Content-Length in the response"),
    ("body_first", ORDER),
    ("body_of_text", "http.response.body must have bytes"),
    ("started_twice", ORDER),
    ("no_such_file", "/nowhere/at/all cannot be served: No such file or directory"),
    ("path_is_bytes", PATH),
    ("nothing", "the application has returned without a response"),
];

#[test]
fn who_breaks_a_rule_is_told_which() {
    let server = launch("broken").start();
    let worker = server.worker();
    for (name, rule) in RULES {
        let response = server.get(&format!("/{name}"));
        assert_eq!((response.status, response.header("X-Split")), (500, None), "{name}");
        let line = server.wait_for_line(&format!("Error handling request GET /{name}: "));
        assert!(line.contains("[ERROR]") && line.contains(&format!("ASGI: {rule}")), "{line}");
    }
    assert_eq!((server.get("/").status, server.worker()), (200, worker), "it goes on");
    let lines = server.error_log().all();
    let tracebacks = lines.iter().filter(|line| line.contains("Traceback"));
    assert_eq!(tracebacks.count(), 0, "the rule says it all");
}

#[test]
fn a_head_alone_is_no_response() {
    let server = launch("broken").start();
    assert_eq!(server.get("/only_start").status, 500);
    server.wait_for_line("GET /only_start: ASGI: the application has returned without a response");
}

#[test]
fn what_comes_behind_the_end_is_refused_and_the_response_stays() {
    let server = launch("broken").start();
    assert_eq!(server.get("/ends_twice").text(), "ok\n");
    server
        .wait_for_line("GET /ends_twice: ASGI: nothing can be sent after the response is complete");
}

#[test]
fn a_response_that_does_not_end_is_seen_to_be_cut() {
    let server = launch("broken").start();
    for name in ["no_end", "late_start"] {
        match server.connect().exchange(&Request::get(&format!("/{name}"))) {
            Err(ClientError::Short(_)) => {}
            other => panic!("{name}: {other:?}"),
        }
        server.wait_for_line(&format!("Error handling request GET /{name}: ASGI: "));
    }
}

#[test]
fn the_exception_can_be_caught_and_changes_nothing() {
    let server = launch("broken").start();
    assert_eq!(server.get("/caught").status, 500);
    server.wait_for_accesses(&format!("caught: ASGI: {ORDER}"), 1);
}
