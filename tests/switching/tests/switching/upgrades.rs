//! Requests that ask for another protocol, and get it, or do not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use oxicorn_tests::{Asked, Deadline, Request, Server, Signal};
use tokio_tungstenite::tungstenite::Message;

use super::client::run;
use super::{address, launch, socket};

fn asking(target: &str) -> Request {
    Request::get(target).header("Connection", "keep-alive, Upgrade").header("Upgrade", "shout")
}

/// A connection that was taken over: behind the greeting of the application.
fn shouting(server: &Server) -> BufReader<TcpStream> {
    let mut socket = socket(server);
    socket.write_all(&asking("/shout").bytes()).expect("sent");
    let mut reader = BufReader::new(socket);
    assert_eq!(line(&mut reader), "HTTP/1.1 101 Switching Protocols\r\n");
    while line(&mut reader) != "\r\n" {}
    assert!(line(&mut reader).starts_with("hello 127.0.0.1"));
    reader
}

fn line(reader: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    line
}

fn say(reader: &mut BufReader<TcpStream>, words: &str) -> String {
    reader.get_mut().write_all(format!("{words}\n").as_bytes()).expect("sent");
    line(reader)
}

#[test]
fn bytes_go_both_ways() {
    let server = launch().start();
    let mut reader = shouting(&server);
    assert_eq!(say(&mut reader, "hello"), "HELLO\n");
    assert_eq!(say(&mut reader, "GET / HTTP/1.1"), "GET / HTTP/1.1\n", "not a request any more");
    server.wait_for_accesses("\"GET /shout HTTP/1.1\" 101 ", 1);
    drop(reader);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn what_was_sent_too_early_is_the_applications() {
    let server = launch().start();
    let mut socket = socket(&server);
    let early = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &asking("/shout").bytes()[..], b"early\n"];
    socket.write_all(&early.concat()).expect("sent");
    let mut reader = BufReader::new(socket);
    let mut all = String::new();
    while !all.ends_with("EARLY\n") {
        let line = line(&mut reader);
        assert!(!line.is_empty(), "{all}");
        all += &line;
    }
    let places = ["HTTP/1.1 200 ", "Hello, world!\n", "HTTP/1.1 101 ", "\r\n\r\nhello 127"];
    let places = places.map(|text| all.find(text).unwrap_or_else(|| panic!("{text}: {all}")));
    assert!(places.is_sorted(), "{all}");
}

#[test]
fn a_websocket() {
    let server = launch().start();
    run(async {
        let stream = tokio::net::TcpStream::connect(address(&server)).await.expect("connected");
        let handshake = tokio_tungstenite::client_async("ws://suite/socket", stream);
        let (mut socket, response) = handshake.await.expect("a handshake");
        assert_eq!(response.status(), 101);
        for message in [Message::text("hi"), Message::binary(vec![7; 200_000])] {
            socket.send(message.clone()).await.expect("sent");
            assert_eq!(socket.next().await.expect("an echo").expect("a message"), message);
        }
        socket.close(None).await.expect("closed");
        while let Some(Ok(_)) = socket.next().await {}
    });
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn without_an_answer_of_101_nothing_has_happened() {
    let server = launch().start();
    let mut client = server.connect();
    for _ in 0..2 {
        let answer = client.exchange(&asking("/")).expect("an answer");
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello, world!\n"));
        assert_eq!(client.get("/fields").expect("the next one").status, 200);
    }
    let both = [asking("/").bytes(), Request::get("/healthz").bytes()].concat();
    client.send(&both).expect("sent");
    assert_eq!(client.receive(Asked::ForAll).expect("one").text(), "Hello, world!\n");
    assert_eq!(client.receive(Asked::ForAll).expect("the other").text(), "ok\n");
}

#[test]
fn h2c_is_not_offered() {
    let server = launch().start();
    let request = Request::get("/")
        .header("Connection", "Upgrade, HTTP2-Settings")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABkAAQAAP__");
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.exchange(&request).expect("an answer").text(), "Hello, world!\n");
    }
}

#[test]
fn who_takes_it_and_does_not_use_it_has_closed_it() {
    let server = launch().start();
    let mut client = server.connect();
    client.send(&asking("/dropped").bytes()).expect("sent");
    assert_eq!(client.receive_interim().expect("a response"), 101);
    client.expect_end().expect("the end");
}

#[test]
fn it_is_a_connection_and_no_request() {
    let server = launch().args(["--timeout", "2", "--worker-connections", "2"]).start();
    let worker = server.worker();
    let mut one = shouting(&server);
    let mut two = shouting(&server);
    // There is no room for a third one, and neither of the two is idle.
    let mut third = server.connect();
    third.send(&Request::get("/").bytes()).expect("sent");
    server.wait_for_accesses(" 101 ", 2);
    let longer_than_the_timeout = Deadline::after(Duration::from_millis(2500));
    while longer_than_the_timeout.remaining().is_some() {
        assert_eq!(say(&mut one, "a"), "A\n");
        assert_eq!(say(&mut two, "b"), "B\n");
    }
    assert!(!third.has_ended());
    drop(two);
    assert_eq!(third.receive(Asked::ForAll).expect("there is room").status, 200);
    assert_eq!(say(&mut one, "still here"), "STILL HERE\n");
    assert_eq!(server.error_log().count("TIMEOUT"), 0);
    assert_eq!(server.worker(), worker);
}

#[test]
fn a_worker_that_leaves_waits_for_it_until_the_graceful_timeout() {
    let mut server = launch().args(["--graceful-timeout", "2"]).start();
    let mut reader = shouting(&server);
    server.signal(Signal::SIGTERM);
    server.wait_for_line("Handling signal: term");
    assert_eq!(say(&mut reader, "wait"), "WAIT\n");
    let mut rest = Vec::new();
    let _ = reader.read_to_end(&mut rest);
    assert!(rest.is_empty());
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn a_worker_leaves_when_it_is_closed() {
    let mut server = launch().args(["--graceful-timeout", "60"]).start();
    let mut reader = shouting(&server);
    server.signal(Signal::SIGTERM);
    server.wait_for_line("Handling signal: term");
    assert_eq!(say(&mut reader, "bye"), "BYE\n");
    drop(reader);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}
