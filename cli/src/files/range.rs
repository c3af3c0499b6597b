//! The `Range` field (RFC 9110 section 14). A server may ignore it whenever it likes, and does so here
//! with everything that is not one well-formed range of bytes; the answer is then the whole file.

use std::ops::Range;

use http::HeaderMap;
use http::header::RANGE;

/// What part of a file is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, which are there.
    Part(Range<u64>),
    /// Bytes that are not there.
    Nothing,
}

/// What part of a file of `length` bytes the request wants.
pub(super) fn wanted(headers: &HeaderMap, length: u64) -> Wanted {
    let mut fields = headers.get_all(RANGE).iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => parse(field.as_bytes(), length).unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

/// `None`: not one well-formed range of bytes. Several ranges would need a body in several parts,
/// which no client of today relies on, and which clients have used to exhaust servers (RFC 9110
/// section 17.15).
fn parse(field: &[u8], length: u64) -> Option<Wanted> {
    let text = std::str::from_utf8(field).ok()?.trim_ascii();
    // Names of range units are case-insensitive (RFC 9110 section 14.1).
    let (unit, set) = text.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim_matches([' ', '\t']).split_once('-')?;
    match (position(first), position(last)) {
        (Some(first), Some(last)) if last < first => None,
        (Some(first), Some(last)) => Some(from(first, last.saturating_add(1).min(length), length)),
        (Some(first), None) if last.is_empty() => Some(from(first, length, length)),
        (None, Some(suffix)) if first.is_empty() => Some(end(suffix, length)),
        _ => None,
    }
}

fn from(first: u64, behind: u64, length: u64) -> Wanted {
    if first < length { Wanted::Part(first..behind) } else { Wanted::Nothing }
}

/// The last bytes; all of them when there are not so many. Of an empty file the last bytes are no
/// bytes, which `Content-Range` cannot say.
fn end(suffix: u64, length: u64) -> Wanted {
    match (suffix, length) {
        (0, _) => Wanted::Nothing,
        (_, 0) => Wanted::Whole,
        _ => Wanted::Part(length.saturating_sub(suffix)..length),
    }
}

/// Digits only. A number of any size is well-formed: one that is too large is just beyond every end.
fn position(digits: &str) -> Option<u64> {
    let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    well_formed.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Wanted::{Nothing, Part, Whole};

    fn of(fields: &[&'static str], length: u64) -> Wanted {
        let headers = fields.iter().map(|field| (RANGE, field.parse().unwrap())).collect();
        wanted(&headers, length)
    }

    #[test]
    fn one_range_is_a_part() {
        for (field, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-9", 0..10),
            ("bytes=2-5", 2..6),
            ("Bytes= 2-5 ", 2..6),
            ("bytes=7-", 7..10),
            ("bytes=7-99", 7..10),
            ("bytes=7-99999999999999999999999", 7..10),
            ("bytes=-3", 7..10),
            ("bytes=-10", 0..10),
            ("bytes=-99", 0..10),
            ("bytes=09-09", 9..10),
        ] {
            assert_eq!(of(&[field], 10), Part(part), "{field}");
        }
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        for field in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(of(&[field], 10), Nothing, "{field}");
        }
        assert_eq!(of(&["bytes=0-"], 0), Nothing);
        assert_eq!(of(&["bytes=-5"], 0), Whole);
    }

    #[test]
    fn everything_else_is_ignored() {
        for field in [
            "bytes=5-2",
            "bytes=0-1,3-4",
            "bytes=0-1,",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "bytes=+1-2",
            "bytes=1 -2",
            "bytes 1-2",
            "items=1-2",
            "bytes=1--2",
            "bytes=0x1-2",
            "",
        ] {
            assert_eq!(of(&[field], 10), Whole, "{field}");
        }
        assert_eq!(of(&["bytes=0-1", "bytes=3-4"], 10), Whole);
        assert_eq!(of(&[], 10), Whole);
    }
}
