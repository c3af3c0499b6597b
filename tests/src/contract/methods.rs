//! Any method and any form of target reaches the application as it was sent (RFC 9110, section 9;
//! RFC 9112, section 3.2).

use serde_json::Value;

use super::Subject;
use crate::client::{Framing, Request, Response};
use crate::harness::Launch;

/// What the echo says that it was sent.
pub(super) fn echoed(response: &Response) -> Value {
    assert_eq!(response.status, 200, "{response:?}");
    let parsed = serde_json::from_slice(&response.body);
    parsed.unwrap_or_else(|e| panic!("the echo is no JSON ({e}): {}", response.text()))
}

pub(super) fn echo_of_every_method(subject: &Subject) {
    let server = Launch::of(subject).start();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"] {
        let target = format!("/echo/{method}?a=%20b&&c");
        let mut request =
            Request::new(method, &target).header("X-Repeated", "one").header("x-REPEATED", "two");
        let body = match method {
            "POST" | "PUT" | "PATCH" | "REPORT" => "some bytes",
            _ => "",
        };
        if !body.is_empty() {
            request = request.body(body);
        }
        let echo = echoed(&server.ask(&request));
        assert_eq!(echo["method"], method);
        assert_eq!(echo["target"], target.as_str());
        assert_eq!(echo["body_len"], body.len());
        let version = echo["version"].to_string();
        assert!(version.contains("1.1"), "{version}");
        let headers = echo["headers"].as_array().expect("a list of headers");
        let repeated = headers.iter().filter(|header| header[0] == "x-repeated");
        let values: Vec<&Value> = repeated.map(|header| &header[1]).collect();
        assert_eq!(values, ["one", "two"], "{method}: {headers:?}");
    }
}

pub(super) fn head_has_no_body(subject: &Subject) {
    let server = Launch::of(subject).start();
    for target in ["/", "/echo/x", "/stream?n=3&ms=1"] {
        let mut connection = server.connect();
        let request = Request::new("HEAD", target).header("Connection", "close");
        let response = connection.exchange(&request).expect("a head");
        assert_eq!((response.status, response.framing), (200, Framing::None));
        // A body would be found here.
        connection.expect_end().expect("nothing behind the head");
        if target == "/" {
            assert_eq!(response.header("Content-Length"), Some("14"));
        }
    }
}

pub(super) fn echo_application(subject: &Subject) {
    let server = Launch::of(subject).app("echo").start();
    for (method, target) in [
        ("GET", "/"),
        ("POST", "/any/where?x"),
        ("OPTIONS", "*"),
        ("GET", "http://suite/absolute?form"),
    ] {
        let echo = echoed(&server.ask(&Request::new(method, target)));
        assert_eq!(echo["method"], method);
        assert_eq!(echo["target"], target);
    }
}
