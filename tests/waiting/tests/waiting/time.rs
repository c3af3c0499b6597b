//! Patience, and who loses it.

use oxicorn_tests::{Asked, Request, Serving, Subject};

use crate::{ask, asked, launch, serve, told};

pub(crate) fn nested_timeouts(subject: &Subject) {
    let server = serve(subject);
    let each = "Ok(Err(Elapsed)) Err(Elapsed) Ok((Some(\"went on\"), Err(Elapsed)))\n";
    assert_eq!(asked(&server, "/nested"), each);
}

pub(crate) fn timeouts_that_follow_each_other(subject: &Subject) {
    let server = serve(subject);
    assert_eq!(asked(&server, "/many-short"), "20 20 Err(Elapsed) true\n");
}

pub(crate) fn a_body_that_does_not_come(subject: &Subject) {
    // What is as long as this is not waited for before the handler runs.
    let server = launch(subject).0.args(["--body-buffer-size", "1"]).start();
    let mut client = server.connect();
    let head = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n.";
    client.send(head.as_bytes()).expect("a part of a request");
    assert_eq!(told(&mut client), "Ok(TimedOut)\n");
    assert_eq!(asked(&server, "/"), "hello\n");
}

pub(crate) fn a_timeout_around_what_blocks(subject: &Subject) {
    let (launch, upstream) = launch(subject);
    let server = launch.start();
    let mut client = ask(&server, "/unblock-late");
    if subject.class == "coroutine" {
        // Whether it has begun before or not: then it has made a connection, and nobody waits for it.
        assert_eq!(told(&mut client), "Err(Elapsed)\n");
    } else {
        let connection = upstream.accept();
        // The caller itself blocks: it is in time, for it has finished.
        drop(connection);
        assert_eq!(told(&mut client), "Ok(Ok(0))\n");
    }
}

const ENDLESS: [&str; 7] = ["sleep", "receive", "send", "join", "read", "unblock", "timeout"];

pub(crate) fn the_servers_timeout_ends_every_wait(subject: &Subject) {
    let (launch, _upstream) = launch(subject);
    let launch = launch.args(["--timeout", "3"]);
    let (launch, waits) = match subject.serving {
        // Each of them costs this class its worker.
        Serving::Inline => (launch, &ENDLESS[1..2]),
        Serving::Threads => (launch.threads(16), &ENDLESS[..]),
        Serving::Many => (launch, &ENDLESS[..]),
    };
    let server = launch.start();
    let worker = server.worker();
    let mut clients: Vec<_> =
        waits.iter().map(|wait| ask(&server, &format!("/endless/{wait}"))).collect();
    for (client, wait) in clients.iter_mut().zip(waits) {
        let response = client.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 504, "{wait}");
    }
    server.wait_for_line("WORKER TIMEOUT (pid:");
    if subject.class == "coroutine" {
        for wait in waits {
            server.wait_for_line(&format!("let go of in {wait}"));
        }
    }
    assert_eq!(asked(&server, "/"), "hello\n");
    if subject.serving != Serving::Inline {
        assert_eq!(server.worker(), worker, "the worker goes on");
    }
}

pub(crate) fn a_client_that_goes_away(subject: &Subject) {
    let (launch, upstream) = launch(subject);
    let server = launch.start();
    let worker = server.worker();
    let mut client = server.connect();
    client.send(&Request::get("/endless/read").bytes()).expect("a request");
    let waits_for = upstream.accept();
    drop(client);
    drop(waits_for);
    server.wait_for_line("let go of in read");
    assert_eq!(asked(&server, "/"), "hello\n");
    assert_eq!(server.worker(), worker, "the worker goes on");
}
