//! Clients that take their time. They cost a descriptor and nothing else: the application is not
//! occupied by them, the others are served, and in the end they are shown the door.

use std::time::{Duration, Instant};

use super::Subject;
use super::kept::kept_connection;
use super::methods::echoed;
use crate::client::{Asked, ClientError, Request};
use crate::harness::{Launch, Server};

/// How long somebody else may wait meanwhile: far less than any time limit of the server.
const AT_ONCE: Duration = Duration::from_secs(5);
/// A timer may not fire early; the clock that it is measured with may differ a little.
const EARLY: Duration = Duration::from_millis(20);

#[track_caller]
fn assert_served_meanwhile(server: &Server) {
    let mut other = server.connect().patience(AT_ONCE);
    let request = Request::get("/").header("Connection", "close");
    let response = other.exchange(&request).expect("somebody else's request");
    assert_eq!(response.status, 200);
}

pub(super) fn dribbled_head(subject: &Subject) {
    let server = Launch::of(subject).start();
    let request = Request::new("POST", "/echo/slow").body("dribble").bytes();
    let mut slow = server.connect();
    let pieces = request.chunks(request.len().div_ceil(10));
    for piece in pieces {
        slow.send(piece).expect("a piece of the request");
        assert_served_meanwhile(&server);
    }
    let response = slow.receive(Asked::ForAll).expect("the slow response");
    assert_eq!(echoed(&response)["body_len"], "dribble".len());
}

pub(super) fn header_timeout(subject: &Subject) {
    // Nobody who has something to send may be kept from it for so long by a loaded machine.
    let limit = Duration::from_secs(2);
    let server = Launch::of(subject).args(["--header-timeout", "2s"]).start();
    let connected = Instant::now();
    let mut silent = server.connect();
    let mut partial = server.connect();
    partial.send(b"GET / HTTP/1.1\r\nHos").expect("half a head");
    silent.expect_end().expect("the end, and not a word");
    assert!(connected.elapsed() + EARLY >= limit, "closed too early");
    match partial.receive(Asked::ForAll) {
        Err(ClientError::Closed) => {}
        Ok(response) => {
            assert_eq!(response.status, 408);
            partial.expect_end().expect("the end");
        }
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn keepalive_timeout(subject: &Subject) {
    let limit = Duration::from_millis(300);
    let server = Launch::of(subject).args(["--keep-alive", "300ms"]).start();
    let asked = Instant::now();
    let mut idle = kept_connection(subject, &server);
    idle.expect_end().expect("the end, and not a word");
    assert!(asked.elapsed() + EARLY >= limit, "closed too early");
}
