//! What a file's state is known by: a tag of its size and the time of its last change, and that time
//! itself (RFC 9110 section 8.8).
//!
//! A file that was changed just now may be changed again within the same tick of its file system's
//! clock and keep its size, and nothing would tell. So the tag is weak for the first two seconds
//! (the coarsest clock of a file system that is still around) and strong from then on. A weak tag
//! still spares a client the whole file; only parts are not put together by it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::tag::{EntityTag, Strength};

const SETTLED_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Validators {
    pub(super) tag: EntityTag<String>,
    /// When it was last changed, in whole seconds, as HTTP tells time. `None` before 1970, which HTTP
    /// cannot say for sure.
    pub(super) modified: Option<SystemTime>,
}

impl Validators {
    pub(super) fn of(file: &Metadata, now: SystemTime) -> Validators {
        let changed = file.modified().unwrap_or(now);
        let strength = match now.duration_since(changed) {
            Ok(age) if age >= SETTLED_AFTER => Strength::Strong,
            _ => Strength::Weak,
        };
        let opaque = format!("{:x}-{:x}.{:x}", file.size(), file.mtime(), file.mtime_nsec());
        // Not later than the response itself (RFC 9110 section 8.8.2.1).
        let modified = changed.min(now).duration_since(UNIX_EPOCH).ok();
        Validators {
            tag: EntityTag { strength, opaque },
            modified: modified.map(|since| UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }

    /// `Last-Modified`, as it is written.
    pub(super) fn last_modified(&self) -> Option<String> {
        self.modified.map(httpdate::fmt_http_date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn changed_at(time: SystemTime) -> Metadata {
        let file = tempfile::tempfile().unwrap();
        File::set_modified(&file, time).unwrap();
        file.metadata().unwrap()
    }

    #[test]
    fn a_tag_is_weak_until_the_file_has_settled() {
        let then = UNIX_EPOCH + Duration::from_millis(1_000_000_500);
        let file = changed_at(then);
        let after = |age| Validators::of(&file, then + Duration::from_millis(age)).tag.to_string();
        assert_eq!(after(0), "W/\"0-f4240.1dcd6500\"");
        assert_eq!(after(1999), after(0));
        assert_eq!(after(2000), "\"0-f4240.1dcd6500\"");
    }

    #[test]
    fn the_date_is_whole_seconds_and_never_in_the_future() {
        let now = UNIX_EPOCH + Duration::from_millis(1_000_000_700);
        let date = |time| Validators::of(&changed_at(time), now).last_modified();
        let expected = Some("Mon, 12 Jan 1970 13:46:40 GMT".to_owned());
        assert_eq!(date(now), expected);
        assert_eq!(date(now + Duration::from_secs(1_000_000)), expected);
        assert_eq!(date(UNIX_EPOCH - Duration::from_secs(5)), None);
    }
}
