//! What the fields of a request say about the message and the connection, rather than to the
//! application. Every field passes here once, while the map is built.
//!
//! These are the rules that request smuggling lives on. The guiding thought: when two recipients
//! could read a message differently, it is refused, even where the RFC offers a way to repair it.

use http::{HeaderName, HeaderValue, Version, header};

use crate::authority::is_host_and_port;
use crate::error::ErrorKind;
use crate::event::{BodyLength, KeepAlive, Upgrade};
use crate::limits::MissingHost;

/// The conclusions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) body: BodyLength,
    pub(crate) keep_alive: KeepAlive,
    pub(crate) expect: Expect,
    pub(crate) upgrade: Upgrade,
}

/// Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    Nothing,
    Continue,
}

/// What was seen so far.
#[derive(Debug)]
pub(crate) struct Findings {
    version: Version,
    host: Option<()>,
    content_type: Option<()>,
    length: Option<u64>,
    codings: Codings,
    options: Options,
    expect: Expect,
    upgrade_field: Option<()>,
}

/// The list of transfer codings, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codings {
    None,
    Chunked,
    /// Codings before `chunked` or without it; `last` is the last one.
    Layered {
        last: Coding,
    },
    ChunkedTwice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Chunked,
    Other,
}

/// The connection options we know (RFC 9110 section 7.6.1).
#[derive(Debug, Default)]
struct Options {
    close: Option<()>,
    keep_alive: Option<()>,
    upgrade: Option<()>,
}

impl Findings {
    pub(crate) fn new(version: Version) -> Findings {
        Findings {
            version,
            host: None,
            content_type: None,
            length: None,
            codings: Codings::None,
            options: Options::default(),
            expect: Expect::Nothing,
            upgrade_field: None,
        }
    }

    /// Takes note of one field.
    #[inline]
    pub(crate) fn field(
        &mut self,
        name: &HeaderName,
        value: &HeaderValue,
    ) -> Result<(), ErrorKind> {
        if *name == header::HOST {
            once(&mut self.host, ErrorKind::DuplicateHost)?;
            return check_host(value.as_bytes());
        }
        if *name == header::CONNECTION {
            self.options.list(value.as_bytes());
        } else if *name == header::CONTENT_TYPE {
            once(&mut self.content_type, ErrorKind::DuplicateContentType)?;
        } else if *name == header::CONTENT_LENGTH {
            if self.length.is_some() {
                return Err(ErrorKind::DuplicateContentLength);
            }
            self.length = Some(content_length(value.as_bytes()).ok_or(ErrorKind::ContentLength)?);
        } else if *name == header::TRANSFER_ENCODING {
            self.codings = self.codings.list(value.as_bytes())?;
        } else if *name == header::EXPECT {
            // An HTTP/1.0 client may not expect anything; it is ignored (RFC 9110 section 10.1.1).
            if self.version != Version::HTTP_10 {
                self.expect = expectation(value.as_bytes())?;
            }
        } else if *name == header::UPGRADE && !value.is_empty() {
            self.upgrade_field = Some(());
        }
        Ok(())
    }

    /// Concludes, after the last field.
    pub(crate) fn conclude(self, missing_host: MissingHost) -> Result<Facts, ErrorKind> {
        let http10 = self.version == Version::HTTP_10;
        if self.host.is_none() && !http10 && missing_host == MissingHost::Refuse {
            return Err(ErrorKind::MissingHost);
        }
        let body = match (self.codings, self.length) {
            (Codings::None, None) => BodyLength::None,
            (Codings::None, Some(length)) => BodyLength::Fixed(length),
            _ if http10 => return Err(ErrorKind::TransferEncodingInHttp10),
            (_, Some(_)) => return Err(ErrorKind::LengthAndTransferEncoding),
            (codings, None) => codings.conclude()?,
        };
        // A client with no body to send waits for nothing.
        let expect = match body {
            BodyLength::None | BodyLength::Fixed(0) => Expect::Nothing,
            BodyLength::Fixed(_) | BodyLength::Chunked => self.expect,
        };
        // RFC 9112 section 9.3: close beats everything, 1.1 stays, 1.0 stays when it asks to.
        let keep_alive = match (self.options.close, self.options.keep_alive) {
            (Some(()), _) => KeepAlive::No,
            (None, None) if http10 => KeepAlive::No,
            (None, _) => KeepAlive::Yes,
        };
        // RFC 9110 section 7.8: the field counts only when it is nominated, and never in 1.0.
        let upgrade = match (self.upgrade_field, self.options.upgrade) {
            (Some(()), Some(())) if !http10 => Upgrade::Asked,
            _ => Upgrade::No,
        };
        Ok(Facts { body, keep_alive, expect, upgrade })
    }
}

