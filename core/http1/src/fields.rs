//! A section of fields, from its bytes to a `HeaderMap` whose values are slices of those bytes.
//!
//! The head and the trailers go through this one function: two parsers of the same grammar are how
//! servers come to believe two things about one message.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use httparse::{EMPTY_HEADER, Header, Status};

use crate::error::ErrorKind;

/// What most clients send, and what nearly all do: the two sizes of the array on the stack.
const FEW: usize = 16;
const MANY: usize = 64;

/// Parses `count` fields from `section`, which is whole lines and the empty one, and shows each to
/// `visit` on the way. The lines are known to end in CRLF, and `count` is known to be right.
pub(crate) fn parse(
    section: &Bytes,
    count: usize,
    visit: impl FnMut(&HeaderName, &HeaderValue) -> Result<(), ErrorKind>,
) -> Result<HeaderMap, ErrorKind> {
    if count <= FEW {
        collect(section, &mut [EMPTY_HEADER; FEW], visit)
    } else if count <= MANY {
        collect(section, &mut [EMPTY_HEADER; MANY], visit)
    } else {
        collect(section, &mut vec![EMPTY_HEADER; count], visit)
    }
}

fn collect<'a>(
    section: &'a Bytes,
    slots: &mut [Header<'a>],
    mut visit: impl FnMut(&HeaderName, &HeaderValue) -> Result<(), ErrorKind>,
) -> Result<HeaderMap, ErrorKind> {
    let parsed = match httparse::parse_headers(section, slots) {
        Ok(Status::Complete((used, parsed))) if used == section.len() => parsed,
        // The section ends with its only empty line, so neither of these happens; if it did,
        // httparse would see lines where we do not.
        Ok(Status::Complete(_) | Status::Partial) => return Err(ErrorKind::FieldName),
        Err(error) => return Err(rule(error)),
    };
    let mut fields =
        HeaderMap::try_with_capacity(parsed.len()).map_err(|_| ErrorKind::TooManyFields)?;
    for field in parsed {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            // httparse has checked the characters: the name is longer than the type can hold.
            .map_err(|_| ErrorKind::FieldTooLong)?;
        let value = HeaderValue::from_maybe_shared(section.slice_ref(field.value))
            .map_err(|_| ErrorKind::FieldValue)?;
        visit(&name, &value)?;
        fields.try_append(name, value).map_err(|_| ErrorKind::TooManyFields)?;
    }
    Ok(fields)
}

fn rule(error: httparse::Error) -> ErrorKind {
    match error {
        httparse::Error::HeaderValue => ErrorKind::FieldValue,
        httparse::Error::NewLine => ErrorKind::BareCr,
        httparse::Error::TooManyHeaders => ErrorKind::TooManyFields,
        httparse::Error::HeaderName
        | httparse::Error::Status
        | httparse::Error::Token
        | httparse::Error::Version => ErrorKind::FieldName,
    }
}

/// Fields that decide about framing, routing, access or the meaning of the body, and that a trailer
/// must not change after the fact (RFC 9110 section 6.5.1).
pub(crate) fn forbidden_in_trailers(name: &HeaderName) -> bool {
    use http::header::*;
    const STANDARD: &[HeaderName] = &[
        AUTHORIZATION,
        CACHE_CONTROL,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        COOKIE,
        EXPECT,
        FORWARDED,
        HOST,
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_RANGE,
        IF_UNMODIFIED_SINCE,
        MAX_FORWARDS,
        PROXY_AUTHORIZATION,
        RANGE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    const OTHER: &[&str] = &["keep-alive", "proxy-connection"];
    STANDARD.contains(name) || OTHER.contains(&name.as_str())
}
