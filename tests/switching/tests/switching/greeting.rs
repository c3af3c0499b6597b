//! The first bytes of a connection: which protocol it is, and who is not heard.

use std::io::{Read, Write};

use oxicorn_tests::{Asked, Launch, Serving};

use super::client::{Client, run};
use super::{launch, socket, subject};

const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty frame of settings, and its acknowledgement.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

#[test]
fn other_classes_refuse_it() {
    for (class, serving) in
        [("sync", Serving::Inline), ("threaded", Serving::Threads), ("coroutine", Serving::Many)]
    {
        let server = Launch::of(&subject(class, serving)).start();
        let mut client = server.connect();
        client.send(GREETING).expect("sent");
        assert_eq!(client.receive(Asked::ForAll).expect("a refusal").status, 505, "{class}");
    }
}

#[test]
fn it_may_come_byte_by_byte() {
    let server = launch().start();
    let mut socket = socket(&server);
    for byte in [GREETING, SETTINGS].concat() {
        socket.write_all(&[byte]).expect("sent");
    }
    let mut frame = [0; 9];
    socket.read_exact(&mut frame).expect("a frame");
    assert_eq!(frame[3], 4, "the server's settings: {frame:?}");
}

#[test]
fn what_only_looks_like_it_is_a_request() {
    let server = launch().start();
    for (target, status) in
        [("PRI /x HTTP/1.1\r\nHost: x\r\n\r\n", 404), ("PRI * HTTP/2.0\r\n\r\nXX", 505)]
    {
        let mut client = server.connect();
        client.send(target.as_bytes()).expect("sent");
        assert_eq!(client.receive(Asked::ForAll).expect("an answer").status, status, "{target}");
    }
}

#[test]
fn half_of_it_is_a_slow_head() {
    let server = launch().args(["--header-timeout", "3"]).start();
    let mut slow = server.connect();
    slow.send(&GREETING[..10]).expect("sent");
    assert_eq!(slow.receive(Asked::ForAll).expect("a refusal").status, 408);
    let mut silent = socket(&server);
    silent.write_all(GREETING).expect("sent");
    silent.write_all(SETTINGS).expect("sent");
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest);
    assert!(rest.windows(4).any(|frame| frame[3] == 7), "no stream in time: a GOAWAY");
}

#[test]
fn behind_the_announcement_of_a_proxy() {
    let server = launch().args(["--proxy-protocol", "v1"]).start();
    let mut socket = socket(&server);
    socket.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 5678 80\r\n").expect("sent");
    socket.set_nonblocking(true).expect("non-blocking");
    run(async {
        let stream = tokio::net::TcpStream::from_std(socket).expect("a stream");
        let mut client = Client::over(stream).await.expect("a connection");
        let answer = client.get("/fields").await;
        assert!(answer.text().contains("peer 192.0.2.7\n"), "{}", answer.text());
    });
    server.wait_for_accesses("192.0.2.7 - - ", 1);
}
