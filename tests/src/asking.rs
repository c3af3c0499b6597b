//! One question to a server, in two halves: between them a test may ask others, or let time pass.

use crate::client::{Asked, Connection, Request};
use crate::harness::Server;

/// Sends a request whose answer may be the last.
///
/// # Panics
/// It cannot be sent.
#[track_caller]
pub fn ask(server: &Server, target: &str) -> Connection {
    let mut connection = server.connect();
    let request = Request::get(target).header("Connection", "close");
    connection.send(&request.bytes()).expect("the request");
    connection
}

/// The text of the answer, which is a 200.
///
/// # Panics
/// It is not.
#[track_caller]
pub fn told(connection: &mut Connection) -> String {
    let response = connection.receive(Asked::ForAll).expect("a response");
    assert_eq!(response.status, 200);
    response.text()
}

/// Both.
///
/// # Panics
/// Those of [`told`].
#[track_caller]
pub fn asked(server: &Server, target: &str) -> String {
    told(&mut ask(server, target))
}
