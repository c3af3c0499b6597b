//! The same blocking handler, which asks an upstream that takes 50 ms, under four classes: the table of
//! the README. Times are printed (`--no-capture`), not judged; that all are answered is.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread::Builder;
use std::time::{Duration, Instant};

use oxicorn_tests::{Asked, Launch, Request, Serving, Subject};

const TAKES: Duration = Duration::from_millis(50);
const REQUESTS: u32 = 100;
const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];

/// Answers each connection 50 ms after it was made.
#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
    let address = listener.local_addr().expect("its address");
    let (sender, connections) = channel::<(TcpStream, Instant)>();
    let accept = move || {
        for connection in listener.incoming().flatten() {
            let _ = sender.send((connection, Instant::now() + TAKES));
        }
    };
    let answer = move || {
        for (mut connection, due) in connections {
            while Instant::now() < due {
                std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
            }
            let _ = connection.write_all(b"hello");
        }
    };
    Builder::new().name("accepts".to_owned()).spawn(accept).expect("a thread");
    Builder::new().name("answers".to_owned()).spawn(answer).expect("a thread");
    address
}

/// How long it takes one worker to answer requests that come at once.
fn time(class: &str, serving: Serving, upstream: SocketAddr) -> Duration {
    let binary = env!("CARGO_BIN_EXE_example-io-bound").into();
    let subject = Subject { binary, class: class.to_owned(), serving, hosted: None };
    let server = Launch::of(&subject).env("UPSTREAM", &upstream.to_string()).start();
    let request = Request::get("/upstream").header("Connection", "close").bytes();
    let mut clients: Vec<_> = (0..REQUESTS).map(|_| server.connect()).collect();
    let started = Instant::now();
    clients.iter_mut().for_each(|client| client.send(&request).expect("the request"));
    for client in &mut clients {
        let response = client.receive(Asked::ForAll).expect("a response");
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "the upstream says: hello\n")
        );
    }
    started.elapsed()
}

#[test]
fn one_handler_in_four_classes() {
    let upstream = upstream();
    println!("| class | {REQUESTS} requests of 50 ms | requests/s |\n|---|---|---|");
    for (class, serving) in CLASSES {
        let took = time(class, serving, upstream);
        let rate = f64::from(REQUESTS) / took.as_secs_f64();
        println!("| {class} | {:.2} s | {rate:.0} |", took.as_secs_f64());
    }
}
