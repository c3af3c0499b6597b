//! Bodies both ways: as they come, as they go, and nobody faster than the other one can follow.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use oxicorn_tests::{ClientError, Request};

use crate::apps::{launch, socket};

#[test]
fn a_body_comes_in_pieces_when_it_is_large() {
    let server = launch("bodies").start();
    let large = Request::new("POST", "/pieces").body(vec![7; 5_000_000]);
    assert_eq!(server.ask(&large).text(), "many 5000000 True\n");
    let small = Request::new("POST", "/pieces").body(*b"small");
    assert_eq!(server.ask(&small).text(), "one 5 True\n");
    let chunked = Request::new("POST", "/pieces").chunks(vec![vec![1; 10_000]; 300]);
    assert_eq!(server.ask(&chunked).text(), "many 3000000 True\n");
    assert_eq!(server.get("/pieces").text(), "one 0 True\n");
}

#[test]
fn behind_the_body_comes_the_disconnect_when_the_response_is_complete() {
    let server = launch("bodies").start();
    let request = Request::new("POST", "/twice").body(*b"all");
    assert_eq!(server.ask(&request).text(), "answered\n");
    server.wait_for_accesses("behind the body: {'type': 'http.disconnect'}", 1);
}

#[test]
fn a_client_sends_no_faster_than_the_application_reads() {
    let server = launch("bodies").start();
    let body = 64 * 1024 * 1024;
    let mut socket = socket(&server);
    let head = format!("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: {body}\r\n\r\n");
    socket.write_all(head.as_bytes()).expect("a head");
    socket.set_write_timeout(Some(Duration::from_secs(1))).expect("a time limit");
    let piece = vec![0; 1024 * 1024];
    let mut sent = 0;
    while let Ok(count) = socket.write(&piece) {
        sent += count;
        assert!(sent < body, "nobody has held the client up");
    }
    server.wait_for_accesses("first piece True", 1);
    assert_eq!(server.get("/opens").text(), "open\n");
    socket.set_write_timeout(None).expect("no time limit");
    while sent < body {
        sent += socket.write(&piece[..piece.len().min(body - sent)]).expect("the rest");
    }
    let mut answer = [0; 4096];
    let count = socket.read(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.ends_with(&format!("\r\n\r\n{body}\n")), "{answer}");
}

#[test]
fn a_client_that_goes_is_noticed_while_somebody_waits_for_it() {
    let server = launch("bodies").start();
    for how in [Shutdown::Write, Shutdown::Both] {
        let mut socket = socket(&server);
        socket.write_all(b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
        server.wait_for_accesses("waits", 1);
        socket.shutdown(how).expect("an end");
        drop(socket);
    }
    server.wait_for_accesses("then {'type': 'http.disconnect'}", 2);
    server.wait_for_accesses("sent to nobody", 2);
    assert_eq!(server.error_log().count("ERROR"), 0);
}

#[test]
fn a_body_that_is_cut_short_is_a_disconnect() {
    let server = launch("bodies").start();
    let mut socket = socket(&server);
    let head = "POST /cut HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n";
    socket.write_all(head.as_bytes()).expect("a head");
    socket.write_all(&[0; 2_000_000]).expect("a part of the body");
    drop(socket);
    server.wait_for_accesses("the end is http.disconnect", 1);
    assert_eq!(server.error_log().count("ERROR"), 0);
}

#[test]
fn a_body_that_stops_coming_is_answered_and_a_disconnect() {
    let server = launch("bodies").args(["--body-timeout", "500ms"]).start();
    let mut connection = server.connect();
    let head = b"POST /cut HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
        Expect: 100-continue\r\n\r\n";
    connection.send(head).expect("a head");
    assert_eq!(connection.receive_interim().expect("a word"), 100);
    connection.send(b"5\r\nhello\r\n").expect("a part");
    let answer = connection.receive(Request::get("/").asked()).expect("an answer");
    assert_eq!(answer.status, 408);
    connection.expect_end().expect("it is closed");
    server.wait_for_accesses("the end is http.disconnect", 1);
}

#[test]
fn a_body_that_is_too_large_is_answered() {
    let server = launch("bodies").args(["--limit-request-body", "2M"]).start();
    let request = Request::new("POST", "/cut").chunks(vec![vec![1; 100_000]; 40]);
    let mut connection = server.connect();
    // It may be answered before all of it is there.
    let _ = connection.send(&request.bytes());
    assert_eq!(connection.receive(request.asked()).expect("an answer").status, 413);
}

#[test]
fn an_application_sends_no_faster_than_its_client_reads() {
    let server = launch("bodies").start();
    let mut socket = socket(&server);
    socket.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
    server.wait_for_accesses("held up True", 1);
    assert_eq!(server.get("/").status, 200, "others are served meanwhile");
    let mut got = 0;
    let mut piece = vec![0; 1024 * 1024];
    while got < 64 * 1024 * 1024 {
        got += socket.read(&mut piece).expect("a part of the response");
    }
    server.wait_for_accesses("all sent", 1);
}

#[test]
fn who_sends_to_nobody_keeps_nobody_from_the_loop_and_ends_by_its_timeout() {
    let server = launch("bodies").args(["--timeout", "3"]).start();
    let mut socket = socket(&server);
    socket.write_all(b"GET /to_nobody HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
    socket.read_exact(&mut [0; 1000]).expect("a part of the response");
    drop(socket);
    let worker = server.worker();
    server.wait_for_accesses("GET /to_nobody", 1);
    assert_eq!(server.get("/").status, 200);
    // A worker that did not give way would be silent, and killed.
    let before = server.worker().processor_time();
    oxicorn_tests::Deadline::seconds(20).until("the handler has ended", || {
        let now = server.worker().processor_time();
        let _ = server.get("/");
        server.error_log().count("silent") == 0 && now >= before
    });
    assert_eq!(server.worker(), worker);
}

#[test]
fn the_head_waits_for_the_first_piece_of_the_body() {
    let server = launch("bodies").start();
    let mut socket = socket(&server);
    socket.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").expect("a request");
    server.wait_for_accesses("started", 1);
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time limit");
    assert!(socket.read(&mut [0; 10]).is_err(), "nothing is there yet");
    assert_eq!(server.get("/opens").status, 200);
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    let mut answer = [0; 4096];
    let count = socket.read(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.contains("x-a: 1\r\n") && answer.contains("Content-Length: 5\r\n"), "{answer}");
}

#[test]
fn a_piece_may_be_anything_that_is_bytes() {
    let server = launch("bodies").start();
    assert_eq!(server.get("/kinds").text(), "bytes bytearray memoryview\n");
}

#[test]
fn a_file_is_sent_by_its_path() {
    let server = launch("bodies").start();
    let response = server.get("/path");
    assert_eq!(response.header("content-type"), Some("text/x-python"));
    assert!(response.text().starts_with("# Bodies both ways."));
    let head = server.ask(&Request::new("HEAD", "/path"));
    assert_eq!((head.status, head.text().as_str()), (200, ""));
}

#[test]
fn the_length_of_a_body_is_what_was_announced() {
    let server = launch("bodies").start();
    assert_eq!(server.get("/long").text(), "lon");
    server.wait_for_line("the response is cut at its Content-Length of 3 bytes");
    match server.connect().exchange(&Request::get("/short")) {
        Err(ClientError::Short(_)) => {}
        other => panic!("{other:?}"),
    }
    server.wait_for_line("GET /short: ");
}