fn once(seen: &mut Option<()>, again: ErrorKind) -> Result<(), ErrorKind> {
    match seen.replace(()) {
        None => Ok(()),
        Some(()) => Err(again),
    }
}

/// The elements of a comma-separated list (RFC 9110 section 5.6.1), empty ones included.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// RFC 9112 section 3.2: an invalid one is refused. An empty value is allowed, for a target without
/// authority.
fn check_host(value: &[u8]) -> Result<(), ErrorKind> {
    if value.is_empty() || is_host_and_port(value) { Ok(()) } else { Err(ErrorKind::HostValue) }
}

/// `1*DIGIT` that fits 64 bits (RFC 9110 section 8.6). No sign, no list, no white space.
pub(crate) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0u64, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The only expectation there is (RFC 9110 section 10.1.1).
fn expectation(value: &[u8]) -> Result<Expect, ErrorKind> {
    if elements(value).all(|element| element.eq_ignore_ascii_case(b"100-continue")) {
        Ok(Expect::Continue)
    } else {
        Err(ErrorKind::Expectation)
    }
}

impl Options {
    fn list(&mut self, value: &[u8]) {
        for option in elements(value) {
            if option.eq_ignore_ascii_case(b"close") {
                self.close = Some(());
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = Some(());
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = Some(());
            }
        }
    }
}

impl Codings {
    /// Adds the codings of one field (RFC 9112 section 6.1: several fields are one list).
    fn list(self, value: &[u8]) -> Result<Codings, ErrorKind> {
        // `identity` was withdrawn, but it is known not to be `chunked`.
        const OTHER: [&[u8]; 6] =
            [b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"identity"];
        elements(value).try_fold(self, |so_far, element| {
            if element.eq_ignore_ascii_case(b"chunked") {
                Ok(so_far.and(Coding::Chunked))
            } else if OTHER.iter().any(|other| element.eq_ignore_ascii_case(other)) {
                Ok(so_far.and(Coding::Other))
            } else {
                Err(ErrorKind::UnknownTransferCoding)
            }
        })
    }

    fn and(self, next: Coding) -> Codings {
        match (self, next) {
            (Codings::None, Coding::Chunked) => Codings::Chunked,
            (Codings::Chunked | Codings::ChunkedTwice, Coding::Chunked)
            | (Codings::Layered { last: Coding::Chunked }, Coding::Chunked) => {
                Codings::ChunkedTwice
            }
            (_, last) => Codings::Layered { last },
        }
    }

    /// RFC 9112 section 6.3. gunicorn passes `gzip, chunked` on without decoding it, which leaves
    /// each application to find out; we decode nothing but chunked, and say 501.
    fn conclude(self) -> Result<BodyLength, ErrorKind> {
        match self {
            Codings::None => Ok(BodyLength::None),
            Codings::Chunked => Ok(BodyLength::Chunked),
            Codings::ChunkedTwice => Err(ErrorKind::ChunkedTwice),
            Codings::Layered { last: Coding::Other } => Err(ErrorKind::ChunkedNotLast),
            Codings::Layered { last: Coding::Chunked } => Err(ErrorKind::UnsupportedTransferCoding),
        }
    }
}
