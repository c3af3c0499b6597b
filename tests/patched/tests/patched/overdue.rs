//! Nobody may unwind ordinary code from below: what happens to it when its time is over.

use oxicorn_tests::Asked;

use crate::{ask, asked, coroutine};

#[test]
fn every_wait_is_answered_with_504_and_the_worker_goes_on() {
    let server = coroutine().args(["--timeout", "3"]).start();
    let worker = server.worker();
    let waits = ["sleep", "read", "stubborn", "lock", "block-on"];
    let mut clients: Vec<_> =
        waits.iter().map(|wait| ask(&server, &format!("/endless/{wait}"))).collect();
    for (client, wait) in clients.iter_mut().zip(waits) {
        let response = client.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 504, "{wait}");
    }
    for _ in 0..20 {
        assert_eq!(asked(&server, "/sleep"), "slept\n");
    }
    assert_eq!(server.worker(), worker);
}

#[test]
fn a_handlers_own_limit_ends_waits_that_cannot_unwind() {
    let server = coroutine().start();
    assert_eq!(asked(&server, "/endless/limit"), "Err(Elapsed) Err(Elapsed) Ok(())\n");
}
