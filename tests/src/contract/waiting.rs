//! Handlers that wait, which is what the classes differ in. Each of them asks a server that answers
//! nobody before all have called: whoever serves one after the other waits for ever.

use std::net::TcpStream;

use super::Subject;
use super::timeouts::Upstream;
use crate::client::{Asked, Connection, Request};
use crate::harness::Launch;

/// Has so many handlers wait at the same time.
#[track_caller]
fn wait_together(launch: Launch, number: usize) {
    let upstream = Upstream::listen();
    let server = launch.env("OXICORN_DEMO_UPSTREAM", &upstream.address()).start();
    let request = Request::get(&upstream.target()).bytes();
    let mut connections: Vec<Connection> = (0..number).map(|_| server.connect()).collect();
    for connection in &mut connections {
        connection.send(&request).expect("sent");
    }
    let callers: Vec<TcpStream> = (0..number).map(|_| upstream.caller()).collect();
    callers.into_iter().for_each(Upstream::hang_up);
    for connection in &mut connections {
        let response = connection.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 502);
    }
}

pub(super) fn pool_waits_together(subject: &Subject) {
    wait_together(Launch::of(subject).threads(8), 8);
}

pub(super) fn hundred_waits_overlap(subject: &Subject) {
    wait_together(Launch::of(subject), 100);
}
