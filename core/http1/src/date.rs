//! The `Date` field's value, formatted once a second instead of once a response.
//!
//! The codec has no clock: whoever owns the loop owns one of these and refreshes it when it reads
//! the time anyway.

use std::io::Write;
use std::time::{Duration, SystemTime};

/// Bytes of an IMF-fixdate (RFC 9110 section 5.6.7).
const LEN: usize = 29;

/// The last second of the year 9999, the last one that an IMF-fixdate can say.
const LAST: u64 = 253_402_300_799;

/// A moment as `Date` says it: 29 ASCII bytes (RFC 9110 section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpDate {
    second: u64,
    text: [u8; LEN],
}

impl HttpDate {
    /// The moment `unix_secs` seconds after the epoch; later than the year 9999 is its last second.
    pub fn new(unix_secs: u64) -> HttpDate {
        HttpDate { second: unix_secs, text: format(unix_secs) }
    }

    /// Moves to `unix_secs` seconds after the epoch; formats only when the second has changed.
    pub fn refresh(&mut self, unix_secs: u64) {
        if self.second != unix_secs {
            *self = HttpDate::new(unix_secs);
        }
    }

    /// The 29 bytes.
    pub fn as_bytes(&self) -> &[u8; LEN] {
        &self.text
    }
}

fn format(unix_secs: u64) -> [u8; LEN] {
    let mut text = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_secs.min(LAST));
    // The text is always exactly as long as the array: writing it cannot fail.
    let _ = write!(&mut text[..], "{}", httpdate::HttpDate::from(moment));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (second, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(HttpDate::new(second).as_bytes(), text.as_bytes());
        }
    }

    #[test]
    fn refresh_moves() {
        let mut date = HttpDate::new(1);
        date.refresh(1);
        assert_eq!(date, HttpDate::new(1));
        date.refresh(784_111_777);
        assert_eq!(date, HttpDate::new(784_111_777));
    }
}
