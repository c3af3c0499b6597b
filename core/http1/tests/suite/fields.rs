//! Heads as text: lines, names, values, and what the parsed head holds.

use http::{Method, Version};
use oxicorn_http1::*;

use crate::drive::*;

#[test]
fn a_head_is_handed_over_as_received() {
    let head = head_of(
        "GET /a%20b?c=\"d\" HTTP/1.1\r\nHost: a.b:80\r\nX-One: 1\r\nAccept: \t*/* \t\r\n\
         x-one:2\r\nEmpty:\r\nLatin: \u{e9}\r\n\r\n",
    )
    .unwrap();
    assert_eq!(head.method, Method::GET);
    assert_eq!(head.target, "/a%20b?c=\"d\"");
    assert_eq!(head.uri.path(), "/a%20b");
    assert_eq!(head.uri.query(), Some("c=%22d%22"));
    assert_eq!(head.version, Version::HTTP_11);
    assert_eq!(head.body, BodyLength::None);
    assert_eq!(head.upgrade, Upgrade::No);
    assert_eq!(head.headers["accept"], "*/*");
    assert_eq!(head.headers["empty"], "");
    assert_eq!(head.headers["latin"].as_bytes(), "\u{e9}".as_bytes());
    let repeated: Vec<_> = head.headers.get_all("x-one").iter().collect();
    assert_eq!(repeated, ["1", "2"]);
    assert_eq!(head.headers.len(), 6);
}

#[test]
fn later_minor_versions_are_one_point_one() {
    for (line, version) in [
        ("GET / HTTP/1.0", Version::HTTP_10),
        ("GET / HTTP/1.1", Version::HTTP_11),
        ("GET / HTTP/1.2", Version::HTTP_11),
        ("GET / HTTP/1.9", Version::HTTP_11),
    ] {
        assert_eq!(head_of(format!("{line}\r\nHost: a\r\n\r\n")).unwrap().version, version);
    }
}

#[test]
fn one_empty_line_before_a_request() {
    assert!(head_of("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
    assert_eq!(
        head_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap_err(),
        ErrorKind::RequestLine
    );
    assert_eq!(head_of("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap_err(), ErrorKind::BareLf);
    // And one before each of the next.
    let twice = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
    let heads = play(Limits::default(), [twice.as_bytes()]);
    assert_eq!(heads.iter().filter(|seen| matches!(seen, Seen::Head { .. })).count(), 2);
}

#[test]
fn refused_heads() {
    use ErrorKind as E;
    for (head, rule) in [
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", E::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", E::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", E::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n", E::BareLf),
        ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", E::FoldedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\tc\r\n\r\n", E::FoldedField),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", E::FoldedField),
        ("GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n", E::FoldedField),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost a\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nA(b): c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\n\"A\": c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\n\u{e9}: c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nA\0: c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nA\r: c\r\n\r\n", E::FieldName),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\0\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\u{7}c\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\u{7f}\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: b\r\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: \u{b}chunked\r\n\r\n", E::FieldValue),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", E::BareCr),
        ("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", E::Version),
        ("\x16\x03\x01", E::Method),
        ("{", E::Method),
        ("get", E::Method),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", E::MajorVersion),
        ("GET * HTTP/1.1\r\n\r\n", E::TargetForm),
        ("GET a.b:80 HTTP/1.1\r\nHost: a\r\n\r\n", E::TargetForm),
        ("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n", E::TargetForm),
        ("GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", E::Target),
        ("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", E::Target),
    ] {
        assert_eq!(head_of(head).map(|head| head.target), Err(rule), "{head:?}");
    }
}

#[test]
fn host() {
    use ErrorKind as E;
    for (fields, verdict) in [
        ("Host: a\r\n", Ok(())),
        ("Host: a.b:8000\r\n", Ok(())),
        ("Host: [::1]:8000\r\n", Ok(())),
        ("Host: a_b%41\r\n", Ok(())),
        ("Host:\r\n", Ok(())),
        ("", Err(E::MissingHost)),
        ("Hostt: a\r\n", Err(E::MissingHost)),
        ("Host: a\r\nHost: a\r\n", Err(E::DuplicateHost)),
        ("Host: a\r\nhOST: b\r\n", Err(E::DuplicateHost)),
        ("Host: a, b\r\n", Err(E::HostValue)),
        ("Host: a,b\r\n", Err(E::HostValue)),
        ("Host: a b\r\n", Err(E::HostValue)),
        ("Host: a/b\r\n", Err(E::HostValue)),
        ("Host: u@a\r\n", Err(E::HostValue)),
        ("Host: a?b\r\n", Err(E::HostValue)),
        ("Host: a#b\r\n", Err(E::HostValue)),
        ("Host: a\\b\r\n", Err(E::HostValue)),
        ("Host: \u{e9}\r\n", Err(E::HostValue)),
    ] {
        let seen = head_of(format!("GET / HTTP/1.1\r\n{fields}\r\n")).map(|_| ());
        assert_eq!(seen, verdict, "{fields:?}");
    }
    // HTTP/1.0 need not name a host, but may not name two.
    assert!(head_of("GET / HTTP/1.0\r\n\r\n").is_ok());
    let twice = "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(head_of(twice).unwrap_err(), E::DuplicateHost);
    // Permission is for a missing one only.
    let permit = Limits { missing_host: MissingHost::Permit, ..Limits::default() };
    for (head, last) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], Seen::Closed),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Seen::Refused(E::DuplicateHost)),
    ] {
        assert_eq!(play(permit, [head]).pop(), Some(last));
    }
}

#[test]
fn content_type_is_single() {
    let head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Type: a/b\r\n\r\n";
    assert_eq!(head_of(head).unwrap_err(), ErrorKind::DuplicateContentType);
}

#[test]
fn upgrade() {
    for (version, fields, upgrade) in [
        ("1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", Upgrade::Asked),
        ("1.1", "Upgrade: h2c\r\nConnection: HTTP2-Settings, UPGRADE\r\n", Upgrade::Asked),
        ("1.1", "Upgrade: websocket\r\n", Upgrade::No),
        ("1.1", "Connection: upgrade\r\n", Upgrade::No),
        ("1.1", "Connection: upgrade\r\nUpgrade:\r\n", Upgrade::No),
        ("1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", Upgrade::No),
    ] {
        let bytes = format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n");
        let mut conn = after(format!("{bytes}xyz"));
        let Ok(Event::Request(head)) = conn.next_event() else { panic!("{fields:?}") };
        assert_eq!(head.upgrade, upgrade, "{fields:?}");
        assert_eq!(&conn.buffer()[..], b"xyz");
    }
}
