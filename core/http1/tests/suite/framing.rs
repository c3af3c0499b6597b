//! Content-Length, Transfer-Encoding, Expect, Connection: the rules that smuggling lives on.

use oxicorn_http1::*;

use crate::drive::*;

fn framed(version: &str, fields: &str) -> Result<BodyLength, ErrorKind> {
    head_of(format!("POST / HTTP/{version}\r\nHost: a\r\n{fields}\r\n")).map(|head| head.body)
}

#[test]
fn content_length() {
    use ErrorKind as E;
    for (value, verdict) in [
        ("0", Ok(BodyLength::Fixed(0))),
        ("5", Ok(BodyLength::Fixed(5))),
        ("005", Ok(BodyLength::Fixed(5))),
        ("18446744073709551615", Ok(BodyLength::Fixed(u64::MAX))),
        ("18446744073709551616", Err(E::ContentLength)),
        ("99999999999999999999999999", Err(E::ContentLength)),
        ("", Err(E::ContentLength)),
        ("+5", Err(E::ContentLength)),
        ("-5", Err(E::ContentLength)),
        ("5,5", Err(E::ContentLength)),
        ("5, 5", Err(E::ContentLength)),
        ("5 5", Err(E::ContentLength)),
        ("0x5", Err(E::ContentLength)),
        ("5.0", Err(E::ContentLength)),
        ("5e0", Err(E::ContentLength)),
        ("\u{665}", Err(E::ContentLength)),
    ] {
        assert_eq!(framed("1.1", &format!("Content-Length: {value}\r\n")), verdict, "{value:?}");
    }
    let twice = "Content-Length: 5\r\nContent-Length: 5\r\n";
    assert_eq!(framed("1.1", twice), Err(E::DuplicateContentLength));
}

#[test]
fn transfer_encoding() {
    use ErrorKind as E;
    for (fields, verdict) in [
        ("Transfer-Encoding: chunked\r\n", Ok(BodyLength::Chunked)),
        ("Transfer-Encoding: \tCHUNKED \r\n", Ok(BodyLength::Chunked)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Err(E::LengthAndTransferEncoding)),
        ("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", Err(E::LengthAndTransferEncoding)),
        ("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", Err(E::LengthAndTransferEncoding)),
        ("Transfer-Encoding: gzip\r\n", Err(E::ChunkedNotLast)),
        ("Transfer-Encoding: identity\r\n", Err(E::ChunkedNotLast)),
        ("Transfer-Encoding: chunked, gzip\r\n", Err(E::ChunkedNotLast)),
        ("Transfer-Encoding: chunked, identity\r\n", Err(E::ChunkedNotLast)),
        ("Transfer-Encoding: chunked, chunked\r\n", Err(E::ChunkedTwice)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Err(E::ChunkedTwice)),
        ("Transfer-Encoding: gzip, chunked, chunked\r\n", Err(E::ChunkedTwice)),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Err(E::ChunkedNotLast)),
        ("Transfer-Encoding: gzip, chunked\r\n", Err(E::UnsupportedTransferCoding)),
        ("Transfer-Encoding: identity, chunked\r\n", Err(E::UnsupportedTransferCoding)),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            Err(E::UnsupportedTransferCoding),
        ),
        ("Transfer-Encoding: chunked, gzip, chunked\r\n", Err(E::UnsupportedTransferCoding)),
        ("Transfer-Encoding:\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: chunked,\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: ,chunked\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: xchunked\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: chunked;q=1\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: \"chunked\"\r\n", Err(E::UnknownTransferCoding)),
        ("Transfer-Encoding: chunked foo\r\n", Err(E::UnknownTransferCoding)),
    ] {
        assert_eq!(framed("1.1", fields), verdict, "{fields:?}");
    }
    assert_eq!(framed("1.0", "Transfer-Encoding: chunked\r\n"), Err(E::TransferEncodingInHttp10));
}

#[test]
fn expect() {
    let length = "Content-Length: 5\r\n";
    for (version, fields, waits) in [
        ("1.1", "Expect: 100-continue\r\n", Ok(true)),
        ("1.1", "Expect: 100-Continue\r\n", Ok(true)),
        ("1.1", "", Ok(false)),
        ("1.0", "Expect: 100-continue\r\n", Ok(false)),
        ("1.0", "Expect: something\r\n", Ok(false)),
        ("1.1", "Expect: something\r\n", Err(ErrorKind::Expectation)),
        ("1.1", "Expect: 100-continue, something\r\n", Err(ErrorKind::Expectation)),
        ("1.1", "Expect:\r\n", Err(ErrorKind::Expectation)),
    ] {
        let mut conn = after(format!("POST / HTTP/{version}\r\nHost: a\r\n{length}{fields}\r\n"));
        let seen = conn.next_event().map(|_| conn.expects_continue()).map_err(|e| e.kind());
        assert_eq!(seen, waits, "{version} {fields:?}");
    }
    // Without a body nobody waits.
    assert!(
        !requested("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue()
    );
}

#[test]
fn connection() {
    for (version, fields, keep) in [
        ("1.1", "", KeepAlive::Yes),
        ("1.1", "Connection: close\r\n", KeepAlive::No),
        ("1.1", "Connection: Close\r\n", KeepAlive::No),
        ("1.1", "Connection: foo, close\r\n", KeepAlive::No),
        ("1.1", "Connection: close ,foo\r\n", KeepAlive::No),
        ("1.1", "Connection: foo\r\nConnection: close\r\n", KeepAlive::No),
        ("1.1", "Connection: keep-alive, close\r\n", KeepAlive::No),
        ("1.1", "Connection: closed\r\n", KeepAlive::Yes),
        ("1.1", "Connection: keep-alive\r\n", KeepAlive::Yes),
        ("1.2", "", KeepAlive::Yes),
        ("1.0", "", KeepAlive::No),
        ("1.0", "Connection: keep-alive\r\n", KeepAlive::Yes),
        ("1.0", "Connection: foo, Keep-Alive\r\n", KeepAlive::Yes),
        ("1.0", "Connection: keep-alive, close\r\n", KeepAlive::No),
    ] {
        let mut conn = requested(format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n"));
        let response = answer(&mut conn);
        assert_eq!(conn.keep_alive(), keep, "{version} {fields:?}");
        let said = response.lines().find_map(|line| line.strip_prefix("Connection: "));
        let expected = match (version, keep) {
            ("1.0", KeepAlive::Yes) => Some("keep-alive"),
            ("1.1", KeepAlive::No) => Some("close"),
            _ => None,
        };
        assert_eq!(said, expected, "{version} {fields:?}");
        let next = conn.start_next_cycle();
        match keep {
            KeepAlive::Yes => assert_eq!(next, Ok(())),
            KeepAlive::No => assert_eq!(next, Err(NotReusable::Closing)),
        }
    }
}
