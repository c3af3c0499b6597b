//! The client against a server that is a few bytes: above all, what it must refuse.

use super::stream::Stream;
use super::*;
use std::io::Write;
use std::os::unix::net::UnixStream;

/// A connection on which the server has written `bytes` and closed.
fn answered(bytes: &[u8]) -> Connection {
    let (mut server, client) = UnixStream::pair().unwrap();
    server.write_all(bytes).unwrap();
    Connection::over(Stream::Unix(client)).patience(Duration::from_secs(5))
}

#[test]
fn a_body_ends_by_its_length_its_last_chunk_or_the_end() {
    let length = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        .receive(Asked::ForAll)
        .unwrap();
    assert_eq!(length.text(), "hello");
    assert_eq!(length.framing, Framing::Length(5));
    assert_eq!(length.after(), response::After::Keep);

    let chunked = answered(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n",
    )
    .receive(Asked::ForAll)
    .unwrap();
    assert_eq!(chunked.text(), "hello");
    assert_eq!(chunked.trailer("x-sum"), Some("1"));

    let until_close = answered(b"HTTP/1.1 200 OK\r\n\r\nhello").receive(Asked::ForAll).unwrap();
    assert_eq!(until_close.text(), "hello");
    assert_eq!(until_close.after(), response::After::Close);
}

#[test]
fn what_has_no_body_is_not_read_beyond_its_head() {
    let mut head = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 \r\n\r\n");
    assert_eq!(head.receive(Asked::ForHead).unwrap().framing, Framing::None);
    let second = head.receive(Asked::ForAll).unwrap();
    assert_eq!((second.status, second.body.len()), (204, 0));
    head.expect_end().unwrap();
}

#[test]
fn interim_responses_are_kept_apart() {
    let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answered(bytes).receive(Asked::ForAll).unwrap().interim, [100]);
    assert_eq!(answered(bytes).receive_interim().unwrap(), 100);
}

#[test]
fn connection_is_read_as_a_list() {
    for (head, after) in [
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", response::After::Close),
        ("HTTP/1.1 200 OK\r\nConnection: closed\r\n", response::After::Keep),
        ("HTTP/1.0 200 OK\r\n", response::After::Close),
        ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", response::After::Keep),
    ] {
        let bytes = format!("{head}Content-Length: 0\r\n\r\n");
        let response = answered(bytes.as_bytes()).receive(Asked::ForAll).unwrap();
        assert_eq!(response.after(), after, "{head}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for bytes in [
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        "HTTP/1.1 200 OK\r\nContent Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    ] {
        let refused = answered(bytes.as_bytes()).receive(Asked::ForAll);
        let malformed = matches!(refused, Err(ClientError::Malformed(_)));
        assert!(malformed, "{bytes:?}: {refused:?}");
    }
}

#[test]
fn an_end_before_a_response_is_not_an_end_within_one() {
    let closed = answered(b"").receive(Asked::ForAll);
    assert!(matches!(closed, Err(ClientError::Closed)), "{closed:?}");
    for bytes in [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let short = answered(bytes.as_bytes()).receive(Asked::ForAll);
        assert!(matches!(short, Err(ClientError::Short(_))), "{bytes:?}: {short:?}");
    }
}

#[test]
fn bytes_behind_the_last_response_are_noticed() {
    let mut more = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab");
    assert_eq!(more.receive(Asked::ForAll).unwrap().text(), "a");
    assert!(matches!(more.expect_end(), Err(ClientError::Malformed(_))));
}

#[test]
fn a_silent_server_is_not_waited_for_for_ever() {
    let (_server, client) = UnixStream::pair().unwrap();
    let mut silent = Connection::over(Stream::Unix(client)).patience(Duration::from_millis(20));
    let waited = silent.get("/");
    assert!(matches!(waited, Err(ClientError::TimedOut)), "{waited:?}");
}
