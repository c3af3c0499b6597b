//! Header fields that an application may not send, or not like this.

use oxicorn_tests::Request;
use oxicorn_tests::client::Framing;

use crate::case::{Case, assert_serves, get};

pub(crate) fn invalid_lengths(case: &Case) {
    let server = case.start();
    for target in ["/length/word", "/length/signed", "/length/list", "/length/twice"] {
        let (response, _) = case.ask_and_go_on(&server, &Request::get(target));
        assert_eq!((response.status, response.body.len()), (500, 0), "{target}");
        let line = server.wait_for_line(&format!("Error handling request GET {target}: "));
        assert!(line.contains("[ERROR]") && line.contains("Content-Length"), "{line}");
    }
}

pub(crate) fn of_the_connection(case: &Case) {
    let server = case.start();
    let (response, _) = case.ask_and_go_on(&server, &Request::get("/hop-by-hop"));
    assert_eq!((response.status, response.text().as_str()), (200, "01234"));
    assert_eq!(response.framing, Framing::Length(5));
    for name in [
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authenticate",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
    ] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert_eq!(response.header("X-Kept"), Some("yes"));
    assert!(response.header("Date").is_some_and(|date| date.ends_with(" GMT")), "{response:?}");
}

pub(crate) fn codings(case: &Case) {
    let server = case.start();
    let (response, _) = case.ask_and_go_on(&server, &Request::get("/coded"));
    assert_eq!((response.status, response.text().as_str()), (200, "01234"));
    assert_eq!(response.header("Transfer-Encoding"), Some("chunked"));
}

pub(crate) fn line_breaks_from_the_client(case: &Case) {
    let server = case.start();
    let reflect = |value: &str| {
        let request = Request::new("POST", "/reflects").header("Connection", "close");
        server.ask(&request.body(value))
    };
    assert_eq!(reflect("fine").header("X-Reflected"), Some("fine"));
    for value in ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\r\n\r\nHTTP/1.1 200 OK\r\n", "a\0"] {
        let response = reflect(value);
        assert_eq!(response.status, 500, "{value:?}");
        assert_eq!((response.header("X-Reflected"), response.header("X-Evil")), (None, None));
    }
    server.wait_for_lines("requests.rs:", 4);
    server.wait_for_lines("Error handling request POST /reflects: ", 4);
}

pub(crate) fn interim_statuses(case: &Case) {
    let server = case.start();
    for status in [100, 101, 103] {
        let target = format!("/status/{status}");
        let response = get(&server, &target);
        assert_eq!((response.status, response.interim.len()), (500, 0), "{response:?}");
        let line = server.wait_for_line(&format!("Error handling request GET {target}: "));
        assert!(line.contains("[ERROR]") && line.contains("1xx"), "{line}");
    }
    assert_serves(&server);
}
