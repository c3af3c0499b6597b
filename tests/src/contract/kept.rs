//! Connections that are kept. A class that serves inline gives a connection up, with an
//! announcement, when the application has lately been slow, and on a loaded machine even `hello` is
//! slow at times; for such a class these helpers try again, and every other class gets one try.

use super::{Serving, Subject};
use crate::client::{After, Connection};
use crate::harness::Server;

/// How often a class that serves inline may give up a connection before it counts as never keeping.
const TRIES: usize = 400;

fn tries(subject: &Subject) -> usize {
    match subject.serving {
        Serving::Inline => TRIES,
        Serving::Threads | Serving::Many => 1,
    }
}

/// Tries something that needs a kept connection, on a new one each time; it says how far it came
/// when the server has announced that it closes.
///
/// # Panics
/// When no connection was kept.
#[track_caller]
pub(super) fn on_one_connection<T>(
    subject: &Subject,
    server: &Server,
    mut attempt: impl FnMut(Connection) -> Result<T, String>,
) -> T {
    let mut closed = String::new();
    for _ in 0..tries(subject) {
        match attempt(server.connect()) {
            Ok(done) => return done,
            Err(how_far) => closed = how_far,
        }
    }
    panic!("the connection was not kept: {closed}");
}

/// A connection on which one request has been answered, and which the server keeps.
///
/// # Panics
/// When there is none to be had.
#[track_caller]
pub(super) fn kept_connection(subject: &Subject, server: &Server) -> Connection {
    on_one_connection(subject, server, |mut connection| {
        let response = connection.get("/").expect("hello");
        match response.after() {
            After::Keep => Ok(connection),
            After::Close => Err(format!("closed after {response:?}")),
        }
    })
}
