//! The echo, as a route of the demo and as an application of its own.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::bytes::Bytes;
use oxicorn_core::app::{Arrival, ConnectionInfo, with_arrival};
use oxicorn_core::listener::{LocalAddress, Peer};
use oxicorn_core::{Application, Body, Request, Scheme};
use serde_json::{Value, json};

use super::{answer, demo, request};
use crate::demo::echo;

fn echoed(app: &Application, request: impl Fn() -> Request) -> Value {
    let answer = answer(app, request);
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).unwrap()
}

const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn the_echo_tells_what_it_has_seen() {
    let request = || {
        let mut request = request("PUT", "/echo/a%20b?c=%zz");
        let headers = request.headers_mut();
        for (name, value) in [("X-B", &b"1"[..]), ("X-A", b"\xff"), ("x-b", b"\"2\\")] {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, http::HeaderValue::from_bytes(value).unwrap());
        }
        *request.body_mut() = Body::from("abc");
        request
    };
    let answer = answer(&demo(), request);
    assert_eq!(answer.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    let expected = json!({
        "method": "PUT",
        "target": "/echo/a%20b?c=%zz",
        "version": "HTTP/1.1",
        "headers": [["x-b", "1"], ["x-b", "\"2\\"], ["x-a", "\\xFF"]],
        "body_len": 3,
        "body_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    });
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), expected);
    assert!(answer.text().starts_with("{\"method\":") && answer.text().ends_with("\"}\n"));
}

#[test]
fn the_echo_application_takes_every_method_and_target_as_received() {
    let app = echo::application();
    for (method, target) in [
        ("GET", "/"),
        ("OPTIONS", "*"),
        ("GET", "http://Host:80/a?b"),
        ("CONNECT", "host:443"),
        ("BREW", "/panic"),
    ] {
        let received = || {
            let arrival = Arrival {
                target: Bytes::from_static(target.as_bytes()),
                scheme: Scheme::Http,
                connection: Arc::new(ConnectionInfo::accepted(
                    Peer::Unix,
                    LocalAddress::Abstract(String::new()),
                )),
                made_id: std::sync::OnceLock::new(),
            };
            let (head, body) = request(method, target).into_parts();
            Request::from_parts(head, with_arrival(body, arrival))
        };
        let seen = echoed(&app, received);
        assert_eq!((&seen["method"], &seen["target"]), (&json!(method), &json!(target)));
        assert_eq!((&seen["body_len"], &seen["body_sha256"]), (&json!(0), &json!(NOTHING)));
        let parsed = echoed(&app, || request(method, target));
        assert_eq!(parsed["method"], method);
    }
}

/// A piece of a body that knows how many of its kind there are.
struct Piece(Arc<AtomicUsize>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &[b'x'; 64 * 1024]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn a_large_body_is_read_without_being_kept() {
    let alive = Arc::new(AtomicUsize::new(0));
    let large = || {
        let alive = Arc::clone(&alive);
        let piece = move |_| {
            assert_eq!(alive.fetch_add(1, Ordering::Relaxed), 0, "an earlier piece is kept");
            Ok(Bytes::from_owner(Piece(Arc::clone(&alive))))
        };
        let mut request = request("POST", "/echo");
        *request.body_mut() = Body::from_chunks((0..1024).map(piece));
        request
    };
    assert_eq!(echoed(&demo(), large)["body_len"], 64 << 20);
}

#[test]
fn a_body_that_breaks_off_is_a_bad_request() {
    let broken = || {
        let cut = io::Error::new(io::ErrorKind::UnexpectedEof, "cut short");
        let mut request = request("POST", "/echo");
        *request.body_mut() = Body::from_chunks([Ok(Bytes::from_static(b"ab")), Err(cut)]);
        request
    };
    let answer = answer(&demo(), broken);
    let line = "the request body could not be read: cut short\n";
    assert_eq!((answer.status, answer.text()), (400, line));
}
