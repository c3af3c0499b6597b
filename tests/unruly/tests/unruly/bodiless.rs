//! Responses that have no body, whatever the application gives (RFC 9110 sections 9.3.2, 15.3.5 and
//! 15.4.5). A byte too many would be read as the beginning of the next response.

use oxicorn_tests::client::After;
use oxicorn_tests::{Connection, Request, Server};

use crate::case::Case;

pub(crate) fn never_a_body(case: &Case) {
    let server = case.start();
    let requests = [
        ("GET", "/status/204", 204),
        ("GET", "/status/304", 304),
        ("GET", "/status/204/pieces", 204),
        ("GET", "/status/304/pieces", 304),
        ("HEAD", "/", 200),
        ("HEAD", "/short", 200),
        ("HEAD", "/long", 200),
        ("HEAD", "/pieces", 200),
        ("HEAD", "/fails", 200),
        ("HEAD", "/panics/body/length", 200),
        ("HEAD", "/status/304", 304),
        ("HEAD", "/panics", 500),
    ];
    for (method, target, status) in requests {
        let request = Request::new(method, target);
        let (response, _) = case.ask_and_go_on(&server, &request);
        assert_eq!((response.status, response.body.len()), (status, 0), "{request:?}");
    }
    all_at_once(&server, &requests);
    assert_eq!(server.error_log().count("/short: "), 0, "it was not asked for a body");
    assert_eq!(server.error_log().count("/long: "), 0, "it was not asked for a body");
}

/// The same pipelined: as far as the server goes before it announces the end.
fn all_at_once(server: &Server, requests: &[(&str, &str, u16)]) {
    let made = requests.iter().map(|(method, target, _)| Request::new(method, target));
    let made: Vec<Request> = made.collect();
    let mut connection: Connection = server.connect();
    let bytes: Vec<u8> = made.iter().flat_map(Request::bytes).collect();
    connection.send(&bytes).expect("all of them");
    for (request, (_, _, status)) in made.iter().zip(requests) {
        let response = connection.receive(request.asked()).expect("the next response");
        assert_eq!(response.status, *status, "{request:?}");
        if response.after() == After::Close {
            return connection.expect_end().expect("the end that was announced");
        }
    }
}
