//! Whom the server believes about the client: announcements of the PROXY protocol, and header fields
//! that only a proxy in front should send. What is seen from outside is the access log and the echo.

use super::Subject;
use super::kept::on_one_connection;
use crate::client::{After, Asked, Request, Response};
use crate::harness::{AccessLine, Launch, Server};

/// A client that no test connects from.
const VERSION_1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
/// The same client in the binary form, and behind the addresses something that is to be skipped.
const VERSION_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12\
    \xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb\x04\0\x03abc";
/// A proxy that speaks for itself, as in a health check.
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// One request behind `header` on a connection of its own.
#[track_caller]
fn ask_behind(server: &Server, header: &[u8], request: &Request) -> Response {
    let mut connection = server.connect();
    let bytes = [header, &request.bytes()].concat();
    connection.send(&bytes).expect("sent");
    connection.receive(request.asked()).expect("a response")
}

/// Who has sent the request to `target`, by the access log.
#[track_caller]
fn logged(server: &Server, target: &str) -> AccessLine {
    let line = server.wait_for_accesses(target, 1).remove(0);
    AccessLine::parse(&line).unwrap_or_else(|| panic!("no access line: {line}"))
}

pub(super) fn proxy_protocol(subject: &Subject) {
    for (mode, header, client) in [
        ("v1", VERSION_1, "192.0.2.7"),
        ("v2", VERSION_2, "192.0.2.7"),
        ("auto", VERSION_1, "192.0.2.7"),
        ("auto", VERSION_2, "192.0.2.7"),
        ("auto", LOCAL, "127.0.0.1"),
        ("auto", b"", "127.0.0.1"),
    ] {
        let server = Launch::of(subject).args(["--proxy-protocol", mode]).start();
        let response = ask_behind(&server, header, &Request::get("/echo/announced"));
        assert_eq!(response.status, 200, "{mode} {header:?}");
        let line = logged(&server, "/echo/announced");
        assert_eq!(line.host, client, "{mode} {header:?}");
    }
}

pub(super) fn proxy_protocol_of_a_stranger(subject: &Subject) {
    let args = ["--proxy-protocol", "auto", "--proxy-allow-from", "192.0.2.0/24"];
    let server = Launch::of(subject).args(args).start();
    let mut connection = server.connect();
    let bytes = [VERSION_1, &Request::get("/echo/announced").bytes()].concat();
    connection.send(&bytes).expect("sent");
    let refusal = connection.receive(Asked::ForAll).expect("a refusal");
    assert_eq!((refusal.status, refusal.header("Connection")), (403, Some("close")));
    connection.expect_end().expect("the end that was announced");

    assert_eq!(server.get("/echo/plain").status, 200, "without a header nothing is wrong");
    server.wait_for_accesses("/echo/plain", 1);
    let lines = server.access_log().all();
    assert!(!lines.iter().any(|line| line.contains("GET /echo/announced")), "{lines:#?}");
    let warning = "Invalid request from ip=127.0.0.1: ";
    assert_eq!(server.wait_for_lines(warning, 1).len(), 1);
}

pub(super) fn proxy_protocol_only_once(subject: &Subject) {
    let server = Launch::of(subject).args(["--proxy-protocol", "v1"]).start();
    on_one_connection(subject, &server, |mut connection| {
        let first = Request::get("/echo/first").bytes();
        connection.send(&[VERSION_1, &first].concat()).expect("sent");
        let response = connection.receive(Asked::ForAll).expect("the first");
        if response.after() == After::Close {
            return Err(format!("closed after {response:?}"));
        }
        let forged = b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n";
        let second = Request::get("/echo/second").bytes();
        connection.send(&[&forged[..], &second].concat()).expect("sent");
        let refusal = connection.receive(Asked::ForAll).expect("a refusal");
        assert_eq!(refusal.status, 400);
        connection.expect_end().expect("the end that was announced");
        Ok(())
    });
    server.wait_for_line("Invalid request from ip=192.0.2.7: ");
    // Each thread of a pool writes its own lines when it has the time.
    server.wait_for_accesses("\" 400 ", 1);
    server.get("/echo/last");
    server.wait_for_accesses("/echo/last", 1);
    let lines = server.access_log().all();
    let refused: Vec<_> = lines.iter().filter_map(|line| AccessLine::parse(line)).collect();
    assert!(
        refused.iter().any(|l| (l.status, l.host.as_str()) == (400, "192.0.2.7")),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|l| l.contains("/echo/second")), "{lines:#?}");
}

pub(super) fn header_names_with_underscores(subject: &Subject) {
    let request = Request::get("/echo").header("X_Forged", "1").header("Script_Name", "/x");
    let names = ["x_forged", "script_name"];
    for (args, status, seen) in [
        (&[][..], 200, &["script_name"][..]),
        (&["--forwarded-allow-ips", "192.0.2.1"], 200, &[]),
        (&["--header-map", "dangerous"], 200, &names),
        (&["--header-map", "refuse"], 400, &[]),
    ] {
        let server = Launch::of(subject).args(args).start();
        let response = server.ask(&request);
        assert_eq!(response.status, status, "{args:?}");
        let text = response.text();
        for name in names {
            let expected = seen.contains(&name);
            assert_eq!(text.contains(&format!("\"{name}\"")), expected, "{args:?}: {text}");
        }
        if status == 400 {
            server.wait_for_line("Invalid request from ip=127.0.0.1: ");
        }
    }
}

pub(super) fn contradictory_scheme_headers(subject: &Subject) {
    let request =
        Request::get("/echo").header("X-Forwarded-Proto", "https").header("X-Forwarded-Ssl", "off");
    let server = Launch::of(subject).start();
    assert_eq!(server.ask(&request).status, 400);
    server.wait_for_line("contradictory scheme headers");
    let nobody = ["--forwarded-allow-ips="];
    let server = Launch::of(subject).args(nobody).start();
    assert_eq!(server.ask(&request).status, 200, "what nobody believes contradicts nothing");
}
