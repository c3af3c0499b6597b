//! Response heads and framing, as a table of requests and answers.

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oxicorn_http1::*;

use crate::drive::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\nServer: oxicorn\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    map
}

fn asked(method: &str, version: &str) -> Conn {
    let target = if method == "CONNECT" { "a:1" } else { "/" };
    requested(format!("{method} {target} HTTP/{version}\r\nHost: a\r\n\r\n"))
}

/// The head's lines behind Date, and the framing.
fn sent(
    conn: &mut Conn,
    status: u16,
    headers: &HeaderMap,
    body: ResponseBody,
) -> Result<(Vec<String>, BodyFraming), SendError> {
    let mut out = BytesMut::new();
    let status = StatusCode::from_u16(status).unwrap();
    let head = ResponseHead { status, headers, body, persistence: Persistence::KeepAlive };
    let framing = conn.send_response(head, &date(), &mut out)?.body;
    let text = std::str::from_utf8(&out).unwrap().strip_suffix("\r\n\r\n").unwrap();
    Ok((text.split("\r\n").skip(3).map(str::to_owned).collect(), framing))
}

#[test]
fn a_whole_head() {
    let headers = map(&[("content-type", "text/plain"), ("set-cookie", "a"), ("set-cookie", "b")]);
    let mut out = BytesMut::from("before");
    let head = ResponseHead { body: ResponseBody::Fixed(14), ..empty(&headers) };
    asked("GET", "1.1").send_response(head, &date(), &mut out).unwrap();
    assert_eq!(
        out,
        format!(
            "before{HEAD}content-type: text/plain\r\nset-cookie: a\r\nset-cookie: b\r\n\
             Content-Length: 14\r\n\r\n"
        )
    );
}

#[test]
fn status_lines() {
    for (status, line) in [
        (200, "HTTP/1.1 200 OK"),
        (404, "HTTP/1.1 404 Not Found"),
        (501, "HTTP/1.1 501 Not Implemented"),
        (299, "HTTP/1.1 299 "),
        (999, "HTTP/1.1 999 "),
    ] {
        let mut out = BytesMut::new();
        let headers = HeaderMap::new();
        let status = StatusCode::from_u16(status).unwrap();
        let head = ResponseHead { status, ..empty(&headers) };
        asked("GET", "1.0").send_response(head, &date(), &mut out).unwrap();
        assert!(out.starts_with(format!("{line}\r\n").as_bytes()), "{out:?}");
    }
}

#[test]
fn framing() {
    use BodyFraming as B;
    use ResponseBody::{Fixed, Streamed};
    let own = map(&[("content-length", "7")]);
    let none = HeaderMap::new();
    for (method, version, status, headers, body, fields, framing) in [
        ("GET", "1.1", 200, &none, Fixed(5), &["Content-Length: 5"][..], B::Fixed(5)),
        ("GET", "1.1", 200, &none, Fixed(0), &["Content-Length: 0"], B::Fixed(0)),
        ("GET", "1.1", 200, &none, Streamed, &["Transfer-Encoding: chunked"], B::Chunked),
        ("GET", "1.2", 200, &none, Streamed, &["Transfer-Encoding: chunked"], B::Chunked),
        ("GET", "1.0", 200, &none, Streamed, &[], B::UntilClose),
        ("GET", "1.0", 200, &none, Fixed(5), &["Content-Length: 5"], B::Fixed(5)),
        ("GET", "1.1", 200, &own, Fixed(5), &["content-length: 7"], B::Fixed(7)),
        ("GET", "1.1", 200, &own, Streamed, &["content-length: 7"], B::Fixed(7)),
        ("GET", "1.0", 200, &own, Streamed, &["content-length: 7"], B::Fixed(7)),
        ("HEAD", "1.1", 200, &none, Fixed(5), &["Content-Length: 5"], B::None),
        ("HEAD", "1.1", 200, &none, Fixed(0), &[], B::None),
        ("HEAD", "1.1", 200, &none, Streamed, &[], B::None),
        ("HEAD", "1.1", 200, &own, Fixed(0), &["content-length: 7"], B::None),
        ("GET", "1.1", 204, &none, Fixed(0), &[], B::None),
        ("GET", "1.1", 204, &own, Streamed, &[], B::None),
        ("HEAD", "1.1", 204, &own, Streamed, &[], B::None),
        ("GET", "1.1", 304, &none, Fixed(0), &[], B::None),
        ("GET", "1.1", 304, &own, Fixed(0), &["content-length: 7"], B::None),
        ("CONNECT", "1.1", 200, &own, Fixed(5), &["Connection: close"], B::UntilClose),
        (
            "CONNECT",
            "1.1",
            405,
            &none,
            Fixed(5),
            &["Content-Length: 5", "Connection: close"],
            B::Fixed(5),
        ),
    ] {
        let seen = sent(&mut asked(method, version), status, headers, body).unwrap();
        assert_eq!(seen.0, fields, "{method} {version} {status} {body:?}");
        assert_eq!(seen.1, framing, "{method} {version} {status} {body:?}");
    }
}

