//! From the head of a stream to a request as the application knows it from HTTP/1.1. What the framing
//! of HTTP/2 forbids has been refused before; what is left are the rules of the server, which must not
//! depend on how a client speaks to it, and what HTTP/2 says in another way: the host in place of
//! `Host`, cookies in pieces, a scheme that anybody can write and that is therefore not believed.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Method, StatusCode, Uri};
use oxicorn_core::config::Config;
use oxicorn_core::handover::Refusal;

/// What a method's name may have, as in HTTP/1.1.
const METHOD: std::ops::RangeInclusive<usize> = 3..=20;
/// The spaces and the version in a request line, which the limit counts.
const AROUND_THE_TARGET: usize = " ".len() + " HTTP/2.0".len();

/// What a limit of 0 means.
fn exceeds(size: usize, limit: u32) -> bool {
    limit != 0 && size > limit as usize
}

fn refuse(status: StatusCode, reason: &str) -> Result<(), Refusal> {
    Err(Refusal { status, reason: reason.to_owned() })
}

fn bad(reason: &str) -> Result<(), Refusal> {
    refuse(StatusCode::BAD_REQUEST, reason)
}

/// The target as it was received.
pub(super) fn target(parts: &Parts) -> Bytes {
    let target = match parts.uri.path_and_query() {
        Some(target) => target.as_str(),
        None => parts.uri.authority().map_or("", Authority::as_str),
    };
    Bytes::copy_from_slice(target.as_bytes())
}

/// Whether the client waits for a word before it sends its body.
pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(is_continue)
}

fn is_continue(value: &HeaderValue) -> bool {
    value.as_bytes().eq_ignore_ascii_case(b"100-continue")
}

/// Checks a head and brings it into the form of HTTP/1.1.
///
/// # Errors
/// The request is to be refused.
pub(super) fn check(parts: &mut Parts, target: &[u8], config: &Config) -> Result<(), Refusal> {
    line(&parts.method, target, config)?;
    fields(&parts.headers, config)?;
    host(parts, config)?;
    join_cookies(&mut parts.headers);
    // Without a scheme and a host: as most requests of HTTP/1.1 have it.
    let path = parts.uri.path_and_query().cloned();
    parts.uri = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let length = parts.headers.get(CONTENT_LENGTH).and_then(number);
    let limit = config.limit_request_body.limit();
    match length.zip(limit).is_some_and(|(length, limit)| length > limit) {
        true => refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request's body is too large"),
        false => Ok(()),
    }
}

/// A plain number.
pub(super) fn number(value: &HeaderValue) -> Option<u64> {
    let digits = value.as_bytes();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    value.to_str().ok().filter(|_| plain)?.parse().ok()
}

fn line(method: &Method, target: &[u8], config: &Config) -> Result<(), Refusal> {
    if *method == Method::CONNECT {
        return refuse(StatusCode::NOT_IMPLEMENTED, "CONNECT in HTTP/2");
    }
    let name = method.as_str().as_bytes();
    if !METHOD.contains(&name.len()) || name.iter().any(u8::is_ascii_lowercase) {
        return bad("invalid method");
    }
    let whole = target == b"*" && *method == Method::OPTIONS;
    if !(whole || target.starts_with(b"/")) || !target.iter().all(u8::is_ascii_graphic) {
        return bad("invalid request target");
    }
    let size = name.len() + target.len() + AROUND_THE_TARGET;
    if exceeds(size, config.limit_request_line) {
        return refuse(StatusCode::URI_TOO_LONG, "request line too long");
    }
    Ok(())
}

fn fields(headers: &HeaderMap, config: &Config) -> Result<(), Refusal> {
    const TOO_LARGE: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    if exceeds(headers.len(), config.limit_request_fields) {
        return refuse(TOO_LARGE, "too many header fields");
    }
    for (name, value) in headers {
        if exceeds(name.as_str().len() + value.len(), config.limit_request_field_size) {
            return refuse(TOO_LARGE, "header field too long");
        }
        let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        // RFC 9113 section 8.2.1.
        if blank(value.as_bytes().first()) || blank(value.as_bytes().last()) {
            return bad("invalid header field value");
        }
    }
    let count = |name| headers.get_all(name).iter().count();
    if count(CONTENT_LENGTH) > 1 {
        return bad("more than one Content-Length");
    }
    if headers.get(CONTENT_LENGTH).is_some_and(|value| number(value).is_none()) {
        return bad("invalid Content-Length");
    }
    if count(CONTENT_TYPE) > 1 {
        return bad("more than one Content-Type");
    }
    if headers.get_all(EXPECT).iter().any(|value| !is_continue(value)) {
        return refuse(StatusCode::EXPECTATION_FAILED, "unknown expectation");
    }
    Ok(())
}

