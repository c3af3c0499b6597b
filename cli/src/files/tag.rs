//! Entity tags (RFC 9110 section 8.8.3): one of ours, and the lists of them that clients send.

use std::fmt;

use http::HeaderMap;
use http::header::HeaderName;

/// How sure a tag is that the same tag means the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    Strong,
    Weak,
}

/// An entity tag; `opaque` is what stands between the quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntityTag<T> {
    pub(super) strength: Strength,
    pub(super) opaque: T,
}

impl<T: AsRef<[u8]>> EntityTag<T> {
    /// The strong comparison of RFC 9110 section 8.8.3.2: for parts, which are put together.
    pub(super) fn is_strongly(&self, other: &EntityTag<impl AsRef<[u8]>>) -> bool {
        self.strength == Strength::Strong
            && other.strength == Strength::Strong
            && self.is_weakly(other)
    }

    /// The weak comparison of RFC 9110 section 8.8.3.2: for what is shown again.
    pub(super) fn is_weakly(&self, other: &EntityTag<impl AsRef<[u8]>>) -> bool {
        self.opaque.as_ref() == other.opaque.as_ref()
    }
}

impl fmt::Display for EntityTag<String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.strength {
            Strength::Strong => "",
            Strength::Weak => "W/",
        };
        write!(f, "{prefix}\"{}\"", self.opaque)
    }
}

/// What `If-Match` or `If-None-Match` asks about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tags<'a> {
    /// `*`: whatever there is.
    Any,
    List(Vec<EntityTag<&'a [u8]>>),
}

impl<'a> Tags<'a> {
    /// All fields of that name taken together; `None` when there is none. What is malformed matches
    /// nothing, but the field is there.
    pub(super) fn of(headers: &'a HeaderMap, name: HeaderName) -> Option<Tags<'a>> {
        let mut tags = Vec::new();
        let mut fields = headers.get_all(name).iter().peekable();
        fields.peek()?;
        for field in fields {
            let mut rest = field.as_bytes().trim_ascii();
            if rest == b"*" {
                return Some(Tags::Any);
            }
            while let Some((tag, behind)) = parse(rest) {
                tags.push(tag);
                rest = behind.trim_ascii_start();
                while let Some(behind) = rest.strip_prefix(b",") {
                    rest = behind.trim_ascii_start();
                }
            }
        }
        Some(Tags::List(tags))
    }

    pub(super) fn any(&self, matches: impl Fn(&EntityTag<&[u8]>) -> bool) -> bool {
        match self {
            Tags::Any => true,
            Tags::List(tags) => tags.iter().any(matches),
        }
    }
}

/// The tag at the beginning, and what follows it. A comma may be part of a tag.
pub(super) fn parse(bytes: &[u8]) -> Option<(EntityTag<&[u8]>, &[u8])> {
    let (strength, quoted) = match bytes.strip_prefix(b"W/") {
        Some(quoted) => (Strength::Weak, quoted),
        None => (Strength::Strong, bytes),
    };
    let inside = quoted.strip_prefix(b"\"")?;
    let end = inside.iter().position(|byte| *byte == b'"')?;
    let (opaque, behind) = (&inside[..end], &inside[end + 1..]);
    let allowed = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    opaque.iter().all(allowed).then_some((EntityTag { strength, opaque }, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Strength::{Strong, Weak};
    use http::header::IF_NONE_MATCH;

    fn list(fields: &[&'static str]) -> HeaderMap {
        fields.iter().map(|field| (IF_NONE_MATCH, field.parse().unwrap())).collect()
    }

    #[test]
    fn lists_are_read_over_several_fields_and_commas_inside_of_tags() {
        let headers = list(&[r#""a", W/"b,c" ,, "d""#, r#""""#]);
        let tag =
            |strength, opaque: &'static str| EntityTag { strength, opaque: opaque.as_bytes() };
        let expected = [tag(Strong, "a"), tag(Weak, "b,c"), tag(Strong, "d"), tag(Strong, "")];
        assert_eq!(Tags::of(&headers, IF_NONE_MATCH), Some(Tags::List(expected.into())));
        assert_eq!(Tags::of(&list(&[" * "]), IF_NONE_MATCH), Some(Tags::Any));
        assert_eq!(Tags::of(&list(&[]), IF_NONE_MATCH), None);
    }

    #[test]
    fn what_is_malformed_matches_nothing() {
        for field in ["a", "\"a", "w/\"a\"", "\"a b\"", "W/", ""] {
            let headers = list(&[field]);
            let tags = Tags::of(&headers, IF_NONE_MATCH);
            assert_eq!(tags, Some(Tags::List(Vec::new())), "{field}");
        }
    }

    /// The table of RFC 9110 section 8.8.3.2.
    #[test]
    fn comparisons() {
        for (one, two, strongly, weakly) in [
            ((Weak, "1"), (Weak, "1"), false, true),
            ((Weak, "1"), (Weak, "2"), false, false),
            ((Weak, "1"), (Strong, "1"), false, true),
            ((Strong, "1"), (Strong, "1"), true, true),
        ] {
            let [one, two] = [one, two].map(|(strength, opaque)| EntityTag { strength, opaque });
            assert_eq!(one.is_strongly(&two), strongly);
            assert_eq!(one.is_weakly(&two), weakly);
        }
    }
}
