//! A whole response, and the rules by which its body ends (RFC 9112, sections 6 and 7).

use super::error::ClientError;
use super::head::{Fields, Head};
use super::stream::Incoming;
use super::{Asked, Version};
use crate::deadline::Deadline;

/// What the end of the body is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// The last chunk.
    Chunked,
    /// The end of the connection.
    UntilClose,
}

/// A final response.
#[derive(Clone, Debug)]
pub struct Response {
    /// The version in the status line.
    pub version: Version,
    /// The status.
    pub status: u16,
    /// The text behind the status.
    pub reason: String,
    /// What the end of the body was known by.
    pub framing: Framing,
    /// The body, unless it went into a sink.
    pub body: Vec<u8>,
    /// The statuses of the interim responses before this one.
    pub interim: Vec<u16>,
    headers: Fields,
    trailers: Fields,
}

impl Framing {
    pub(super) fn of(head: &Head, asked: Asked) -> Result<Framing, ClientError> {
        let malformed = |what: &str| Err(ClientError::Malformed(what.to_owned()));
        let length = head.headers.one("Content-Length")?;
        let coding = head.headers.one("Transfer-Encoding")?;
        let bodiless = matches!(head.status, 100..200 | 204);
        if bodiless && (length.is_some() || coding.is_some()) {
            return malformed("a length or a coding where there can be no body");
        }
        let length = match length.map(decimal) {
            Some(None) => return malformed("Content-Length is no number"),
            Some(length) => length,
            None => None,
        };
        match (coding, length) {
            (Some(_), Some(_)) => malformed("both Content-Length and Transfer-Encoding"),
            (Some(_), None) if head.minor_version == 0 => {
                malformed("Transfer-Encoding in HTTP/1.0")
            }
            _ if bodiless || head.status == 304 || asked == Asked::ForHead => Ok(Framing::None),
            (Some(coding), None) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
            (Some(coding), None) => malformed(&format!("Transfer-Encoding: {coding}")),
            (None, Some(length)) => Ok(Framing::Length(length)),
            (None, None) => Ok(Framing::UntilClose),
        }
    }
}

impl Response {
    pub(super) fn assemble(
        head: Head,
        framing: Framing,
        interim: Vec<u16>,
        trailers: Fields,
    ) -> Response {
        Response {
            version: match head.minor_version {
                0 => Version::Http10,
                _ => Version::Http11,
            },
            status: head.status,
            reason: head.reason,
            framing,
            body: Vec::new(),
            interim,
            headers: head.headers,
            trailers,
        }
    }

    /// The first value of a header field.
    pub fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers.all(name).next()
    }

    /// The first value of a trailer field.
    pub fn trailer<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.trailers.all(name).next()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What becomes of the connection, by what the response says (RFC 9112, section 9.3).
    pub fn after(&self) -> After {
        let close = self.headers.lists("Connection", "close");
        let keep = match self.version {
            Version::Http10 => self.headers.lists("Connection", "keep-alive"),
            Version::Http11 => true,
        };
        match close || !keep || self.framing == Framing::UntilClose {
            true => After::Close,
            false => After::Keep,
        }
    }
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The server will close it.
    Close,
    /// Another request may follow.
    Keep,
}

/// Reads a body into the sink, and gives the trailer fields.
pub(super) fn read_body(
    incoming: &mut Incoming,
    framing: Framing,
    deadline: Deadline,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Fields, ClientError> {
    match framing {
        Framing::None => {}
        Framing::Length(length) => pass(incoming, length, deadline, sink)?,
        Framing::UntilClose => loop {
            let piece = incoming.peek(deadline)?;
            let count = piece.len();
            if count == 0 {
                break;
            }
            sink(piece);
            incoming.consume(count);
        },
        Framing::Chunked => return read_chunks(incoming, deadline, sink),
    }
    Ok(Fields::default())
}

fn read_chunks(
    incoming: &mut Incoming,
    deadline: Deadline,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<Fields, ClientError> {
    loop {
        let line = incoming.line("a chunk size", deadline)?;
        let hex = !line.is_empty() && line.bytes().all(|b| b.is_ascii_hexdigit());
        let size = u64::from_str_radix(&line, 16).ok().filter(|_| hex);
        match size {
            None => return Err(ClientError::Malformed(format!("chunk size {line:?}"))),
            Some(0) => return Fields::read(incoming, "the trailers", deadline),
            Some(size) => pass(incoming, size, deadline, sink)?,
        }
        let behind = incoming.line("a chunk", deadline)?;
        if !behind.is_empty() {
            let what = format!("{behind:?} behind a chunk");
            return Err(ClientError::Malformed(what));
        }
    }
}

/// Hands exactly so many bytes on to the sink.
fn pass(
    incoming: &mut Incoming,
    mut length: u64,
    deadline: Deadline,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), ClientError> {
    while length > 0 {
        let piece = incoming.peek(deadline)?;
        let count = piece.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        if count == 0 {
            return Err(ClientError::Short("a body"));
        }
        sink(&piece[..count]);
        incoming.consume(count);
        length -= count as u64;
    }
    Ok(())
}

fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
