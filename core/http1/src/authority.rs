//! `uri-host [ ":" port ]`: the one piece of grammar that a field and the request target share.
//!
//! A proxy routes by the host in one of them and an application may trust the other, so both are
//! held to the same rule, and the shape (brackets, one port, digits) is checked and not only the
//! characters: `a:80:81` is the port 81 to one reader and the port 80 to another. The target's type,
//! `http::Uri`, is narrower by the percent sign.

use std::net::Ipv6Addr;

use memchr::memchr;

use crate::class::HOST;

/// Whether `value` is a host that is not empty, and a port or none (RFC 9110 section 7.2, RFC 3986
/// sections 3.2.2 and 3.2.3). Between brackets it must be an IPv6 address: no other version has been
/// defined, and a zone is not sent (RFC 6874 section 4).
pub(crate) fn is_host_and_port(value: &[u8]) -> bool {
    if let [b'[', rest @ ..] = value {
        let Some(end) = memchr(b']', rest) else { return false };
        return is_address(&rest[..end]) && is_port(&rest[end + 1..]);
    }
    let (name, port) = value.split_at(HOST.prefix(value));
    !name.is_empty() && is_decodable(name) && is_port(port)
}

fn is_address(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Nothing, or a colon and digits, perhaps none.
fn is_port(port: &[u8]) -> bool {
    match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether every percent sign is followed by two hexadecimal digits (RFC 3986 section 2.1).
fn is_decodable(mut name: &[u8]) -> bool {
    while let Some(at) = memchr(b'%', name) {
        name = match &name[at..] {
            [_, high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        for value in [
            "a",
            "a.b.",
            "a_b~",
            "A:80",
            "a:",
            "192.0.2.1:80",
            "[::1]",
            "[::1]:80",
            "[::ffff:192.0.2.1]:",
            "[1:2:3:4:5:6:7::]",
            "a%41",
            "%41%42",
            "!$&'()*+;=",
        ] {
            assert!(is_host_and_port(value.as_bytes()), "{value}");
        }
        for value in [
            "",
            ":",
            ":80",
            "a:b",
            "a:-1",
            "a:+1",
            "a:8 ",
            "a:80:81",
            "::1",
            "::1]",
            "[",
            "[]",
            "[]:80",
            "[::1",
            "[::1:80",
            "[::1]a",
            "[::1]80",
            "[::1]]",
            "[1]",
            "[g::]",
            "[v1.a]",
            "[fe80::1%25a]",
            "[[::1]]",
            "a[1]",
            "[a/b]",
            "a%",
            "a%4",
            "a%4g",
            "u@a",
            "a,b",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "<a>",
            "\u{e9}",
        ] {
            assert!(!is_host_and_port(value.as_bytes()), "{value}");
        }
    }
}
