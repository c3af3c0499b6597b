//! The conditions of a request, in the order in which they count (RFC 9110 section 13.2.2).

use std::time::SystemTime;

use http::HeaderMap;
use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

use super::tag::{Tags, parse};
use super::validators::Validators;

/// What the conditions of a GET or a HEAD come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold, or there are none.
    Proceed,
    /// The client has what there is: 304.
    NotModified,
    /// What the client relies on is not so: 412.
    Failed,
}

/// Whether a `Range` is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeCounts {
    Yes,
    /// The client has a part of something else.
    No,
}

/// RFC 9110 section 13.2.2, steps 1 to 4.
pub(super) fn judge(headers: &HeaderMap, file: &Validators) -> Verdict {
    // Section 13.1.1; the date counts only where there is no tag (section 13.1.4).
    match Tags::of(headers, IF_MATCH) {
        Some(tags) if !tags.any(|tag| tag.is_strongly(&file.tag)) => return Verdict::Failed,
        None if changed_since(headers, IF_UNMODIFIED_SINCE, file) == Some(Changed::Yes) => {
            return Verdict::Failed;
        }
        _ => {}
    }
    // Section 13.1.2; the date counts only where there is no tag (section 13.1.3).
    match Tags::of(headers, IF_NONE_MATCH) {
        Some(tags) if tags.any(|tag| tag.is_weakly(&file.tag)) => Verdict::NotModified,
        None if changed_since(headers, IF_MODIFIED_SINCE, file) == Some(Changed::No) => {
            Verdict::NotModified
        }
        _ => Verdict::Proceed,
    }
}

/// RFC 9110 section 13.2.2, step 5: a tag by the strong comparison, a date exactly (section 13.1.5).
pub(super) fn range_counts(headers: &HeaderMap, file: &Validators) -> RangeCounts {
    let Some(condition) = headers.get(IF_RANGE) else { return RangeCounts::Yes };
    let same = match parse(condition.as_bytes().trim_ascii()) {
        Some((tag, behind)) => behind.is_empty() && tag.is_strongly(&file.tag),
        // The file's date tells as much as its tag, and is as weak as that just after a change.
        None => {
            file.tag.is_strongly(&file.tag)
                && file.modified.is_some()
                && date(headers, IF_RANGE) == file.modified
        }
    };
    if same { RangeCounts::Yes } else { RangeCounts::No }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

/// `None`: there is no such field, or it is no date, or nothing to compare it with: it does not count.
fn changed_since(headers: &HeaderMap, name: HeaderName, file: &Validators) -> Option<Changed> {
    let (then, modified) = (date(headers, name)?, file.modified?);
    Some(if modified > then { Changed::Yes } else { Changed::No })
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut fields = headers.get_all(name).iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    httpdate::parse_http_date(field.to_str().ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tag::{EntityTag, Strength};
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn file(strength: Strength) -> Validators {
        Validators {
            tag: EntityTag { strength, opaque: "x".to_owned() },
            modified: Some(UNIX_EPOCH + Duration::from_secs(784_111_777)),
        }
    }

    fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn conditions_count_in_their_order() {
        use Verdict::{Failed, NotModified, Proceed};
        let table: &[(&[(HeaderName, &'static str)], Verdict)] = &[
            (&[], Proceed),
            (&[(IF_NONE_MATCH, "\"x\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"y\", W/\"x\"")], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"y\"")], Proceed),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Proceed),
            (&[(IF_MODIFIED_SINCE, SAME)], NotModified),
            (&[(IF_MODIFIED_SINCE, AFTER)], NotModified),
            (&[(IF_MODIFIED_SINCE, "Sunday, 06-Nov-94 08:49:37 GMT")], NotModified),
            (&[(IF_MODIFIED_SINCE, "Sun Nov  6 08:49:37 1994")], NotModified),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Proceed),
            (&[(IF_MODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, SAME)], Proceed),
            // The tag goes before the date, either way.
            (&[(IF_NONE_MATCH, "\"y\""), (IF_MODIFIED_SINCE, AFTER)], Proceed),
            (&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, BEFORE)], NotModified),
            (&[(IF_NONE_MATCH, "nonsense"), (IF_MODIFIED_SINCE, AFTER)], Proceed),
            (&[(IF_MATCH, "\"x\"")], Proceed),
            (&[(IF_MATCH, "*")], Proceed),
            (&[(IF_MATCH, "\"y\"")], Failed),
            (&[(IF_MATCH, "W/\"x\"")], Failed),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Proceed),
            (&[(IF_MATCH, "\"x\""), (IF_UNMODIFIED_SINCE, BEFORE)], Proceed),
            // What must hold goes before what may be skipped.
            (&[(IF_MATCH, "\"y\""), (IF_NONE_MATCH, "\"x\"")], Failed),
            (&[(IF_MATCH, "\"x\""), (IF_NONE_MATCH, "\"x\"")], NotModified),
            (&[(IF_UNMODIFIED_SINCE, SAME), (IF_MODIFIED_SINCE, SAME)], NotModified),
        ];
        for (fields, verdict) in table {
            assert_eq!(judge(&headers(fields), &file(Strength::Strong)), *verdict, "{fields:?}");
        }
    }

    #[test]
    fn a_weak_tag_still_spares_the_file() {
        let fields = headers(&[(IF_NONE_MATCH, "W/\"x\"")]);
        assert_eq!(judge(&fields, &file(Strength::Weak)), Verdict::NotModified);
    }

    #[test]
    fn a_range_counts_only_for_the_very_same_file() {
        use RangeCounts::{No, Yes};
        for (condition, strong, weak) in [
            ("\"x\"", Yes, No),
            ("W/\"x\"", No, No),
            ("\"y\"", No, No),
            ("\"x\", \"y\"", No, No),
            (SAME, Yes, No),
            (BEFORE, No, No),
            (AFTER, No, No),
            ("nonsense", No, No),
        ] {
            let fields = headers(&[(IF_RANGE, condition)]);
            assert_eq!(range_counts(&fields, &file(Strength::Strong)), strong, "{condition}");
            assert_eq!(range_counts(&fields, &file(Strength::Weak)), weak, "{condition}");
        }
        assert_eq!(range_counts(&headers(&[]), &file(Strength::Weak)), Yes);
    }
}
