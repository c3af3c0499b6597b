//! A blocking handler that does not come back, in the class that has only borrowed a thread for it.
//! (What every class must do is in the contract suite, whose application is asynchronous there.)
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use oxicorn_tests::{Asked, Connection, Launch, Request, Server, Serving, Subject};

fn launch() -> Launch {
    let binary = env!("CARGO_BIN_EXE_example-io-bound").into();
    let subject =
        Subject { binary, class: "tokio".to_owned(), serving: Serving::Many, hosted: None };
    Launch::of(&subject).args(["--timeout", "3"])
}

fn stuck(server: &Server) -> Connection {
    let mut client = server.connect();
    client.send(&Request::get("/60000").bytes()).expect("a request");
    client
}

#[track_caller]
fn gets_504(client: &mut Connection) {
    let response = client.receive(Asked::ForAll).expect("a response");
    assert_eq!((response.status, response.header("connection")), (504, Some("close")));
    client.expect_end().expect("the end");
}

#[test]
fn a_blocking_handler_is_left_behind() {
    let server = launch().start();
    let worker = server.worker();
    let mut client = stuck(&server);
    assert_eq!(server.get("/10").text(), "waited for 10 ms\n");
    gets_504(&mut client);
    server.wait_for_line(&format!("[CRITICAL] WORKER TIMEOUT (pid:{})", worker.pid()));
    server.wait_for_line("In flight: GET /60000 for ");
    server.wait_for_accesses("GET /60000 HTTP/1.1\" 504 ", 1);
    assert_eq!(server.get("/10").text(), "waited for 10 ms\n");
    assert_eq!(server.worker(), worker, "the worker goes on");
}

#[test]
fn a_worker_whose_pool_is_stuck_is_replaced() {
    // There are no more threads in the pool than there may be connections.
    let server = launch().args(["--worker-connections", "2"]).start();
    let worker = server.worker();
    let mut clients = [(); 2].map(|()| stuck(&server));
    clients.iter_mut().for_each(gets_504);
    server.wait_for_line("Asking for a replacement: 2 of 2 handlers are stuck");
    server.wait_for_lines("Booting worker with pid: ", 2);
    assert_eq!(server.get("/10").text(), "waited for 10 ms\n");
    assert_ne!(server.wait_for_workers(1), [worker]);
}