#[test]
fn hop_by_hop_fields_are_dropped() {
    let headers = map(&[
        ("x-a", "1"),
        ("connection", "keep-alive, x-a"),
        ("keep-alive", "timeout=5"),
        ("proxy-authenticate", "Basic"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("transfer-encoding", "gzip, chunked"),
        ("upgrade", "h2c"),
        ("date", "never"),
        ("x-b", "2"),
    ]);
    let (fields, _) =
        sent(&mut asked("GET", "1.1"), 200, &headers, ResponseBody::Fixed(0)).unwrap();
    assert_eq!(fields, ["x-a: 1", "x-b: 2", "Content-Length: 0"]);
}

#[test]
fn the_application_may_name_itself_and_may_close() {
    let headers = map(&[("server", "mine"), ("connection", "x, Close")]);
    let mut out = BytesMut::new();
    let mut conn = asked("GET", "1.1");
    conn.send_response(empty(&headers), &date(), &mut out).unwrap();
    assert_eq!(
        out,
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: mine\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(conn.keep_alive(), KeepAlive::No);
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let mut out = BytesMut::from("before");
    let mut conn = asked("GET", "1.1");
    for (status, fields, error) in [
        (101, &[][..], SendError::Interim),
        (103, &[], SendError::Interim),
        (200, &[("content-length", "")], SendError::ContentLength),
        (200, &[("content-length", "+5")], SendError::ContentLength),
        (200, &[("content-length", "5, 5")], SendError::ContentLength),
        (200, &[("content-length", "5"), ("content-length", "5")], SendError::ContentLength),
    ] {
        let headers = map(fields);
        let head =
            ResponseHead { status: StatusCode::from_u16(status).unwrap(), ..empty(&headers) };
        assert_eq!(conn.send_response(head, &date(), &mut out), Err(error));
        assert_eq!(out, "before");
        assert_eq!(conn.server_state(), ServerState::SendResponse);
    }
    answer(&mut conn);
}

#[test]
fn a_body_is_as_long_as_it_was_announced() {
    let none = HeaderMap::new();
    let mut out = BytesMut::new();
    let frame = |take| Ok(Frame { take, suffix: b"" });
    // Longer: cut.
    let mut conn = asked("GET", "1.1");
    sent(&mut conn, 200, &none, ResponseBody::Fixed(5)).unwrap();
    assert_eq!(conn.send_data(3, &mut out), frame(3));
    assert_eq!(conn.send_data(3, &mut out), frame(2));
    assert_eq!(conn.send_data(3, &mut out), frame(0));
    assert_eq!(conn.send_end(&mut out), Ok(()));
    assert_eq!(conn.server_state(), ServerState::Done);
    // Shorter: the connection cannot be used again.
    let mut conn = asked("GET", "1.1");
    sent(&mut conn, 200, &map(&[("content-length", "7")]), ResponseBody::Fixed(5)).unwrap();
    assert_eq!(conn.keep_alive(), KeepAlive::Yes);
    assert_eq!(conn.send_data(5, &mut out), frame(5));
    assert_eq!(conn.send_end(&mut out), Err(SendError::ShortBody { missing: 2 }));
    assert_eq!(conn.keep_alive(), KeepAlive::No);
    assert_eq!(conn.server_state(), ServerState::MustClose);
    // None at all.
    let mut conn = asked("HEAD", "1.1");
    sent(&mut conn, 200, &none, ResponseBody::Streamed).unwrap();
    assert_eq!(conn.send_data(5, &mut out), frame(0));
    assert_eq!(conn.send_end(&mut out), Ok(()));
    // Until the end.
    let mut conn = asked("GET", "1.0");
    sent(&mut conn, 200, &none, ResponseBody::Streamed).unwrap();
    assert_eq!(conn.send_data(5, &mut out), frame(5));
    assert_eq!(conn.send_end(&mut out), Ok(()));
    assert_eq!(conn.server_state(), ServerState::MustClose);
    assert!(out.is_empty());
}

#[test]
fn all_of_a_body_is_sent_when_the_announced_length_is() {
    let mut out = BytesMut::new();
    let mut conn = asked("GET", "1.1");
    assert!(!conn.has_sent_all(), "no response yet");
    sent(&mut conn, 200, &HeaderMap::new(), ResponseBody::Fixed(5)).unwrap();
    conn.send_data(4, &mut out).unwrap();
    assert!(!conn.has_sent_all());
    conn.send_data(1, &mut out).unwrap();
    assert!(conn.has_sent_all());
    conn.send_end(&mut out).unwrap();
    assert!(!conn.has_sent_all(), "nothing is in progress");
    // Of a stream only its maker knows.
    let mut conn = asked("GET", "1.1");
    sent(&mut conn, 200, &HeaderMap::new(), ResponseBody::Streamed).unwrap();
    conn.send_data(5, &mut out).unwrap();
    assert!(!conn.has_sent_all());
}

#[test]
fn chunks() {
    let mut conn = asked("GET", "1.1");
    sent(&mut conn, 200, &HeaderMap::new(), ResponseBody::Streamed).unwrap();
    for (len, line) in
        [(0, ""), (1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (usize::MAX, "ffffffffffffffff\r\n")]
    {
        let mut out = BytesMut::new();
        let frame = conn.send_data(len, &mut out).unwrap();
        assert_eq!(out, line);
        assert_eq!(frame, Frame { take: len, suffix: if len == 0 { b"" } else { b"\r\n" } });
    }
    let mut out = BytesMut::new();
    conn.send_end(&mut out).unwrap();
    assert_eq!(out, "0\r\n\r\n");
}
