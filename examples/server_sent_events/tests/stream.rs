//! The stream as a browser sees it, in every worker class.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use oxicorn_tests::client::Framing;
use oxicorn_tests::{Asked, Launch, Request, Server, Serving, Subject};

const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];

fn start(class: &str, serving: Serving) -> Server {
    let binary = env!("CARGO_BIN_EXE_example-server-sent-events").into();
    Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None }).start()
}

#[test]
fn events_come_as_they_happen_and_a_browser_that_comes_back_misses_none() {
    for (class, serving) in CLASSES {
        let server = start(class, serving);
        let mut browser = server.connect();
        let request = Request::get("/events").header("Last-Event-ID", "6");
        browser.send(&request.header("Connection", "close").bytes()).expect("sent");
        let (mut pieces, mut text) = (0, String::new());
        let answer = browser.receive_into(Asked::ForAll, &mut |piece: &[u8]| {
            pieces += 1;
            text += &String::from_utf8_lossy(piece);
        });
        let answer = answer.expect("the stream");
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{class}");
        assert_eq!(answer.framing, Framing::Chunked, "{class}");
        let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
        let expected: Vec<String> = (7..27).map(|id| id.to_string()).collect();
        assert_eq!(ids, expected, "{class}");
        assert!(pieces > 1, "{class}: they came all at once");
    }
}

#[test]
fn under_coroutine_a_stream_keeps_nobody_waiting() {
    let server = start("coroutine", Serving::Many);
    let mut streams: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for browser in &mut streams {
        browser.send(&Request::get("/events").bytes()).expect("sent");
        browser.wait_for_bytes().expect("the first event");
    }
    assert!(server.get("/").text().contains("EventSource"));
    for mut browser in streams {
        assert_eq!(browser.receive(Asked::ForAll).expect("the stream").status, 200);
    }
}
