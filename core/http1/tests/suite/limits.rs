//! The limits: exact to the byte, reached before the line ends, and off at zero.

use oxicorn_http1::*;

use crate::drive::*;

fn limits(line: usize, fields: usize, field_size: usize) -> Limits {
    Limits { line, fields, field_size, ..Limits::default() }
}

fn verdict(limits: Limits, bytes: &str) -> Result<(), ErrorKind> {
    match play(limits, [bytes.as_bytes()]).pop() {
        Some(Seen::Refused(kind)) => Err(kind),
        _ => Ok(()),
    }
}

#[test]
fn a_line_is_as_long_as_it_may_be() {
    // 14 bytes without the target, and gunicorn counts no CRLF.
    let request = |target: usize| format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", "/".repeat(target));
    assert_eq!(verdict(limits(20, 0, 0), &request(7)), Ok(()));
    assert_eq!(verdict(limits(20, 0, 0), &request(8)), Err(ErrorKind::LineTooLong));
    assert_eq!(verdict(limits(0, 0, 0), &request(50_000)), Ok(()));
    assert_eq!(verdict(limits(0, 0, 0), &request(70_000)), Err(ErrorKind::LineTooLong));
    assert_eq!(verdict(Limits::default(), &request(4094 - 13)), Ok(()));
    assert_eq!(verdict(Limits::default(), &request(4095 - 13)), Err(ErrorKind::LineTooLong));
}

#[test]
fn a_field_is_as_long_as_it_may_be() {
    // "A: " and CRLF make five; here gunicorn counts the CRLF.
    let request =
        |value: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(value));
    assert_eq!(verdict(limits(0, 0, 20), &request(15)), Ok(()));
    assert_eq!(verdict(limits(0, 0, 20), &request(16)), Err(ErrorKind::FieldTooLong));
    assert_eq!(verdict(limits(0, 0, 0), &request(1 << 20)), Ok(()));
}

#[test]
fn fields_are_counted() {
    let request =
        |more: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A_b: c\r\n".repeat(more));
    for many in [15, 16, 63, 64, 99] {
        assert_eq!(verdict(Limits::default(), &request(many)), Ok(()), "{many}");
    }
    assert_eq!(verdict(Limits::default(), &request(100)), Err(ErrorKind::TooManyFields));
    assert_eq!(verdict(limits(0, 1, 0), &request(0)), Ok(()));
    assert_eq!(verdict(limits(0, 1, 0), &request(1)), Err(ErrorKind::TooManyFields));
    assert_eq!(verdict(limits(0, 0, 0), &request(5000)), Ok(()));
    // More different names than a HeaderMap can hold: refused, not a panic.
    let names: String = (0..40_000).map(|n| format!("A{n}: b\r\n")).collect();
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{names}\r\n");
    assert_eq!(verdict(limits(0, 0, 0), &request), Err(ErrorKind::TooManyFields));
    let name = "a".repeat(70_000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\n{name}: b\r\n\r\n");
    assert_eq!(verdict(limits(0, 0, 0), &request), Err(ErrorKind::FieldTooLong));
}

#[test]
fn an_endless_line_is_refused_when_it_passes_the_limit() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (before, limit, rule) in [
        ("", 4096, ErrorKind::LineTooLong),
        ("GET / HTTP/1.1\r\n", 8190, ErrorKind::FieldTooLong),
        (head, 8190, ErrorKind::ChunkLineTooLong),
        (&format!("{head}0\r\n"), 8190, ErrorKind::FieldTooLong),
    ] {
        let mut conn = after(before);
        while !matches!(conn.next_event(), Ok(Event::NeedData)) {}
        let mut sent = 0;
        let refused = loop {
            conn.receive_data(b"A");
            sent += 1;
            if let Err(error) = conn.next_event() {
                break error;
            }
        };
        assert_eq!((sent, refused.kind()), (limit, rule));
    }
}

/// A head that comes byte by byte costs as much as one that comes whole: with a quadratic search
/// this would look at 200 billion bytes.
#[test]
fn a_dribbled_head_is_looked_at_once() {
    let mut conn = Conn::new(limits(0, 0, 0));
    conn.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n");
    for _ in 0..40_000 {
        for byte in b"Name: value\r\n".chunks(1) {
            conn.receive_data(byte);
            assert!(matches!(conn.next_event(), Ok(Event::NeedData)));
        }
    }
}

#[test]
fn statuses() {
    for (bytes, status) in [
        ("GET  / HTTP/1.1\r\n".to_owned(), 400),
        ("A".repeat(5000), 414),
        (format!("GET / HTTP/1.1\r\n{}", "A".repeat(9000)), 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n".to_owned(), 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n".to_owned(), 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n".to_owned(), 417),
        ("GET / HTTP/2.0\r\n".to_owned(), 505),
    ] {
        assert_eq!(after(&bytes).next_event().unwrap_err().status(), status, "{bytes:.40}");
    }
    assert_eq!(after("").abandon().status(), 408);
}
