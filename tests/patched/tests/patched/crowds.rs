//! Waits that end only when all are in them: one that held the thread would wait for ever.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use crate::{ask, asked, coroutine, told};

const MANY: usize = 100;

/// Everybody waits for everybody else.
fn meets(route: &str) {
    let server = coroutine().env("MANY", &MANY.to_string()).start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, route)).collect();
    for client in &mut clients {
        assert_eq!(told(client), "all\n");
    }
    assert_eq!(asked(&server, "/"), "hello\n");
}

#[test]
fn meets_at_a_barrier() {
    meets("/crowd/barrier");
}

#[test]
fn meets_by_a_condition_variable() {
    meets("/crowd/condvar");
}

#[test]
fn meets_by_a_condition_variable_of_parking_lot() {
    meets("/crowd/parking-lot");
}

#[test]
fn meets_by_a_condition_variable_of_c() {
    meets("/pthreads/condvar");
}

#[test]
fn meets_in_runtimes_of_their_own() {
    meets("/crowd/block-on");
}

#[test]
fn finds_its_thread_locals_again() {
    meets("/crowd/thread-local");
}

/// An upstream that answers when all have asked, the last one first.
#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
    let address = listener.local_addr().expect("its address").to_string();
    (listener, address)
}

fn question(stream: &TcpStream) -> String {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next().expect("a question").expect("a question");
    if first.starts_with("GET ") {
        while lines.next().is_some_and(|line| !line.expect("a field").is_empty()) {}
    }
    first
}

/// All questions, once all were asked.
fn questions(listener: &TcpListener) -> Vec<(TcpStream, String)> {
    let streams = (0..MANY).map(|_| listener.accept().expect("a connection").0);
    streams.map(|stream| (question(&stream), stream)).map(|(text, stream)| (stream, text)).collect()
}

fn fetches(route: &str, head: &str) {
    let (listener, address) = listener();
    let server = coroutine().env("UPSTREAM", &address).start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, route)).collect();
    for (mut stream, _) in questions(&listener).into_iter().rev() {
        stream.write_all(format!("{head}word").as_bytes()).expect("an answer");
    }
    for client in &mut clients {
        assert_eq!(told(client), "word\n");
    }
}

#[test]
fn fetches_by_the_standard_library() {
    fetches("/sockets/fetch", "");
}

#[test]
fn fetches_by_ureq() {
    fetches("/sockets/ureq", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n");
}

#[test]
fn fetches_in_runtimes_of_their_own() {
    fetches("/sockets/block-on", "");
}

#[test]
fn fetches_after_poll() {
    fetches("/sockets/poll", "");
}

#[test]
fn fetches_after_select() {
    fetches("/sockets/select", "");
}

#[test]
fn each_is_woken_by_its_own_thread() {
    let (listener, address) = listener();
    let server = coroutine().env("UPSTREAM", &address).start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, "/locks/park")).collect();
    for (mut stream, number) in questions(&listener).into_iter().rev() {
        stream.write_all(format!("for {number}").as_bytes()).expect("an answer");
    }
    for client in &mut clients {
        let text = told(client);
        let (number, word) = text.trim().split_once(' ').expect("two words");
        assert_eq!(word, format!("for {number}"));
    }
}
