//! Bodies as they arrive: lengths, chunks, trailers, and what ends too early.

use oxicorn_http1::*;

use crate::drive::*;

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// The body and trailers behind `head`, or the rule that was broken, or nothing if EOF was clean.
fn body(head: &str, body: &str) -> Result<(String, Listed), ErrorKind> {
    let bytes = format!("{head}{body}");
    let mut text = String::new();
    let mut trailers = Vec::new();
    for seen in play(Limits::default(), [bytes.as_bytes()]) {
        match seen {
            Seen::Data(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
            Seen::End(fields) => trailers = fields,
            Seen::Refused(kind) => return Err(kind),
            Seen::Head { .. } | Seen::Retired | Seen::Closed => {}
        }
    }
    Ok((text, trailers))
}

#[test]
fn chunks() {
    use ErrorKind as E;
    for (bytes, verdict) in [
        ("0\r\n\r\n", Ok("")),
        ("5\r\nhello\r\n0\r\n\r\n", Ok("hello")),
        ("2\r\nhe\r\n03\r\nllo\r\n000\r\n\r\n", Ok("hello")),
        ("A\r\n0123456789\r\n0;last\r\n\r\n", Ok("0123456789")),
        ("5 ;a=\"b\"\r\nhello\r\n0\r\n\r\n", Ok("hello")),
        ("\r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("5\nhello\r\n0\r\n\r\n", Err(E::BareLf)),
        ("5\r\nhello\n0\r\n\r\n", Err(E::ChunkEnd)),
        ("5\r\nhelloXX0\r\n\r\n", Err(E::ChunkEnd)),
        ("5\r\nhello\rX0\r\n\r\n", Err(E::ChunkEnd)),
        ("5\r\nhello world\r\n0\r\n\r\n", Err(E::ChunkEnd)),
        ("5;a\nb\r\nhello\r\n0\r\n\r\n", Err(E::BareLf)),
        ("5;a\rb\r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("+5\r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("0x5\r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("5 \r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", Err(E::ChunkSize)),
        ("5;\r\nhello\r\n0\r\n\r\n", Err(E::ChunkExtension)),
        ("5\r\nhello\r\n0\r\n\n", Err(E::BareLf)),
        ("5\r\nhello\r\n0\n\r\n", Err(E::BareLf)),
    ] {
        let seen = body(CHUNKED, bytes).map(|(text, _)| text);
        assert_eq!(seen.as_deref().map_err(|kind| *kind), verdict, "{bytes:?}");
    }
}

#[test]
fn extensions_have_a_budget() {
    let chunk = |extension: usize| format!("1;{}\r\nx\r\n", "a".repeat(extension));
    let mut bytes = chunk(8000).repeat(2);
    bytes.push_str("0\r\n\r\n");
    assert!(body(CHUNKED, &bytes).is_ok());
    assert_eq!(body(CHUNKED, &chunk(8000).repeat(3)), Err(ErrorKind::ChunkLineTooLong));
    assert_eq!(body(CHUNKED, &chunk(9000)), Err(ErrorKind::ChunkLineTooLong));
}

#[test]
fn trailers() {
    use ErrorKind as E;
    let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    for (section, verdict) in [
        ("X-Sum: 1\r\n", Ok(vec![field("x-sum", "1")])),
        ("A: b\r\nA: c\r\n", Ok(vec![field("a", "b"), field("a", "c")])),
        ("A: b\n", Err(E::BareLf)),
        ("A: b\r\n c\r\n", Err(E::FoldedField)),
        ("A : b\r\n", Err(E::FieldName)),
        ("A\r\n", Err(E::FieldName)),
        ("A: b\0\r\n", Err(E::FieldValue)),
        ("Host: a\r\n", Err(E::ForbiddenTrailer)),
        ("content-length: 5\r\n", Err(E::ForbiddenTrailer)),
        ("Transfer-Encoding: chunked\r\n", Err(E::ForbiddenTrailer)),
        ("Trailer: a\r\n", Err(E::ForbiddenTrailer)),
        ("TE: trailers\r\n", Err(E::ForbiddenTrailer)),
        ("Authorization: a\r\n", Err(E::ForbiddenTrailer)),
        ("Cookie: a\r\n", Err(E::ForbiddenTrailer)),
        ("Connection: close\r\n", Err(E::ForbiddenTrailer)),
        ("Keep-Alive: a\r\n", Err(E::ForbiddenTrailer)),
        ("Proxy-Connection: a\r\n", Err(E::ForbiddenTrailer)),
        ("Content-Type: a/b\r\n", Err(E::ForbiddenTrailer)),
        (&"A: b\r\n".repeat(101), Err(E::TooManyFields)),
        (&format!("A: {}\r\n", "b".repeat(9000)), Err(E::FieldTooLong)),
    ] {
        let bytes = format!("2\r\nok\r\n0\r\n{section}\r\n");
        assert_eq!(body(CHUNKED, &bytes).map(|(_, fields)| fields), verdict, "{section:.60?}");
    }
}

#[test]
fn a_body_that_is_cut_short_is_an_error() {
    let fixed = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n";
    for (head, bytes) in [
        (fixed, ""),
        (fixed, "hell"),
        (CHUNKED, ""),
        (CHUNKED, "5"),
        (CHUNKED, "5\r"),
        (CHUNKED, "5\r\n"),
        (CHUNKED, "5\r\nhell"),
        (CHUNKED, "5\r\nhello"),
        (CHUNKED, "5\r\nhello\r"),
        (CHUNKED, "5\r\nhello\r\n"),
        (CHUNKED, "5\r\nhello\r\n0\r\n"),
        (CHUNKED, "5\r\nhello\r\n0\r\n\r"),
        (CHUNKED, "5\r\nhello\r\n0\r\nA: b\r\n"),
    ] {
        assert_eq!(body(head, bytes), Err(ErrorKind::TruncatedBody), "{bytes:?}");
    }
    for head in ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "\r", "\r\nG"] {
        assert_eq!(body(head, ""), Err(ErrorKind::TruncatedHead), "{head:?}");
    }
    for nothing in ["", "\r\n"] {
        assert_eq!(play(Limits::default(), [nothing.as_bytes()]), [Seen::Closed]);
    }
}

#[test]
fn unread() {
    let mut conn = requested("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    assert_eq!(conn.unread_body(), Unread::AtMost(5));
    assert!(matches!(conn.next_event(), Ok(Event::Data(data)) if data == "he"));
    assert_eq!(conn.unread_body(), Unread::AtMost(3));
    conn.receive_data(b"llo");
    assert!(matches!(conn.next_event(), Ok(Event::Data(data)) if data == "llo"));
    assert_eq!(conn.unread_body(), Unread::None);
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));

    let mut conn = requested(format!("{CHUNKED}0\r\n\r\n"));
    assert_eq!(conn.unread_body(), Unread::Unknown);
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
    assert_eq!(conn.unread_body(), Unread::None);
    assert_eq!(requested("GET / HTTP/1.1\r\nHost: a\r\n\r\n").unread_body(), Unread::None);
}

/// The application gets the bytes where they were received, and the buffer is used again.
#[test]
fn nothing_is_copied() {
    let mut conn = Conn::new(Limits::default());
    conn.buffer().reserve(4096);
    conn.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    let range = conn.buffer().as_ptr_range();
    let Ok(Event::Request(head)) = conn.next_event() else { panic!() };
    let Ok(Event::Data(data)) = conn.next_event() else { panic!() };
    assert!(range.contains(&head.target.as_ptr()));
    assert!(range.contains(&head.headers["host"].as_bytes().as_ptr()));
    assert!(range.contains(&data.as_ptr()));
    drop((head, data));
    assert!(matches!(conn.next_event(), Ok(Event::EndOfMessage(None))));
    conn.buffer().reserve(4096);
    assert_eq!(conn.buffer().as_ptr(), range.start);
}
