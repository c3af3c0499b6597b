//! Stopping. Gracefully: whatever a client has sent is answered, and whoever is kept waiting for
//! nothing is told to go. Quickly: nobody is waited for.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::Subject;
use super::kept::kept_connection;
use crate::client::{After, Asked, Connection, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Server};
use crate::load::{Load, Plan};

/// An application that answers at once, whose connections every class keeps, and one that waits.
pub(super) const TARGETS: [&str; 2] = ["/", "/read?ms=5"];

/// Clients of both kinds, at work until they are stopped.
pub(super) fn mixed(target: &str) -> Plan {
    Plan { keep_alive: 3, per_request: 2, target: target.to_owned(), at_most: 1_000_000 }
}

#[track_caller]
pub(super) fn assert_exits_cleanly(server: &mut Server, deadline: Deadline) {
    let status = server.wait_exit(deadline);
    assert_eq!(status.code(), Some(0), "{status}");
    server.wait_for_line("Shutting down: Master");
}

pub(super) fn term_under_load(subject: &Subject) {
    for target in TARGETS {
        let mut server = Launch::of(subject).workers(2).start();
        let load = Load::start(server.address(), &mixed(target));
        load.wait_for_answers(50);
        load.shut_gate(|| server.signal(Signal::SIGTERM));
        // Who has a connection goes on using it until told otherwise.
        load.join().assert_nothing_lost();
        assert_exits_cleanly(&mut server, Deadline::seconds(20));
        server.wait_for_line("Handling signal: term");
    }
}

pub(super) fn term_answers_the_queue(subject: &Subject) {
    let mut server = Launch::of(subject).start();
    let request = Request::get("/write?ms=100").bytes();
    let mut connections: Vec<Connection> = (0..8).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.send(&request).expect("sent");
    }
    server.signal(Signal::SIGTERM);
    for connection in &mut connections {
        let response = connection.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 200);
    }
    assert_exits_cleanly(&mut server, Deadline::seconds(20));
}

pub(super) fn term_answers_an_idle_connection(subject: &Subject) {
    let mut server = Launch::of(subject).args(["--keepalive-grace", "4"]).start();
    let mut silent = kept_connection(subject, &server);
    let mut idle = kept_connection(subject, &server);
    server.signal(Signal::SIGTERM);
    // Whoever still has something to ask is answered, and told; nothing shows when the worker has
    // learnt of the signal but that it tells.
    let deadline = Deadline::seconds(10);
    loop {
        let response = idle.get("/").expect("an answer within the grace");
        assert_eq!(response.status, 200);
        if response.after() == After::Close {
            break;
        }
        assert!(deadline.remaining().is_some(), "it never says goodbye");
    }
    idle.expect_end().expect("the end that was announced");
    // Whoever has nothing to ask is not waited for much longer.
    silent.expect_end().expect("the end, and not a word");
    assert_exits_cleanly(&mut server, Deadline::seconds(10));
}

/// How long a quick stop may take: a second for the workers, the rest for a slow machine.
const QUICK: Duration = Duration::from_secs(4);

pub(super) fn int_is_quick(subject: &Subject) {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = Launch::of(subject).workers(2).start();
        let mut waiting = server.connect();
        waiting.send(&Request::get("/write?ms=30000").bytes()).expect("sent");
        server.signal(signal);
        assert_exits_cleanly(&mut server, Deadline::after(QUICK));
    }
}

pub(super) fn second_signal_makes_it_quick(subject: &Subject) {
    let mut server = Launch::of(subject).start();
    let mut waiting = kept_connection(subject, &server);
    waiting.send(&Request::get("/write?ms=30000").bytes()).expect("sent");
    server.signal(Signal::SIGTERM);
    server.wait_for_line("Handling signal: term");
    server.signal(Signal::SIGINT);
    assert_exits_cleanly(&mut server, Deadline::after(QUICK));
}
