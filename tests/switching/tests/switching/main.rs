//! HTTP/2 and upgrades, in the one class that has them, seen from outside: by a client of HTTP/2, by
//! one of WebSockets, and by sockets that send what no client would.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "panicking is how a test reports"
)]

mod abuse;
mod bodies;
mod client;
mod greeting;
mod leaving;
mod smuggling;
mod streams;
mod upgrades;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use oxicorn_tests::{Address, Launch, Server, Serving, Subject};

/// How long anything may take that a test waits for.
const PATIENT: Duration = Duration::from_secs(30);

fn subject(class: &str, serving: Serving) -> Subject {
    let binary = env!("CARGO_BIN_EXE_switching").into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

fn launch() -> Launch {
    Launch::of(&subject("tokio", Serving::Many))
}

fn address(server: &Server) -> SocketAddr {
    match server.address() {
        Address::Tcp(address) => *address,
        Address::Unix(path) => panic!("{}", path.display()),
    }
}

/// A socket whose reads end.
fn socket(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(address(server)).expect("a connection");
    socket.set_read_timeout(Some(PATIENT)).expect("a time limit");
    socket
}
