//! The parts of a request target (RFC 9112, section 3.2) that the log shows, found in the bytes as
//! they came: what was asked for is logged even where it is no valid URI.

use memchr::{memchr, memmem};

fn split(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

/// What follows the question mark.
pub(super) fn query(target: &[u8]) -> &[u8] {
    split(target).1
}

/// The path: of the absolute form too; the asterisk and the authority of CONNECT as they are.
pub(super) fn path(target: &[u8]) -> &[u8] {
    let (before, _) = split(target);
    if before.starts_with(b"/") {
        return before;
    }
    let Some(scheme) = memmem::find(before, b"://") else {
        return before;
    };
    let authority = &before[scheme + 3..];
    memchr(b'/', authority).map_or(b"/", |at| &authority[at..])
}

/// The bytes with `%HH` decoded (RFC 3986, section 2.1); what is no such triplet stays as it is.
pub(super) fn decoded(mut path: &[u8]) -> impl Iterator<Item = u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|d| d as u8);
    std::iter::from_fn(move || {
        let (&first, rest) = path.split_first()?;
        path = rest;
        let [high, low, behind @ ..] = rest else {
            return Some(first);
        };
        match (first, digit(*high), digit(*low)) {
            (b'%', Some(high), Some(low)) => {
                path = behind;
                Some(high << 4 | low)
            }
            _ => Some(first),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_target_has_its_path_and_query() {
        for (target, expected_path, expected_query) in [
            ("/a/b?c=d?e", "/a/b", "c=d?e"),
            ("/", "/", ""),
            ("/?", "/", ""),
            ("/a?b=http://c/d", "/a", "b=http://c/d"),
            ("//a/b", "//a/b", ""),
            ("http://host:80/a?b", "/a", "b"),
            ("http://host?b", "/", "b"),
            ("*", "*", ""),
            ("host:443", "host:443", ""),
            ("", "", ""),
        ] {
            assert_eq!(path(target.as_bytes()), expected_path.as_bytes(), "{target}");
            assert_eq!(query(target.as_bytes()), expected_query.as_bytes(), "{target}");
        }
    }

    #[test]
    fn triplets_are_decoded_and_broken_ones_kept() {
        for (path, expected) in [
            ("/a%20b%2Fc%c3%A9", "/a b/c\u{e9}"),
            ("/%", "/%"),
            ("/%4", "/%4"),
            ("/%zz%%41", "/%zz%A"),
            ("/%2520", "/%20"),
        ] {
            let bytes: Vec<u8> = decoded(path.as_bytes()).collect();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
