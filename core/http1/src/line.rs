//! The request line.
//!
//! Each recipient of a request has its own idea of how much may be wrong with this line: other versions
//! than 1.0 and 1.1, empty lines before it, bytes of 0x80 and more in the target. Here nothing may.

use std::ops::Range;

use crate::class::TOKEN;
use crate::error::ErrorKind;
use crate::find::find;
use http::{Method, Version};

/// Shortest and longest method in bytes. gunicorn's bounds; every registered method is within.
const METHOD_LEN: Range<usize> = 3..21;

/// A request line whose parts are each well-formed. The target's form is checked with its URI.
#[derive(Clone, Debug)]
pub(crate) struct RequestLine {
    pub(crate) method: Method,
    pub(crate) target: Range<usize>,
    pub(crate) version: Version,
}

/// Whether a method may contain `byte`: a token's bytes (RFC 9110 section 5.6.2) without the
/// lower-case letters and `#`, which no method has and garbage often does.
pub(crate) fn in_method(byte: u8) -> bool {
    TOKEN.has(byte) && !matches!(byte, b'a'..=b'z' | b'#')
}

impl RequestLine {
    /// Parses a line without its CRLF: exactly two single spaces (RFC 9112 section 3; the lenient
    /// splitting it permits is not done, since it is where recipients come to differ).
    pub(crate) fn parse(line: &[u8]) -> Result<RequestLine, ErrorKind> {
        // A method is a few bytes: calling memchr would take longer than looking at them.
        let first = line.iter().position(|byte| *byte == b' ').ok_or(ErrorKind::RequestLine)?;
        let begin = first + 1;
        let second = begin + find(b' ', &line[begin..]).ok_or(ErrorKind::RequestLine)?;
        let (method, target, version) = (&line[..first], &line[begin..second], &line[second + 1..]);
        if target.is_empty() || version.contains(&b' ') {
            return Err(ErrorKind::RequestLine);
        }
        let method = parse_method(method)?;
        let version = parse_version(version)?;
        // RFC 9112 section 3.2: what is not ASCII, or not visible, is not a URI.
        if target.iter().fold(false, |bad, byte| bad | !matches!(byte, b'!'..=b'~')) {
            return Err(ErrorKind::Target);
        }
        Ok(RequestLine { method, target: begin..second, version })
    }
}

fn parse_method(method: &[u8]) -> Result<Method, ErrorKind> {
    match method {
        b"GET" => return Ok(Method::GET),
        b"POST" => return Ok(Method::POST),
        _ => {}
    }
    if !METHOD_LEN.contains(&method.len()) || !method.iter().copied().all(in_method) {
        return Err(ErrorKind::Method);
    }
    Method::from_bytes(method).map_err(|_| ErrorKind::Method)
}

/// RFC 9112 section 2.3; a minor version that we do not know is answered as the highest one that
/// we do (RFC 9110 section 2.5).
fn parse_version(version: &[u8]) -> Result<Version, ErrorKind> {
    match version {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            if *major == b'1' {
                Ok(Version::HTTP_11)
            } else {
                Err(ErrorKind::MajorVersion)
            }
        }
        _ => Err(ErrorKind::Version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted() {
        const OLD: Version = Version::HTTP_10;
        const NEW: Version = Version::HTTP_11;
        for (line, method, target, version) in [
            ("GET / HTTP/1.1", "GET", "/", NEW),
            ("POST /a?b HTTP/1.0", "POST", "/a?b", OLD),
            ("PROPFIND / HTTP/1.1", "PROPFIND", "/", NEW),
            ("-BLARGH / HTTP/1.1", "-BLARGH", "/", NEW),
            ("FO1! / HTTP/1.1", "FO1!", "/", NEW),
            ("ABCDEFGHIJKLMNOPQRST / HTTP/1.1", "ABCDEFGHIJKLMNOPQRST", "/", NEW),
            ("GET / HTTP/1.2", "GET", "/", NEW),
            ("GET / HTTP/1.9", "GET", "/", NEW),
            ("GET \"<{`^|\\}>#f HTTP/1.1", "GET", "\"<{`^|\\}>#f", NEW),
        ] {
            let parsed = RequestLine::parse(line.as_bytes()).unwrap();
            assert_eq!(parsed.method, method);
            assert_eq!(&line[parsed.target], target);
            assert_eq!(parsed.version, version, "{line}");
        }
    }

    #[test]
    fn refused() {
        use ErrorKind as E;
        for (line, rule) in [
            ("", E::RequestLine),
            ("GET", E::RequestLine),
            ("GET /", E::RequestLine),
            ("GET  / HTTP/1.1", E::RequestLine),
            (" GET / HTTP/1.1", E::RequestLine),
            ("GET /  HTTP/1.1", E::RequestLine),
            ("GET / HTTP/1.1 ", E::RequestLine),
            ("GET / a HTTP/1.1", E::RequestLine),
            ("GET / HTTP 1.1", E::RequestLine),
            ("GET\t/ HTTP/1.1", E::RequestLine),
            ("get / HTTP/1.1", E::Method),
            ("GeT / HTTP/1.1", E::Method),
            ("GET# / HTTP/1.1", E::Method),
            ("GE / HTTP/1.1", E::Method),
            ("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", E::Method),
            ("G(T / HTTP/1.1", E::Method),
            ("G\0T / HTTP/1.1", E::Method),
            ("GET / HTTP/0.9", E::MajorVersion),
            ("GET / HTTP/2.0", E::MajorVersion),
            ("PRI * HTTP/2.0", E::MajorVersion),
            ("GET / HTTP/1", E::Version),
            ("GET / HTTP/1.10", E::Version),
            ("GET / HTTP/1.1\r", E::Version),
            ("GET / HTTP/1,1", E::Version),
            ("GET / HTTP/1.x", E::Version),
            ("GET / http/1.1", E::Version),
            ("GET /\u{7f} HTTP/1.1", E::Target),
            ("GET /\0 HTTP/1.1", E::Target),
            ("GET /\t HTTP/1.1", E::Target),
            ("GET /\r HTTP/1.1", E::Target),
            ("GET /\u{e9} HTTP/1.1", E::Target),
        ] {
            assert_eq!(RequestLine::parse(line.as_bytes()).unwrap_err(), rule, "{line:?}");
        }
    }
}
