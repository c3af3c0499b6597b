//! From a response to bytes. The framing is decided here and nowhere else, so that no handler and
//! no worker class can send a length that is not the body's.

use bytes::BytesMut;
use http::header::{self, HeaderName};
use http::{StatusCode, Version};

use crate::date::HttpDate;
use crate::event::KeepAlive;
use crate::framing::content_length;
use crate::response::{BodyFraming, Frame, ResponseBody, ResponseHead, SendError};

/// Room for a small head, in bytes.
const USUAL_HEAD: usize = 256;

/// What the response depends on in the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) method: AskedMethod,
    pub(crate) version: Version,
}

/// The methods whose responses are framed differently (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedMethod {
    Head,
    Connect,
    Other,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    pub(crate) body: BodyFraming,
    pub(crate) keep_alive: KeepAlive,
}

/// The field that tells the framing, when the application has not written it itself.
enum FramingField {
    Nothing,
    Length(u64),
    Chunked,
}

/// What a field of the application's is to us.
enum Role {
    /// It goes out as it is.
    EndToEnd,
    /// It goes out if the response may have it, and counts.
    ContentLength,
    /// It is dropped, but `close` is obeyed.
    Connection,
    /// It is dropped.
    Ours,
}

/// Appends a response head to `out`; on an error `out` is as it was.
pub(crate) fn head(
    head: &ResponseHead<'_>,
    asked: Asked,
    wish: KeepAlive,
    date: &HttpDate,
    out: &mut BytesMut,
) -> Result<Begun, SendError> {
    if head.status.is_informational() {
        return Err(SendError::Interim);
    }
    let start = out.len();
    out.reserve(USUAL_HEAD);
    status_line(head.status, out);
    // The fields are walked through anyway, and few: that is cheaper than to hash the name.
    if head.headers.keys().any(|name| *name == header::SERVER) {
        out.extend_from_slice(date.date());
    } else {
        out.extend_from_slice(date.server_and_date());
    }
    let fields = match application_fields(head, asked, out) {
        Ok(fields) => fields,
        Err(error) => {
            out.truncate(start);
            return Err(error);
        }
    };
    let (body, field) = framing(head, asked, fields.length);
    match field {
        FramingField::Nothing => {}
        FramingField::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        FramingField::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    let keep_alive = match (wish, fields.keep_alive, body) {
        (KeepAlive::No, _, _) | (_, KeepAlive::No, _) | (_, _, BodyFraming::UntilClose) => {
            KeepAlive::No
        }
        _ => KeepAlive::Yes,
    };
    // Said only when it differs from what the version implies (RFC 9112 section 9.3).
    match (keep_alive, asked.version) {
        (KeepAlive::Yes, Version::HTTP_10) => {
            out.extend_from_slice(b"Connection: keep-alive\r\n\r\n");
        }
        (KeepAlive::No, Version::HTTP_11) => out.extend_from_slice(b"Connection: close\r\n\r\n"),
        _ => out.extend_from_slice(b"\r\n"),
    }
    Ok(Begun { body, keep_alive })
}

/// We speak HTTP/1.1 to every client: the version is the server's own (RFC 9110 section 6.2).
fn status_line(status: StatusCode, out: &mut BytesMut) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    // The space stays even where there is no reason (RFC 9112 section 4).
    out.extend_from_slice(b" ");
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// What the application's fields decided.
struct ApplicationFields {
    length: Option<u64>,
    keep_alive: KeepAlive,
}

fn application_fields(
    head: &ResponseHead<'_>,
    asked: Asked,
    out: &mut BytesMut,
) -> Result<ApplicationFields, SendError> {
    let mut decided = ApplicationFields { length: None, keep_alive: KeepAlive::Yes };
    for (name, value) in head.headers {
        match role(name) {
            Role::EndToEnd => {}
            Role::ContentLength => {
                let length = content_length(value.as_bytes()).ok_or(SendError::ContentLength)?;
                if decided.length.replace(length).is_some() {
                    return Err(SendError::ContentLength);
                }
                if must_not_have_length(head.status, asked) {
                    continue;
                }
            }
            Role::Connection => {
                let close = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(b"close");
                if value.as_bytes().split(|byte| *byte == b',').any(close) {
                    decided.keep_alive = KeepAlive::No;
                }
                continue;
            }
            Role::Ours => continue,
        }
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    Ok(decided)
}

/// The fields of one connection (RFC 9110 section 7.6.1) and the ones we answer for ourselves.
fn role(name: &HeaderName) -> Role {
    match name.as_str() {
        "content-length" => Role::ContentLength,
        "connection" => Role::Connection,
        "date" | "keep-alive" | "te" | "trailer" | "transfer-encoding" | "upgrade" => Role::Ours,
        other if other.starts_with("proxy-") => Role::Ours,
        _ => Role::EndToEnd,
    }
}

/// RFC 9110 section 8.6 and, for CONNECT, section 9.3.6.
fn must_not_have_length(status: StatusCode, asked: Asked) -> bool {
    status == StatusCode::NO_CONTENT || opens_tunnel(status, asked)
}

fn opens_tunnel(status: StatusCode, asked: Asked) -> bool {
    asked.method == AskedMethod::Connect && status.is_success()
}

/// RFC 9112 section 6.3, for a server.
fn framing(
    head: &ResponseHead<'_>,
    asked: Asked,
    declared: Option<u64>,
) -> (BodyFraming, FramingField) {
    let status = head.status;
    if status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return (BodyFraming::None, FramingField::Nothing);
    }
    if asked.method == AskedMethod::Head {
        // An empty body is what a framework gives for HEAD: it does not tell what GET would have
        // sent, and no length is better than a wrong one (RFC 9110 section 9.3.2).
        let field = match (declared, head.body) {
            (None, ResponseBody::Fixed(length @ 1..)) => FramingField::Length(length),
            _ => FramingField::Nothing,
        };
        return (BodyFraming::None, field);
    }
    if opens_tunnel(status, asked) {
        return (BodyFraming::UntilClose, FramingField::Nothing);
    }
    match (declared, head.body) {
        (Some(length), _) => (BodyFraming::Fixed(length), FramingField::Nothing),
        (None, ResponseBody::Fixed(length)) => {
            (BodyFraming::Fixed(length), FramingField::Length(length))
        }
        (None, ResponseBody::Streamed) if asked.version == Version::HTTP_10 => {
            (BodyFraming::UntilClose, FramingField::Nothing)
        }
        (None, ResponseBody::Streamed) => (BodyFraming::Chunked, FramingField::Chunked),
    }
}

/// Announces `len` bytes of a body framed as `body`.
pub(crate) fn frame(body: &mut BodyFraming, len: usize, out: &mut BytesMut) -> Frame {
    const PLAIN: &[u8] = b"";
    match body {
        BodyFraming::None => Frame { take: 0, suffix: PLAIN },
        BodyFraming::UntilClose => Frame { take: len, suffix: PLAIN },
        BodyFraming::Fixed(remaining) => {
            let take = usize::try_from(*remaining).map_or(len, |remaining| remaining.min(len));
            *remaining -= take as u64;
            Frame { take, suffix: PLAIN }
        }
        // A chunk of no bytes would be the last one (RFC 9112 section 7.1).
        BodyFraming::Chunked if len == 0 => Frame { take: 0, suffix: PLAIN },
        BodyFraming::Chunked => {
            chunk_size(len, out);
            Frame { take: len, suffix: b"\r\n" }
        }
    }
}

fn chunk_size(len: usize, out: &mut BytesMut) {
    const DIGITS: usize = usize::BITS as usize / 4;
    let mut line = *b"0000000000000000\r\n";
    let mut rest = len;
    let mut first = DIGITS;
    while rest > 0 {
        first -= 1;
        line[first] = b"0123456789abcdef"[rest & 15];
        rest >>= 4;
    }
    out.extend_from_slice(&line[first..DIGITS]);
    out.extend_from_slice(b"\r\n");
}

/// Appends what ends a body framed as `body`.
pub(crate) fn end(body: BodyFraming, out: &mut BytesMut) -> Result<(), SendError> {
    match body {
        BodyFraming::None | BodyFraming::UntilClose | BodyFraming::Fixed(0) => Ok(()),
        BodyFraming::Fixed(missing) => Err(SendError::ShortBody { missing }),
        BodyFraming::Chunked => {
            out.extend_from_slice(b"0\r\n\r\n");
            Ok(())
        }
    }
}
