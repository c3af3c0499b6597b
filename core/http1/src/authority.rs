//! `uri-host [ ":" port ]`: the one piece of grammar that a field and the request target share.
//!
//! A proxy routes by the host in one of them and an application may trust the other, so both are
//! held to the same rule, and the shape (brackets, one port, digits) is checked and not only the
//! characters: `a:80:81` is the port 81 to one reader and the port 80 to another.

use memchr::memchr;

use crate::class::{ADDRESS, HOST};

/// Whether `value` is a host that is not empty, and a port or none (RFC 9110 section 7.2, RFC 3986
/// sections 3.2.2 and 3.2.3).
pub(crate) fn is_host_and_port(value: &[u8]) -> bool {
    let host = match value {
        [b'[', address @ ..] => ADDRESS.prefix(address) + 2,
        _ => HOST.prefix(value),
    };
    let (host, port) = match value.split_at_checked(host) {
        Some(parts) => parts,
        None => return false,
    };
    let well_formed = match host {
        [b'[', .., last] => host.len() > 2 && *last == b']',
        name => !name.is_empty() && is_decodable(name),
    };
    well_formed && is_port(port)
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
            "[fe80::1%25eth0]",
            "a%41",
            "%41%42",
            "!$&'()*+;=",
        ] {
            assert!(is_host_and_port(value.as_bytes()), "{value}");
        }
        for value in [
            "", ":", ":80", "a:b", "a:-1", "a:+1", "a:8 ", "a:80:81", "::1", "::1]", "[", "[]",
            "[]:80", "[::1", "[::1:80", "[::1]a", "[::1]80", "[::1]]", "[[::1]]", "a[1]", "[a/b]",
            "a%", "a%4", "a%4g", "u@a", "a,b", "a b", "a/b", "a?b", "a#b", "a\\b", "<a>", "\u{e9}",
        ] {
            assert!(!is_host_and_port(value.as_bytes()), "{value}");
        }
    }
}
