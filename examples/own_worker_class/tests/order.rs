//! What only this class does: the newest request is answered first.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use oxicorn_tests::harness::Invocation;
use oxicorn_tests::{Asked, Deadline, Launch, Request, Serving, Subject};

const BINARY: &str = env!("CARGO_BIN_EXE_example-own-worker-class");

#[test]
#[expect(clippy::disallowed_methods, reason = "a listener of the test's own")]
fn the_newest_request_is_answered_first() {
    let upstream = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let address = upstream.local_addr().expect("its address").to_string();
    let subject = Subject {
        binary: BINARY.into(),
        class: "lifo".to_owned(),
        serving: Serving::Inline,
        hosted: None,
    };
    let server = Launch::of(&subject).env("OXICORN_DEMO_UPSTREAM", &address).start();
    let mut waiting: Vec<_> = ["/bytes?n=1", "/bytes?n=2", "/bytes?n=3"]
        .map(|target| {
            let mut client = server.connect();
            let answer = client.exchange(&Request::get("/")).expect("an answer");
            assert_eq!(answer.header("connection"), None, "the connection is kept");
            (target, client)
        })
        .into();
    // The worker is in this request until the test answers it.
    let mut slow = server.connect();
    slow.send(&Request::get(&format!("/upstream?url=http://{address}/")).bytes()).expect("sent");
    let (mut asked, _) = upstream.accept().expect("the worker's connection");
    for (target, client) in &mut waiting {
        client.send(&Request::get(target).bytes()).expect("sent");
    }
    let _ = asked.read(&mut [0; 1024]).expect("a request");
    asked.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").expect("an answer");
    drop(asked);
    assert_eq!(slow.receive(Asked::ForAll).expect("an answer").status, 200);
    for (target, client) in &mut waiting {
        assert_eq!(client.receive(Asked::ForAll).expect(target).status, 200);
    }
    let lines = server.wait_for_accesses("GET /bytes?n=", 3);
    let order: Vec<&str> =
        lines.iter().filter_map(|line| line.split("n=").nth(1)?.split(' ').next()).collect();
    assert_eq!(order, ["3", "2", "1"]);
}

#[test]
fn it_stands_beside_the_others() {
    let run = |arguments: &[&str]| {
        Invocation::of(BINARY.as_ref()).args(arguments).run(Deadline::seconds(20))
    };
    let unknown = run(&["-k", "lifoo", "--check-config", "-b", "127.0.0.1:0"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.ends_with("lifo; did you mean lifo?\n"), "{unknown:?}");
    assert_eq!(run(&["-k", "tokio", "--check-config", "-b", "127.0.0.1:0"]).code, Some(0));
    assert!(run(&["--completions", "bash"]).stdout.contains("lifo"));
}
