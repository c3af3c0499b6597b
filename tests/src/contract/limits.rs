//! Requests that are no requests, or too large. Each gets one answer, one line in each log, and the
//! end of its connection: what follows it was framed by somebody who cannot be trusted, and serving
//! it is how requests are smuggled (RFC 9112, section 11).

use std::time::Duration;

use super::Subject;
use crate::client::{Asked, Response};
use crate::harness::{AccessLine, ErrorLine, Launch, Level, Server};

/// A request that must never be served: it stands behind one that was refused.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: suite\r\n\r\n";
/// A refusal waits for nothing, and for no time limit of the server's least of all.
const AT_ONCE: Duration = Duration::from_secs(5);
const WARNING: &str = "Invalid request from ip=127.0.0.1: ";

/// Sends something bad with a good request behind it, and sees that nothing but one refusal comes.
#[track_caller]
fn refused(server: &Server, bad: &str) -> Response {
    let mut connection = server.connect().patience(AT_ONCE);
    let bytes = format!("{bad}{SMUGGLED}");
    connection.send(bytes.as_bytes()).expect("sent");
    let response = connection.receive(Asked::ForAll);
    let response = response.unwrap_or_else(|e| panic!("{bad:?}: {e}"));
    let said = response.header("Connection");
    assert_eq!(said, Some("close"), "{bad:?}: {response:?}");
    let end = connection.expect_end();
    end.unwrap_or_else(|e| panic!("{bad:?}: {e}"));
    response
}

/// Sees that each of `number` refusals with `status` has one line in each log.
#[track_caller]
fn assert_logged(server: &Server, number: usize, status: u16) {
    // Threads hand their lines over each for itself, so the order says nothing: what is expected is
    // waited for, and the last request gives what is not expected the time to appear.
    server.wait_for_accesses(&format!(" {status} "), number);
    server.get("/echo/last");
    server.wait_for_accesses("/echo/last", 1);
    let lines = server.access_log().all();
    let accesses: Vec<AccessLine> = lines
        .iter()
        .map(|line| AccessLine::parse(line).unwrap_or_else(|| panic!("no access line: {line}")))
        .collect();
    let refusals = accesses.iter().filter(|line| line.status == status);
    assert_eq!(refusals.count(), number, "{lines:#?}");
    let served = accesses.iter().any(|line| line.request.starts_with("GET /smuggled"));
    assert!(!served, "what stands behind a refused request is no request: {lines:#?}");

    let warnings = server.wait_for_lines(WARNING, number);
    assert_eq!(warnings.len(), number, "{warnings:#?}");
    for line in &warnings {
        let parsed = ErrorLine::parse(line);
        let level = parsed.map(|parsed| parsed.level);
        assert_eq!(level, Some(Level::Warning), "{line}");
        let reason = line.split_once(WARNING).map(|(_, reason)| reason.trim());
        assert!(reason.is_some_and(|r| !r.is_empty()), "no reason: {line}");
    }
}

pub(super) fn bad_request(subject: &Subject) {
    let server = Launch::of(subject).start();
    let bad = [
        "GET / HTTP/1.1\r\nHost: suite\r\nBad Name: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: suite\r\nName : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: suite\r\nNo colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: suite\r\nX: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\nHost: suite\n\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: suite\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: suite\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: suite\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: suite\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: suite\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
    ];
    for request in bad {
        let response = refused(&server, request);
        assert_eq!(response.status, 400, "{request:?}");
    }
    assert_logged(&server, bad.len(), 400);
}

pub(super) fn long_request_line(subject: &Subject) {
    let server = Launch::of(subject).start();
    let target = "x".repeat(4100);
    let bad = format!("GET /{target} HTTP/1.1\r\nHost: suite\r\n\r\n");
    assert_eq!(refused(&server, &bad).status, 414);
    assert_logged(&server, 1, 414);
}

pub(super) fn large_header(subject: &Subject) {
    let server = Launch::of(subject).start();
    let value = "x".repeat(8200);
    let bad = format!("GET / HTTP/1.1\r\nHost: suite\r\nX-Large: {value}\r\n\r\n");
    assert_eq!(refused(&server, &bad).status, 431);
    assert_logged(&server, 1, 431);
}

pub(super) fn too_many_headers(subject: &Subject) {
    let server = Launch::of(subject).start();
    let headers = "X-Many: x\r\n".repeat(100);
    let bad = format!("GET / HTTP/1.1\r\nHost: suite\r\n{headers}\r\n");
    assert_eq!(refused(&server, &bad).status, 431);
    assert_logged(&server, 1, 431);
}
