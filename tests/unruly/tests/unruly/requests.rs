//! Handlers that do not read a request's body once and to its end. What they leave must not be read
//! as the next request, and what they ask for too much must not make anybody wait.

use oxicorn_tests::client::After;
use oxicorn_tests::{Request, Server};

use crate::case::{Case, assert_serves};

/// Small, so that most bodies below are still coming in while the handler runs.
const BUFFER: [&str; 2] = ["--body-buffer-size", "1k"];

/// Gathered before the handler runs; streamed, and thrown away by the server if it must; streamed,
/// and too long for that.
const SIZES: [usize; 3] = [100, 32 * 1024, 300 * 1024];

fn start(case: &Case) -> Server {
    case.launch().args(BUFFER).start()
}

/// In each size with a length, and chunked.
fn requests(target: &str) -> Vec<Request> {
    let post = || Request::new("POST", target);
    let sizes = SIZES.iter();
    sizes
        .flat_map(|size| {
            let body = vec![b'G'; *size];
            let chunks: Vec<Vec<u8>> = body.chunks(1000).map(<[u8]>::to_vec).collect();
            [post().body(body), post().chunks(chunks)]
        })
        .collect()
}

/// The request and one more, which is answered right unless the first response was the last.
fn ask_and_go_on(server: &Server, request: &Request) -> String {
    let mut connection = server.connect();
    let response = connection.exchange(request).expect("an answer");
    assert_eq!(response.status, 200, "{response:?}");
    match response.after() {
        After::Keep => {
            assert_eq!(connection.get("/").expect("the next answer").text(), "hello\n");
        }
        After::Close => connection.expect_end().expect("the end that was announced"),
    }
    response.text()
}

pub(crate) fn read_in_part(case: &Case) {
    let server = start(case);
    for request in requests("/reads/part") {
        assert_eq!(ask_and_go_on(&server, &request), "done\n");
    }
    assert_serves(&server);
}

pub(crate) fn read_twice(case: &Case) {
    let server = start(case);
    for request in requests("/reads/twice") {
        assert_eq!(ask_and_go_on(&server, &request), "nothing more\n");
    }
    assert_serves(&server);
}

pub(crate) fn kept_for_later(case: &Case) {
    let server = start(case);
    let worker = server.worker();
    for request in requests("/reads/never") {
        assert_eq!(ask_and_go_on(&server, &request), "done\n");
    }
    assert_serves(&server);
    assert_eq!(server.worker(), worker, "the worker goes on");
}
