//! Many connections at once.

use std::time::Instant;

use super::Subject;
use crate::client::{After, Asked, Connection, Request};
use crate::harness::{Launch, alone};
use crate::load::{Load, Plan};

pub(super) fn two_hundred_connections(subject: &Subject) {
    const CONNECTIONS: usize = 200;
    let server = Launch::of(subject).workers(2).start();
    let request = Request::get("/").bytes();
    let mut connections: Vec<Connection> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    // A second round on those that are kept, so that all of them are open at the same time.
    for round in ["the first", "the second"] {
        for connection in &mut connections {
            connection.send(&request).expect("sent");
        }
        connections.retain_mut(|connection| {
            let response = connection.receive(Asked::ForAll).expect(round);
            assert_eq!(response.status, 200);
            response.after() == After::Keep
        });
    }
}

/// Four workers that serve one request at a time, a handler that waits for 50 ms: 80 requests a
/// second, if no worker ever has two connections while another has none. With keep-alive as usual it
/// is 20: one worker takes the connections and serves them one after the other.
pub(super) fn workers_share_the_load(subject: &Subject) {
    const WORKERS: u32 = 4;
    const REQUESTS: usize = 128;
    const AT_LEAST: f64 = 60.0;
    let _alone = alone();
    let server = Launch::of(subject).workers(WORKERS).start();
    for connections in [4, 8, 32] {
        let plan = Plan {
            keep_alive: connections,
            per_request: 0,
            target: "/write".to_owned(),
            at_most: (REQUESTS / connections) as u64,
        };
        let started = Instant::now();
        let tally = Load::start(server.address(), &plan).join();
        let rate = REQUESTS as f64 / started.elapsed().as_secs_f64();
        tally.assert_nothing_lost();
        assert!(
            rate >= AT_LEAST,
            "{connections} connections: {rate:.0} requests a second, not {AT_LEAST}"
        );
    }
}
