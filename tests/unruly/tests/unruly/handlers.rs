//! Handlers that never return.

use oxicorn_tests::{ClientError, Request};

use crate::case::{Case, assert_serves, get};

pub(crate) fn panicking_handler(case: &Case) {
    let server = case.start();
    let worker = server.worker();
    for _ in 0..6 {
        let (response, _) = case.ask_and_go_on(&server, &Request::get("/panics"));
        assert_eq!((response.status, response.body.len()), (500, 0), "{response:?}");
    }
    let place = server.wait_for_line("forms.rs:");
    assert!(place.contains("[ERROR]"), "{place}");
    server.wait_for_lines("Error handling request GET /panics: ", 6);
    assert_eq!(server.worker(), worker, "the worker goes on");
}

pub(crate) fn aborting_handler(case: &Case) {
    let server = case.start();
    for number in 1..=2 {
        let mut connection = server.connect();
        connection.send(&Request::get("/aborts").bytes()).expect("the request");
        match connection.receive(oxicorn_tests::Asked::ForAll) {
            Err(ClientError::Closed | ClientError::Reset) => {}
            other => panic!("{other:?}"),
        }
        server.wait_for_lines("was sent SIGABRT!", number);
        server.wait_for_lines("Booting worker with pid: ", 1 + number);
        // It waits in the queue if it must.
        assert_serves(&server);
    }
    assert_eq!(get(&server, "/nowhere").status, 404);
}
