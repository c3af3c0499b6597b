//! TLS, both ways.

use oxicorn_tests::asking::{ask, told};

use crate::upstream::{ANSWER, Upstream};
use crate::{MANY, launch};

/// The answers of so many handlers at once; `None`: what they use is not installed.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn all(class: &str, route: &str) -> Option<Vec<String>> {
    let upstream = Upstream::start(MANY);
    let server = upstream.known_to(launch(class)).start();
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(&server, route)).collect();
    let answers: Vec<_> = clients.iter_mut().map(told).collect();
    let missing = answers.iter().any(|answer| answer.starts_with("there is no"));
    if missing {
        println!("skipped: {}", answers[0]);
    }
    (!missing).then_some(answers)
}

fn answered_alike(route: &str, answer: &str) {
    for class in ["coroutine", "threaded"] {
        let Some(answers) = all(class, route) else { return };
        assert!(answers.iter().all(|given| given == answer), "{class}: {answers:?}");
    }
}

#[test]
fn rustls_waits_for_many() {
    answered_alike("/rustls", &format!("{ANSWER} true\n"));
}

#[test]
fn an_http_client_over_rustls_waits_for_many() {
    answered_alike("/ureq", &format!("{}\n", "!".repeat(ANSWER)));
}

#[test]
fn openssl_waits_for_many() {
    answered_alike("/openssl", &format!("{ANSWER} true\n"));
}
