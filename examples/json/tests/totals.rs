//! Baskets, good and bad, in every worker class.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use oxicorn_tests::{Launch, Request, Response, Server, Serving, Subject};

const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];

fn start(class: &str, serving: Serving) -> Server {
    let binary = env!("CARGO_BIN_EXE_example-json").into();
    let server =
        Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None }).spawn();
    server.wait_for_line("Booting worker with pid: ");
    server
}

fn post(server: &Server, text: &str) -> Response {
    let request = Request::new("POST", "/total").header("Connection", "close");
    server.ask(&request.body(text))
}

#[test]
fn baskets_are_added_up() {
    for (class, serving) in CLASSES {
        let server = start(class, serving);
        let items = r#"{"price": 250, "count": 2}, {"price": 1, "count": 1}"#;
        let answer = post(&server, &format!(r#"{{"items": [{items}]}}"#));
        assert_eq!(answer.status, 200, "{class}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let total: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(total, serde_json::json!({"total": 501, "items": 2}));
    }
}

#[test]
fn what_is_wrong_is_said_to_the_client() {
    let server = start("sync", Serving::Inline);
    for (text, wrong) in [("", "EOF while parsing"), ("{}", "missing field `items`")] {
        let answer = post(&server, text);
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(wrong), "{answer:?}");
    }
    let answer = server.get("/total");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(server.get("/").status, 404);
}
