//! The program of the README, in every worker class.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use oxicorn_tests::{Deadline, Launch, Serving, Signal, Subject};

const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];

fn launch(class: &str, serving: Serving) -> Launch {
    let binary = env!("CARGO_BIN_EXE_example-hello").into();
    Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None })
}

#[test]
fn it_says_hi_and_stops_when_it_is_told_to() {
    for (class, serving) in CLASSES {
        let mut server = launch(class, serving).start();
        let answer = server.get("/");
        assert_eq!((answer.status, answer.text().as_str()), (200, "hi\n"), "{class}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        server.signal(Signal::SIGTERM);
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0), "{class}");
    }
}
