//! The router under the three classes that run it, and the one that refuses it.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use oxicorn_tests::harness::Invocation;
use oxicorn_tests::{Asked, Deadline, Launch, Request, Server, Serving, Subject};

const BINARY: &str = env!("CARGO_BIN_EXE_example-axum-app");
const CLASSES: [(&str, Serving); 3] =
    [("sync", Serving::Inline), ("threaded", Serving::Threads), ("tokio", Serving::Many)];

fn start(class: &str, serving: Serving) -> Server {
    Launch::of(&Subject { binary: BINARY.into(), class: class.to_owned(), serving, hosted: None })
        .start()
}

#[test]
fn extractors_state_and_json_are_axums_own() {
    for (class, serving) in CLASSES {
        let server = start(class, serving);
        for number in 1..=2 {
            let greeting = server.get("/greet/world");
            let expected = format!(r#"{{"hello":"world","number":{number}}}"#);
            assert_eq!((greeting.status, greeting.text()), (200, expected), "{class}");
        }
        assert_eq!(server.get("/wait/5").text(), "waited for 5 ms\n", "{class}");
        assert_eq!(server.get("/nowhere").status, 404, "{class}");
    }
}

#[test]
fn what_the_server_knows_is_in_the_extensions() {
    for (class, serving) in CLASSES {
        let server = start(class, serving);
        let request = Request::get("/whoami?a=%20").header("X-Request-Id", "mine");
        let answer = server.ask(&request.header("Connection", "close")).text();
        assert_eq!(answer, "127.0.0.1 asks for /whoami?a=%20 over http: mine\n", "{class}");
        let made = server.get("/whoami").text();
        assert_eq!(made.trim_end().rsplit(' ').next().map(str::len), Some(24), "{class}: {made}");
    }
}

/// The body is asked for, so the client is told to go on; it never does. The handler's own timer must
/// go off although it waits for the client's bytes.
#[test]
fn a_timer_goes_on_while_a_body_is_awaited() {
    for (class, serving) in CLASSES {
        let server = start(class, serving);
        let head = |patience: u64| {
            format!(
                "POST /upload/{patience} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
                 Content-Length: 5\r\n\r\n"
            )
        };
        let mut patient = server.connect();
        patient.send(head(20_000).as_bytes()).expect("a head");
        assert_eq!(patient.receive_interim().expect("go on"), 100, "{class}");
        patient.send(b"12").expect("a part");
        patient.send(b"345").expect("the rest");
        assert_eq!(patient.receive(Asked::ForAll).expect("an answer").text(), "5 bytes\n");
        drop(patient);

        let mut slow = server.connect();
        slow.send(head(20).as_bytes()).expect("a head");
        assert_eq!(slow.receive_interim().expect("go on"), 100, "{class}");
        slow.send(b"12").expect("a part");
        assert_eq!(slow.receive(Asked::ForAll).expect("an answer").status, 408, "{class}");
    }
}

#[test]
fn coroutine_is_refused_before_anything_is_started() {
    let arguments = ["-k", "coroutine", "-b", "127.0.0.1:0"];
    let finished = Invocation::of(BINARY.as_ref()).args(arguments).run(Deadline::seconds(20));
    assert_eq!(finished.code, Some(1));
    assert_eq!(
        finished.stderr,
        "Error: the application \"example-axum-app\" is asynchronous only: the worker class \
         coroutine runs blocking handlers; use -k tokio, or -k threaded or -k sync\n"
    );
}
