//! A section of fields, from its bytes to a `HeaderMap` whose values are slices of those bytes.
//!
//! The head and the trailers go through this one function: two parsers of the same grammar are how
//! servers come to believe two things about one message.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::ErrorKind;
use crate::find::find;

/// The longest name that `HeaderName` holds, in bytes.
const LONGEST_NAME: usize = 65_535;

/// Parses the `count` fields that begin at `start` in `bytes`, which ends with them and the empty line,
/// and shows each to `visit` on the way. The lines are known to end in CRLF, and `count` is known to be
/// right. What is wrong with the form of any field goes before what `visit` says.
pub(crate) fn parse(
    bytes: &Bytes,
    start: usize,
    count: usize,
    mut visit: impl FnMut(&HeaderName, &HeaderValue) -> Result<(), ErrorKind>,
) -> Result<HeaderMap, ErrorKind> {
    let mut fields = HeaderMap::try_with_capacity(count).map_err(|_| ErrorKind::TooManyFields)?;
    let mut verdict = Ok(());
    let mut at = start;
    for _ in 0..count {
        let line = bytes.get(at..).unwrap_or_default();
        let end = find(b'\n', line).and_then(|lf| lf.checked_sub(1)).ok_or(ErrorKind::BareLf)?;
        let (name, value) = field(bytes, at, &line[..end])?;
        verdict = verdict.and_then(|()| visit(&name, &value));
        fields.try_append(name, value).map_err(|_| ErrorKind::TooManyFields)?;
        at += end + 2;
    }
    verdict.map(|()| fields)
}

/// `line`, which begins at `at` in `bytes`, is `name ":" OWS value OWS` (RFC 9112 section 5). That a name
/// is a token and a value is made of visible characters, spaces and tabs is checked by the types.
fn field(bytes: &Bytes, at: usize, line: &[u8]) -> Result<(HeaderName, HeaderValue), ErrorKind> {
    let misnamed = || match line.first() {
        // To a recipient for whom a CR is the end of a line, the head is over here.
        Some(b'\r') => ErrorKind::BareCr,
        _ => ErrorKind::FieldName,
    };
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(misnamed)?;
    let name = HeaderName::from_bytes(&line[..colon]).map_err(|_| match colon {
        ..=LONGEST_NAME => misnamed(),
        _ => ErrorKind::FieldTooLong,
    })?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let value = &line[colon + 1..];
    let before = value.iter().take_while(|byte| blank(byte)).count();
    let after = value[before..].iter().rev().take_while(|byte| blank(byte)).count();
    let range = at + colon + 1 + before..at + line.len() - after;
    let value =
        HeaderValue::from_maybe_shared(bytes.slice(range)).map_err(|_| ErrorKind::FieldValue)?;
    Ok((name, value))
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

#[cfg(test)]
mod tests {
    use super::*;
    use httparse::{EMPTY_HEADER, Error, Status};
    use proptest::prelude::*;

    /// What httparse makes of the same lines: a second opinion that many servers rely on.
    fn second_opinion(section: &[u8]) -> Result<Vec<(String, Vec<u8>)>, ErrorKind> {
        let mut slots = [EMPTY_HEADER; 8];
        match httparse::parse_headers(section, &mut slots) {
            Ok(Status::Complete((_, fields))) => Ok(fields
                .iter()
                .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
                .collect()),
            Ok(Status::Partial) => panic!("the section is whole"),
            Err(Error::HeaderValue) => Err(ErrorKind::FieldValue),
            Err(Error::NewLine) => Err(ErrorKind::BareCr),
            Err(_) => Err(ErrorKind::FieldName),
        }
    }

    fn own_opinion(before: &str, lines: &[Vec<u8>]) -> Result<Vec<(String, Vec<u8>)>, ErrorKind> {
        let bytes: Bytes = [before.as_bytes(), &section(lines)].concat().into();
        let mut seen = Vec::new();
        let fields = parse(&bytes, before.len(), lines.len(), |name, value| {
            seen.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
            Ok(())
        })?;
        assert_eq!(fields.len(), lines.len());
        Ok(seen)
    }

    fn section(lines: &[Vec<u8>]) -> Vec<u8> {
        let mut section = lines.join(&b"\r\n"[..]);
        section.extend_from_slice(if lines.is_empty() { b"\r\n" } else { b"\r\n\r\n" });
        section
    }

    /// Lines as the scan lets them through: not empty, not folded, without LF.
    fn line() -> impl Strategy<Value = Vec<u8>> {
        let likely = "[A-Za-z-]{1,9}:[ \t]{0,2}[ -~]{0,9}[ \t]{0,2}".prop_map(String::into_bytes);
        let odd = prop::collection::vec(
            prop::sample::select(b"aZ-_: \t\r\x00\x7f\x80\xff\"(".to_vec()),
            1..12,
        );
        let any = prop::collection::vec(any::<u8>(), 1..20);
        prop_oneof![likely, odd, any].prop_filter("not let through", |line| {
            !line.contains(&b'\n')
                && !line.ends_with(b"\r")
                && !matches!(line.first(), None | Some(b' ' | b'\t'))
        })
    }

    proptest! {
        #[test]
        fn the_second_opinion_is_the_same(lines in prop::collection::vec(line(), 0..4)) {
            let own = own_opinion("GET / HTTP/1.1\r\n", &lines);
            prop_assert_eq!(own, second_opinion(&section(&lines)));
        }
    }

    #[test]
    fn what_is_wrong_with_the_form_goes_first() {
        let bytes = Bytes::from_static(b"a: b\r\nc\r\n\r\n");
        let refused = parse(&bytes, 0, 2, |_, _| Err(ErrorKind::DuplicateHost));
        assert_eq!(refused.unwrap_err(), ErrorKind::FieldName);
        let refused = parse(&bytes, 0, 1, |_, _| Err(ErrorKind::DuplicateHost));
        assert_eq!(refused.unwrap_err(), ErrorKind::DuplicateHost);
    }
}
