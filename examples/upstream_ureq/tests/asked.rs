//! Both programs, with an upstream that answers only when it has been asked as often as there are clients.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread::Builder;

use oxicorn_tests::{Asked, Launch, Request, Serving, Subject};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";

/// Answers groups of so many at once; whoever asks one after the other waits for ever.
#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn upstream(group: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
    let address = listener.local_addr().expect("its address");
    let serve = move || {
        let mut asked: Vec<TcpStream> = Vec::new();
        for connection in listener.incoming().flatten() {
            let head = BufReader::new(&connection).lines().map_while(Result::ok);
            head.take_while(|line| !line.is_empty()).for_each(drop);
            asked.push(connection);
            if asked.len() == group {
                asked.drain(..).for_each(|mut asked| asked.write_all(ANSWER).expect("a client"));
            }
        }
    };
    Builder::new().name("upstream".to_owned()).spawn(serve).expect("a thread");
    address
}

/// One worker answers `group` clients whose answers need all of them.
fn asks(program: &str, class: &str, serving: Serving, group: usize) {
    let subject =
        Subject { binary: PathBuf::from(program), class: class.to_owned(), serving, hosted: None };
    let address = upstream(group).to_string();
    let mut launch = Launch::of(&subject).env("OXICORN_DEMO_UPSTREAM", &address);
    if serving == Serving::Threads {
        launch = launch.threads(u32::try_from(group).expect("a few"));
    }
    let server = launch.start();
    let request = Request::get("/upstream").header("Connection", "close").bytes();
    let mut clients: Vec<_> = (0..group).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(&request).expect("the request"));
    for client in &mut clients {
        let answer = client.receive(Asked::ForAll).expect("a response");
        assert_eq!((answer.status, answer.text().as_str()), (200, "the upstream says: ok\n"));
    }
}

const UREQ: &str = env!("CARGO_BIN_EXE_example-upstream-ureq");
const REQWEST: &str = env!("CARGO_BIN_EXE_example-upstream-reqwest");

#[test]
fn a_process_asks_once_at_a_time() {
    asks(UREQ, "sync", Serving::Inline, 1);
}

#[test]
fn threads_ask_at_once() {
    asks(UREQ, "threaded", Serving::Threads, 100);
}

#[test]
fn coroutines_ask_at_once() {
    asks(UREQ, "coroutine", Serving::Many, 100);
}

#[test]
fn blocking_threads_of_tokio_ask_at_once() {
    asks(UREQ, "tokio", Serving::Many, 100);
}

#[test]
fn an_asynchronous_handler_asks_at_once() {
    asks(REQWEST, "tokio", Serving::Many, 100);
}
