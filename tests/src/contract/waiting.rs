//! Handlers that wait, which is what the classes differ in. The times are those of a check of
//! concurrency, not of a benchmark: far above what it takes, far below what it would take one after
//! the other.

use std::time::{Duration, Instant};

use super::Subject;
use crate::client::{Asked, Connection, Request};
use crate::harness::{Launch, Server, alone};

/// How long it takes until so many requests, sent at once, are all answered.
#[track_caller]
fn time_all(server: &Server, number: usize, target: &str) -> Duration {
    let request = Request::get(target).bytes();
    let mut connections: Vec<Connection> = (0..number).map(|_| server.connect()).collect();
    let started = Instant::now();
    for connection in &mut connections {
        connection.send(&request).expect("sent");
    }
    for connection in &mut connections {
        let response = connection.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 200);
    }
    started.elapsed()
}

pub(super) fn pool_waits_together(subject: &Subject) {
    let _alone = alone();
    let server = Launch::of(subject).threads(8).start();
    let took = time_all(&server, 8, "/write?ms=1000");
    let most = Duration::from_millis(1900);
    assert!(took < most, "8 waits of 1 s on 8 threads took {took:?}");
}

pub(super) fn hundred_waits_overlap(subject: &Subject) {
    let _alone = alone();
    let server = Launch::of(subject).start();
    let took = time_all(&server, 100, "/write?ms=200");
    let most = Duration::from_secs(5);
    assert!(took < most, "100 waits of 200 ms took {took:?}");
}
