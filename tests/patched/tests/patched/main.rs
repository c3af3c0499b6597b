//! Ordinary blocking code under `-k coroutine`, where all handlers of a worker are on one thread; and,
//! for what it gives, under the class whose handlers have threads.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod alike;
mod crowds;
mod mix;
mod overdue;
mod settings;
mod waits;

use oxicorn_tests::{Asked, Connection, Launch, Request, Server, Serving, Subject};

fn subject(class: &str, serving: Serving) -> Subject {
    let binary = env!("CARGO_BIN_EXE_patched").into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

fn coroutine() -> Launch {
    Launch::of(&subject("coroutine", Serving::Many))
}

/// A request whose answer may be the last.
fn ask(server: &Server, target: &str) -> Connection {
    let mut connection = server.connect();
    let request = Request::get(target).header("Connection", "close");
    connection.send(&request.bytes()).expect("the request");
    connection
}

#[track_caller]
fn told(connection: &mut Connection) -> String {
    let response = connection.receive(Asked::ForAll).expect("a response");
    assert_eq!(response.status, 200);
    response.text()
}

#[track_caller]
fn asked(server: &Server, target: &str) -> String {
    told(&mut ask(server, target))
}