/// The host, in the one place where an application looks for it (RFC 9113 section 8.3.1).
fn host(parts: &mut Parts, config: &Config) -> Result<(), Refusal> {
    let headers = &mut parts.headers;
    if headers.get_all(HOST).iter().count() > 1 {
        return bad("more than one Host");
    }
    let given = headers.get(HOST).map(|value| Authority::try_from(value.as_bytes()));
    let known = match (parts.uri.authority(), given) {
        (None, None) if config.permit_missing_host => return Ok(()),
        (None, None) => return bad("no Host"),
        (_, Some(Err(_))) => return bad("invalid Host"),
        (Some(one), Some(Ok(other))) if *one != other => return bad("two different hosts"),
        (None, Some(Ok(one))) => one,
        (Some(one), _) => one.clone(),
    };
    if known.as_str().contains('@') || known.host().is_empty() {
        return bad("invalid Host");
    }
    if !headers.contains_key(HOST)
        && let Ok(value) = HeaderValue::from_str(known.as_str())
    {
        headers.insert(HOST, value);
    }
    Ok(())
}

/// RFC 9113 section 8.2.3.
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(method: &str, uri: &str, fields: &[(&str, &str)]) -> (u16, Parts) {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let target = target(&parts);
        let config = Config { limit_request_fields: 8, ..Config::default() };
        let verdict = check(&mut parts, &target, &config);
        (verdict.map_or_else(|refusal| refusal.status.as_u16(), |()| 200), parts)
    }

    #[test]
    fn the_rules_are_those_of_http_1_1() {
        let long = "x".repeat(8190);
        let many: Vec<_> = (0..9).map(|_| ("x-a", "b")).collect();
        for (status, method, uri, fields) in [
            (200, "GET", "http://x/a?b", &[][..]),
            (200, "GET", "http://x/", &[("host", "X")]),
            (200, "GET", "/", &[("host", "x:80")]),
            (200, "OPTIONS", "*", &[("host", "x")]),
            (400, "GET", "*", &[("host", "x")]),
            (400, "GET", "/", &[]),
            (400, "GET", "http://x/", &[("host", "y")]),
            (400, "GET", "http://x/", &[("host", "x"), ("host", "x")]),
            (400, "GET", "http://u@x/", &[]),
            (400, "GET", "/", &[("host", "u@x")]),
            (400, "GET", "http://x/\u{e9}", &[]),
            (400, "get", "http://x/", &[]),
            (400, "XX", "http://x/", &[]),
            (501, "CONNECT", "x:80", &[]),
            (400, "POST", "http://x/", &[("content-length", "1"), ("content-length", "1")]),
            (400, "POST", "http://x/", &[("content-length", "+1")]),
            (400, "GET", "http://x/", &[("content-type", "a/b"), ("content-type", "a/b")]),
            (400, "GET", "http://x/", &[("a", " b")]),
            (417, "GET", "http://x/", &[("expect", "tea")]),
            (200, "GET", "http://x/", &[("expect", "100-Continue")]),
            (431, "GET", "http://x/", &[("a", &long)]),
            (431, "GET", "http://x/", &many),
            (414, "GET", &format!("http://x/{}", &long[..4081]), &[]),
        ] {
            assert_eq!(verdict(method, uri, fields).0, status, "{method} {uri} {fields:?}");
        }
    }

    #[test]
    fn a_request_looks_like_one_of_http_1_1() {
        let cookies = [("cookie", "a=1"), ("cookie", "b=2"), ("x", "y")];
        let (status, parts) = verdict("GET", "https://example.org:8/a?b", &cookies);
        assert_eq!(status, 200);
        assert_eq!(parts.uri, "/a?b", "no scheme: the client could write any");
        assert_eq!(parts.headers["host"], "example.org:8");
        let joined: Vec<_> = parts.headers.get_all(COOKIE).iter().collect();
        assert_eq!(joined, ["a=1; b=2"]);
    }
}
