//! From the request target to a URI, and which forms of it belong to which method.
//!
//! `http::Uri` refuses some bytes that browsers and gunicorn's users do send (quotes, braces, angle
//! brackets). They reach the application untouched in `target`; the URI gets them encoded.

use bytes::Bytes;
use http::{Method, Uri};

use crate::authority::is_host_and_port;
use crate::error::ErrorKind;

/// The longest target that `http::Uri` can hold, in bytes.
const URI_MAX: usize = 65_534;

/// Parses `target`, which has only bytes from `!` to `~`, in the one form that `method` may use
/// (RFC 9112 section 3.2).
pub(crate) fn parse(method: &Method, target: &Bytes) -> Result<Uri, ErrorKind> {
    if *method == Method::CONNECT {
        return authority_form(target);
    }
    match target.first() {
        Some(b'/') => to_uri(target),
        Some(b'*') if target.len() == 1 => {
            if *method == Method::OPTIONS {
                to_uri(target)
            } else {
                Err(ErrorKind::TargetForm)
            }
        }
        _ => absolute_form(target),
    }
}

/// RFC 9112 section 3.2.3: host and port, both there, nothing else.
fn authority_form(target: &Bytes) -> Result<Uri, ErrorKind> {
    let uri = to_uri(target).map_err(|_| ErrorKind::TargetForm)?;
    let authority = uri.authority().ok_or(ErrorKind::TargetForm)?;
    let whole = uri.scheme().is_none() && authority.as_str().len() == target.len();
    if !whole || authority.port_u16().is_none() || !names_a_host(authority) {
        return Err(ErrorKind::TargetForm);
    }
    Ok(uri)
}

/// RFC 9112 section 3.2.2: scheme, authority and the rest, as a client sends it to a proxy.
fn absolute_form(target: &Bytes) -> Result<Uri, ErrorKind> {
    let uri = to_uri(target)?;
    match (uri.scheme(), uri.authority()) {
        (Some(scheme), Some(authority)) if is_scheme(scheme) && names_a_host(authority) => Ok(uri),
        (Some(_), _) => Err(ErrorKind::Target),
        (None, _) => Err(ErrorKind::TargetForm),
    }
}

/// RFC 3986 section 3.1, which `http::Uri` extends by a mark.
fn is_scheme(scheme: &http::uri::Scheme) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match scheme.as_str().as_bytes() {
        [first, rest @ ..] => first.is_ascii_alphabetic() && rest.iter().all(inner),
        [] => false,
    }
}

/// RFC 9110 sections 4.2.1 and 4.2.4: an empty host is refused, and so is user information, whose
/// only use here is to disguise the host.
fn names_a_host(authority: &http::uri::Authority) -> bool {
    is_host_and_port(authority.as_str().as_bytes())
}

fn to_uri(target: &Bytes) -> Result<Uri, ErrorKind> {
    if target.len() > URI_MAX {
        return Err(ErrorKind::LineTooLong);
    }
    Uri::from_maybe_shared(target.clone()).or_else(|_| {
        let encoded = encode(target).ok_or(ErrorKind::Target)?;
        if encoded.len() > URI_MAX {
            return Err(ErrorKind::LineTooLong);
        }
        Uri::from_maybe_shared(encoded).map_err(|_| ErrorKind::Target)
    })
}

/// Percent-encodes the visible bytes that RFC 3986 gives no place to; `None` if there are none.
fn encode(target: &[u8]) -> Option<Bytes> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let foreign =
        |byte: u8| matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
    let count = target.iter().filter(|byte| foreign(**byte)).count();
    if count == 0 {
        return None;
    }
    let mut encoded = Vec::with_capacity(target.len() + 2 * count);
    for &byte in target {
        if foreign(byte) {
            encoded.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            encoded.push(byte);
        }
    }
    Some(Bytes::from(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        use ErrorKind::{LineTooLong, Target, TargetForm};
        let get = Method::GET;
        let long = format!("/{}", "a".repeat(URI_MAX));
        let quotes = format!("/?{}", "\"".repeat(URI_MAX / 2));
        let cases: &[(&Method, &str, Result<&str, ErrorKind>)] = &[
            (&get, "/", Ok("/")),
            (&get, "/a/b?c=d&e", Ok("/a/b?c=d&e")),
            (&get, "//x", Ok("//x")),
            (&get, "/%zz", Ok("/%zz")),
            (&get, "/a#b", Ok("/a")),
            (&get, "/a?b#c", Ok("/a?b")),
            (&get, "/a<b>?c\"d", Ok("/a%3Cb%3E?c%22d")),
            (&get, "/`", Ok("/%60")),
            (&get, "/?{}|^\\", Ok("/?{}|^\\")),
            (&get, "http://a.b/c?d", Ok("http://a.b/c?d")),
            (&get, "http://a.b", Ok("http://a.b/")),
            (&get, "http://a.b?<", Ok("http://a.b/?%3C")),
            (&get, "http://[::1]:80/", Ok("http://[::1]:80/")),
            (&get, "http://[::1/", Err(Target)),
            (&get, "s://]x/", Err(Target)),
            (&get, "http:///x", Err(Target)),
            (&get, "http://:80/", Err(Target)),
            (&get, "http://u@a.b/", Err(Target)),
            (&get, "a+b-c.1://d/", Ok("a+b-c.1://d/")),
            (&get, "h~p://a/", Err(Target)),
            (&get, "1http://a/", Err(Target)),
            (&get, "http://a.b:/", Ok("http://a.b:/")),
            (&get, "http://a.b:x/", Err(Target)),
            (&get, "http://a,b/", Err(Target)),
            (&get, "http://a%41/", Err(Target)),
            (&get, "http://[\"]/", Err(Target)),
            (&get, "http://[::%22]/", Err(Target)),
            (&get, "http://a\"b/", Err(Target)),
            (&get, "a.b:80", Err(TargetForm)),
            (&get, "a", Err(TargetForm)),
            (&get, "http:foo", Err(TargetForm)),
            (&get, "?a", Err(Target)),
            (&get, "*", Err(TargetForm)),
            (&get, "*a", Err(TargetForm)),
            (&get, &long, Err(LineTooLong)),
            (&get, &quotes, Err(LineTooLong)),
            (&Method::OPTIONS, "*", Ok("*")),
            (&Method::OPTIONS, "/", Ok("/")),
            (&Method::CONNECT, "a.b:443", Ok("a.b:443")),
            (&Method::CONNECT, "[::1]:443", Ok("[::1]:443")),
            (&Method::CONNECT, "a.b", Err(TargetForm)),
            (&Method::CONNECT, ":443", Err(TargetForm)),
            (&Method::CONNECT, "u@a.b:443", Err(TargetForm)),
            (&Method::CONNECT, "/", Err(TargetForm)),
            (&Method::CONNECT, "*", Err(TargetForm)),
            (&Method::CONNECT, "http://a.b:443/", Err(TargetForm)),
        ];
        for (method, target, expected) in cases {
            let uri = parse(method, &Bytes::copy_from_slice(target.as_bytes()));
            let text = uri.map(|uri| uri.to_string());
            assert_eq!(text.as_deref().map_err(|kind| *kind), *expected, "{method} {target:.60}");
        }
    }
}
