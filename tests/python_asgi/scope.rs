//! The scope of a request, key by key.

use oxicorn_tests::{Launch, Request};
use serde_json::{Value, json};

use crate::apps::launch;

fn seen(launch: Launch, request: &[u8]) -> Value {
    let server = launch.spawn();
    server.wait_for_line("Booting worker with pid: ");
    let mut connection = server.connect();
    connection.send(request).expect("a request");
    let response = connection.receive(Request::get("/").asked()).expect("an answer");
    serde_json::from_str(&response.text()).expect("JSON")
}

#[test]
fn everything_is_there() {
    let request = b"PATCH /a%20b/%C3%A9/%FF?q=%201&x HTTP/1.1\r\nHost: here\r\nX-Twice: 1\r\n\
        x-twice: 2\r\nX-Latin: \xe9\r\nContent-Length: 0\r\n\r\n";
    let seen = seen(launch("scope"), request);
    let (scope, types) = (&seen["scope"], &seen["types"]);
    for (key, value) in [
        ("type", json!("http")),
        ("asgi", json!({"version": "3.0", "spec_version": "2.3"})),
        ("http_version", json!("1.1")),
        ("method", json!("PATCH")),
        ("scheme", json!("http")),
        ("path", json!("/a b/é/\u{fffd}")),
        ("raw_path", json!("/a%20b/%C3%A9/%FF")),
        ("query_string", json!("q=%201&x")),
        ("root_path", json!("")),
        ("extensions", json!({"http.response.pathsend": {}})),
        ("oxicorn.stopping", json!(false)),
    ] {
        assert_eq!(scope[key], value, "{key}");
    }
    let headers = json!([
        ["host", "here"],
        ["x-twice", "1"],
        ["x-twice", "2"],
        ["x-latin", "é"],
        ["content-length", "0"]
    ]);
    assert_eq!(scope["headers"], headers);
    assert_eq!(scope["client"][0], "127.0.0.1");
    assert!(scope["client"][1].as_u64().is_some_and(|port| port > 0), "{scope}");
    assert_eq!(scope["server"][0], "127.0.0.1");
    assert!(scope["server"][1].as_u64().is_some_and(|port| port > 0), "{scope}");
    for key in ["raw_path", "query_string"] {
        assert_eq!(types[key], "bytes", "{key}");
    }
    assert!(scope.get("state").is_none(), "there was no lifespan");
}

#[test]
fn a_target_in_absolute_form_is_taken_apart() {
    let request = b"GET http://else/p/q?r HTTP/1.0\r\nHost: else\r\n\r\n";
    let scope = &seen(launch("scope"), request)["scope"];
    assert_eq!(
        (&scope["path"], &scope["raw_path"], &scope["query_string"], &scope["http_version"]),
        (&json!("/p/q"), &json!("/p/q"), &json!("r"), &json!("1.0"))
    );
}

#[test]
fn a_trusted_proxy_says_https() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n";
    assert_eq!(seen(launch("scope"), request)["scope"]["scheme"], "https");
}

#[test]
fn a_unix_socket_has_a_path_and_no_client() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let scope = &seen(launch("scope").on_unix_socket(), request)["scope"];
    assert_eq!((&scope["client"], &scope["server"][1]), (&Value::Null, &Value::Null));
    assert!(scope["server"][0].as_str().is_some_and(|path| path.ends_with("server.sock")));
}

#[test]
fn the_root_path_is_part_of_the_path() {
    let request = b"GET /a%2Fb?c HTTP/1.1\r\nHost: a\r\n\r\n";
    let launch = launch("scope").args(["--root-path", "/below"]);
    let scope = &seen(launch, request)["scope"];
    assert_eq!(
        (&scope["root_path"], &scope["path"], &scope["raw_path"]),
        (&json!("/below"), &json!("/below/a/b"), &json!("/below/a%2Fb"))
    );
}
