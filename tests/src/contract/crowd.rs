//! Many connections at once.

use std::time::Instant;

use nix::sys::signal::Signal;

use super::Subject;
use crate::client::{After, Asked, Connection, Request};
use crate::harness::{Launch, Server, alone};
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

/// Four workers that serve one request at a time, a handler that waits for 300 ms: 13 requests a
/// second, if no worker ever has two connections while another has none. With keep-alive as usual it
/// is 3: one worker takes the connections and serves them one after the other.
pub(super) fn workers_share_the_load(subject: &Subject) {
    let _alone = alone();
    let server = Launch::of(subject).workers(4).start();
    for connections in [4, 8, 32] {
        // Who shares badly does so every time; the machine is busy with something else only now and
        // then.
        let mut best = 0.0_f64;
        for _ in 0..3 {
            best = best.max(rate_of_writes(&server, connections));
            if best >= AT_LEAST {
                break;
            }
        }
        assert!(
            best >= AT_LEAST,
            "{connections} connections: {best:.1} requests a second at best, not {AT_LEAST}"
        );
    }
}

/// Clients that come all at once to a worker whose core is used up by as many others. It takes them
/// between the requests that it has: if it took one after each round of those, the last would wait for
/// as many rounds.
pub(super) fn newcomers_do_not_wait_for_rounds(subject: &Subject) {
    const CLIENTS: usize = 48;
    const ROUNDS: usize = 8;
    let server = Launch::of(subject).start();
    let plan = Plan {
        keep_alive: CLIENTS,
        per_request: 0,
        target: "/cpu?ms=2".to_owned(),
        at_most: u64::MAX,
    };
    let load = Load::start(server.address(), &plan);
    load.wait_for_answers(4 * CLIENTS as u64);
    // Everybody is there before the worker can do anything.
    let worker = server.worker();
    worker.signal(Signal::SIGSTOP);
    let request = Request::get("/bytes?n=1").bytes();
    let newcomers: Vec<Connection> = (0..CLIENTS)
        .map(|_| {
            let mut newcomer = server.connect();
            newcomer.send(&request).expect("sent");
            newcomer
        })
        .collect();
    worker.signal(Signal::SIGCONT);
    for mut newcomer in newcomers {
        assert_eq!(newcomer.receive(Asked::ForAll).expect("an answer").status, 200);
    }
    load.stop().assert_nothing_lost();

    // The log says who was answered when, however late this test came to read it.
    server.wait_for_accesses("/bytes?n=1", CLIENTS);
    let lines = server.wait_for_accesses("GET /", CLIENTS);
    let is_newcomers = |line: &String| line.contains("/bytes?n=1");
    let first = lines.iter().position(is_newcomers).expect("a newcomer");
    let last = lines.iter().rposition(is_newcomers).expect("a newcomer");
    let others = last + 1 - first - CLIENTS;
    assert!(
        others <= ROUNDS * CLIENTS,
        "{others} requests of {CLIENTS} others were answered between the first newcomer's and the last's"
    );
}

/// Of the 13.3 a second that four workers could do at best; three could do 10.
const AT_LEAST: f64 = 10.2;

/// Requests a second, when so many clients send 64 between them.
#[track_caller]
fn rate_of_writes(server: &Server, connections: usize) -> f64 {
    let plan = Plan {
        keep_alive: connections,
        per_request: 0,
        target: "/write?ms=300".to_owned(),
        at_most: (64 / connections) as u64,
    };
    let started = Instant::now();
    let tally = Load::start(server.address(), &plan).join();
    let took = started.elapsed();
    tally.assert_nothing_lost();
    tally.ok as f64 / took.as_secs_f64()
}
