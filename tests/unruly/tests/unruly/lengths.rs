//! A `Content-Length` that is not the body's. The client believes the head, so the head must come
//! true, or the connection must end.

use oxicorn_tests::Request;

use crate::case::{Case, assert_serves, unfinished_body};

pub(crate) fn too_short(case: &Case) {
    let server = case.start();
    for (target, sent) in [
        ("/short", "01234"),
        ("/short/pieces", "01234"),
        ("/short/claimed", "01234"),
        ("/short/nothing", ""),
    ] {
        assert_eq!(unfinished_body(&server, &Request::get(target).bytes()), sent, "{target}");
        let line = server.wait_for_line(&format!("Error handling request GET {target}: "));
        let missing = format!("{} bytes shorter than its Content-Length", 10 - sent.len());
        assert!(line.contains("[ERROR]") && line.contains(&missing), "{line}");
        assert_serves(&server);
    }
}

pub(crate) fn too_short_and_a_request_behind(case: &Case) {
    let server = case.start();
    let both = [Request::get("/short").bytes(), Request::get("/").bytes()].concat();
    assert_eq!(unfinished_body(&server, &both), "01234", "not filled up with the next response");
    assert_serves(&server);
}

pub(crate) fn too_long(case: &Case) {
    let server = case.start();
    for target in ["/long", "/long/pieces", "/long/claimed", "/long/next-piece"] {
        let (response, sent) = case.ask_and_go_on(&server, &Request::get(target));
        assert_eq!((response.status, response.text().as_str()), (200, "01234"), "{target}");
        let named = format!("Error handling request GET {target}: ");
        let line = server.wait_for_lines(&named, sent).remove(0);
        let said = "cut at its Content-Length of 5 bytes: its body has ";
        assert!(line.contains("[ERROR]") && line.contains(said), "{line}");
        assert_eq!(server.error_log().count(&named), sent, "once for each response");
    }
    let whole = server.wait_for_line("GET /long: ");
    assert!(whole.ends_with("its body has 10 or more"), "{whole}");
}
