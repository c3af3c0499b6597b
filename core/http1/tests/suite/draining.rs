//! Responses that are sent while the request's body is unread, and 100 Continue.

use bytes::BytesMut;
use oxicorn_http1::*;

use crate::drive::*;

const GET: &str = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fn post(length: u64) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

#[test]
fn an_unread_body_is_thrown_away_or_closes() {
    let big = "x".repeat(100_000);
    for (bytes, keep) in [
        (post(5), KeepAlive::Yes),
        (post(64 * 1024), KeepAlive::Yes),
        (post(64 * 1024 + 1), KeepAlive::No),
        (post(64 * 1024 + 1) + "x", KeepAlive::No),
        (post(100_000) + &big, KeepAlive::Yes),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n"), KeepAlive::Yes),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\nA: b\r\n\r\n"), KeepAlive::Yes),
        (format!("{CHUNKED}5\r\nhello\r\n0\r\n"), KeepAlive::No),
        (format!("{CHUNKED}5\r\nhel"), KeepAlive::No),
        (format!("{CHUNKED}5\r\nhelloXX"), KeepAlive::No),
        (CHUNKED.to_owned(), KeepAlive::No),
    ] {
        let mut conn = requested(&bytes);
        let response = answer(&mut conn);
        assert_eq!(conn.keep_alive(), keep, "{bytes:.120}");
        assert_eq!(response.contains("Connection: close"), keep == KeepAlive::No, "{bytes:.120}");
    }
}

#[test]
fn the_rest_of_a_body_is_never_a_request() {
    let mut conn = requested(post(3 * GET.len() as u64) + GET);
    answer(&mut conn);
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Unread));
    assert!(conn.buffer().is_empty());
    conn.receive_data(GET.as_bytes());
    assert!(matches!(conn.next_event(), Ok(Event::NeedData)));
    conn.receive_data(GET.as_bytes());
    conn.receive_data(b"GET /real HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
    conn.start_next_cycle().unwrap();
    assert!(matches!(conn.next_event(), Ok(Event::Request(head)) if head.target == "/real"));
}

#[test]
fn one_call_throws_away_what_is_there() {
    let mut conn = requested(format!("{CHUNKED}5\r\nhello\r\n0\r\n\r\n{GET}"));
    answer(&mut conn);
    conn.start_next_cycle().unwrap();
    assert!(matches!(conn.next_event(), Ok(Event::Request(head)) if head.target == "/next"));
}

#[test]
fn a_body_that_breaks_while_it_is_thrown_away() {
    // A forbidden trailer is only seen when it is parsed.
    let bytes = format!("{CHUNKED}0\r\nHost: a\r\n\r\n{GET}");
    let mut conn = requested(&bytes);
    answer(&mut conn);
    assert_eq!(conn.keep_alive(), KeepAlive::Yes);
    assert_eq!(conn.start_next_cycle(), Err(NotReusable::Closing));
    assert_eq!(conn.keep_alive(), KeepAlive::No);

    let mut conn = requested(&bytes);
    answer(&mut conn);
    assert_eq!(conn.next_event().unwrap_err().kind(), ErrorKind::ForbiddenTrailer);
    assert_eq!(conn.server_state(), ServerState::MustClose);

    let mut conn = requested(post(5));
    answer(&mut conn);
    conn.receive_eof();
    assert_eq!(conn.next_event().unwrap_err().kind(), ErrorKind::TruncatedBody);
}

#[test]
fn reading_and_answering_overlap() {
    let mut conn = requested(post(5));
    let mut out = BytesMut::new();
    let headers = http::HeaderMap::new();
    let head = ResponseHead { body: ResponseBody::Fixed(5), ..empty(&headers) };
    conn.send_response(head, &date(), &mut out).unwrap();
    conn.receive_data(b"hello");
    assert!(matches!(conn.next_event(), Ok(Event::Data(data)) if data == "hello"));
    assert_eq!(conn.send_data(5, &mut out).unwrap().take, 5);
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
    conn.send_end(&mut out).unwrap();
    conn.start_next_cycle().unwrap();
}

const EXPECT: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn continue_is_said_once_and_in_time() {
    let mut out = BytesMut::new();
    let mut conn = requested(EXPECT);
    assert!(conn.expects_continue());
    conn.send_continue(&mut out);
    conn.send_continue(&mut out);
    assert_eq!(out, "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(!conn.expects_continue());
    conn.receive_data(b"hello");
    assert!(matches!(conn.next_event(), Ok(Event::Data(_))));
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
    assert!(!answer(&mut conn).contains("close"));

    // A client that did not wait is not told.
    let mut out = BytesMut::new();
    let mut conn = requested(format!("{EXPECT}he"));
    assert!(matches!(conn.next_event(), Ok(Event::Data(_))));
    conn.send_continue(&mut out);
    assert!(out.is_empty());

    let mut conn = requested(GET);
    conn.send_continue(&mut out);
    assert!(out.is_empty());
}

#[test]
fn a_final_response_instead_of_continue_closes() {
    let mut conn = requested(EXPECT);
    assert!(answer(&mut conn).contains("Connection: close"));
    let mut out = BytesMut::new();
    conn.send_continue(&mut out);
    assert!(out.is_empty());
    // What the client sends all the same is not looked at.
    conn.receive_data(b"hello");
    assert!(matches!(conn.next_event(), Ok(Event::Closed)));

    let mut conn = requested(EXPECT);
    conn.send_continue(&mut out);
    assert!(!answer(&mut conn).contains("Connection: close"));
}
