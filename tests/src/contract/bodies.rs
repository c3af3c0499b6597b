//! Bodies, in every framing and both ways, small and larger than the server may hold in memory.

use sha2::{Digest, Sha256};

use super::Subject;
use super::methods::echoed;
use crate::client::{After, Asked, ClientError, Framing, Request, Response, Version};
use crate::harness::{Launch, Server, alone};

/// Bytes that do not repeat soon, so that a piece which is lost or doubled changes the digest.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn assert_arrived(response: &Response, body: &[u8]) {
    let echo = echoed(response);
    assert_eq!(echo["body_len"], body.len());
    assert_eq!(echo["body_sha256"], hex(Sha256::digest(body)).as_str());
}

pub(super) fn content_length_body(subject: &Subject) {
    let server = Launch::of(subject).start();
    for length in [0, 1, 4096, 100_000, 3_000_000] {
        let body = noise(length);
        let response = server.ask(&Request::new("POST", "/echo").body(body.clone()));
        assert_arrived(&response, &body);
    }
}

pub(super) fn chunked_request(subject: &Subject) {
    let server = Launch::of(subject).start();
    let pieces: Vec<Vec<u8>> = [1, 10, 1000, 65_537, 2].map(noise).into();
    let request = Request::new("PUT", "/echo/chunks").chunks(pieces.clone());
    assert_arrived(&server.ask(&request), &pieces.concat());

    // Trailers belong to the request: what stands behind them is the next one, and nothing else.
    let mut connection = server.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: suite\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = "5\r\nhello\r\n0\r\nX-Check: 1\r\n\r\n";
    let next = "GET /echo/next HTTP/1.1\r\nHost: suite\r\n\r\n";
    let bytes = format!("{head}{body}{next}");
    connection.send(bytes.as_bytes()).expect("sent");
    let first = connection.receive(Asked::ForAll).expect("the first");
    assert_arrived(&first, b"hello");
    if first.after() == After::Keep {
        let second = connection.receive(Asked::ForAll).expect("the second");
        assert_eq!(echoed(&second)["target"], "/echo/next");
    }
}

pub(super) fn trailers(subject: &Subject) {
    // Read before the handler starts, and while it runs.
    for ahead in ["1M", "0"] {
        let server = Launch::of(subject).args(["--body-buffer-size", ahead]).start();
        let mut connection = server.connect();
        let head = "POST /echo HTTP/1.1\r\nHost: suite\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = "5\r\nhello\r\n0\r\nX-Check: 1\r\nServer-Timing: a\r\nX-Check: 2\r\n\r\n";
        connection.send(format!("{head}{body}").as_bytes()).expect("sent");
        let response = connection.receive(Asked::ForAll).expect("the answer");
        assert_arrived(&response, b"hello");
        let trailers =
            serde_json::json!([["x-check", "1"], ["x-check", "2"], ["server-timing", "a"]]);
        assert_eq!(echoed(&response)["trailers"], trailers, "body_buffer_size = {ahead}");
    }
}

pub(super) fn chunked_response(subject: &Subject) {
    let server = Launch::of(subject).start();
    let response = server.ask(&Request::get("/stream?n=25&ms=1"));
    assert_eq!((response.status, response.framing), (200, Framing::Chunked));
    assert_eq!(response.text().lines().count(), 25);

    // Who does not know chunks gets the same bytes, up to the end of the connection.
    let old = Request::get("/stream?n=25&ms=1").version(Version::Http10);
    let plain = server.ask(&old);
    assert_eq!((plain.status, plain.framing), (200, Framing::UntilClose));
    assert_eq!(plain.text(), response.text());
}

pub(super) fn expect_continue(subject: &Subject) {
    let server = Launch::of(subject).start();
    let body = noise(2000);
    let request = Request::new("POST", "/echo").header("Expect", "100-continue").body(body.clone());
    let mut connection = server.connect();
    connection.send(&request.head()).expect("the head");
    let status = connection.receive_interim().expect("leave to go on");
    assert_eq!(status, 100);
    connection.send(&body).expect("the body");
    let response = connection.receive(Asked::ForAll).expect("the response");
    assert!(response.interim.is_empty(), "leave is given once");
    assert_arrived(&response, &body);
}

pub(super) fn expect_without_reading(subject: &Subject) {
    let server = Launch::of(subject).start();
    let request =
        Request::new("POST", "/no/such/thing").header("Expect", "100-continue").body("never sent");
    let mut connection = server.connect();
    connection.send(&request.head()).expect("the head");
    let response = connection.receive(Asked::ForAll).expect("the response");
    assert_eq!(response.status, 404);
    assert!(response.interim.is_empty(), "nobody has read the body");
}

pub(super) fn body_cut_short(subject: &Subject) {
    let server = Launch::of(subject).start();
    let by_length = Request::new("POST", "/echo").body(noise(100)).bytes();
    let in_chunks = Request::new("POST", "/echo").chunks([noise(100)]).bytes();
    for bytes in [by_length, in_chunks] {
        let mut connection = server.connect();
        connection.send(&bytes[..bytes.len() - 30]).expect("sent");
        connection.finish_sending().expect("the end of the request");
        match connection.receive(Asked::ForAll) {
            Ok(response) => assert_eq!(response.status, 400, "{}", response.text()),
            Err(ClientError::Closed) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(server.get("/").status, 200, "the worker goes on");
}

const MIB: u64 = 1024 * 1024;
const LARGE: u64 = 64 * MIB;
/// How much more memory than before a worker may have used for one large body.
const MAY_GROW: u64 = 24 * MIB;

/// Does something large, and sees how much memory it costs the worker.
#[track_caller]
fn measure_growth(server: &Server, large: impl FnOnce()) {
    let worker = server.worker();
    let before = worker.peak_memory().expect("the worker runs");
    large();
    let after = worker.peak_memory().expect("the worker still runs");
    let grown = after.saturating_sub(before);
    assert!(grown < MAY_GROW, "the worker has grown by {grown} bytes, from {before} to {after}");
}

pub(super) fn large_upload(subject: &Subject) {
    let _alone = alone();
    let server = Launch::of(subject).start();
    let piece = noise(1 << 20);
    let length = LARGE.to_string();
    let head = Request::new("POST", "/echo").header("Content-Length", &length);
    let mut digest = Sha256::new();
    measure_growth(&server, || {
        let mut connection = server.connect();
        connection.send(&head.head()).expect("the head");
        for _ in 0..LARGE / MIB {
            digest.update(&piece);
            connection.send(&piece).expect("a piece of the body");
        }
        let echo = echoed(&connection.receive(Asked::ForAll).expect("the response"));
        assert_eq!(echo["body_len"], LARGE);
        assert_eq!(echo["body_sha256"], hex(digest.finalize()).as_str());
    });
}

pub(super) fn large_download(subject: &Subject) {
    let _alone = alone();
    let server = Launch::of(subject).start();
    measure_growth(&server, || {
        let mut connection = server.connect();
        let request = Request::get(&format!("/bytes?n={LARGE}"));
        connection.send(&request.bytes()).expect("the request");
        let mut received = 0;
        let mut count = |piece: &[u8]| received += piece.len() as u64;
        let response = connection.receive_into(Asked::ForAll, &mut count);
        assert_eq!(response.expect("the response").status, 200);
        assert_eq!(received, LARGE);
    });
}
