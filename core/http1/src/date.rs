//! The `Date` field, formatted once a second instead of once a response, with the `Server` field that
//! stands before it in nearly every response: the two go out in one copy.
//!
//! The codec has no clock: whoever owns the loop owns one of these and refreshes it when it reads
//! the time anyway.

use std::io::Write;
use std::time::{Duration, SystemTime};

/// Bytes of an IMF-fixdate (RFC 9110 section 5.6.7).
const LEN: usize = 29;

/// The two fields as they are sent; the moment is filled in.
const FIELDS: &[u8; 54] = b"Server: oxicorn\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
/// Where `Date` begins.
const DATE_AT: usize = 17;
/// Where its value begins.
const TEXT_AT: usize = 23;

/// The last second of the year 9999, the last one that an IMF-fixdate can say.
const LAST: u64 = 253_402_300_799;

/// A moment as `Date` says it: 29 ASCII bytes (RFC 9110 section 5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpDate {
    second: u64,
    fields: [u8; FIELDS.len()],
}

impl HttpDate {
    /// The moment `unix_secs` seconds after the epoch; later than the year 9999 is its last second.
    pub fn new(unix_secs: u64) -> HttpDate {
        HttpDate { second: unix_secs, fields: format(unix_secs) }
    }

    /// Moves to `unix_secs` seconds after the epoch; formats only when the second has changed.
    pub fn refresh(&mut self, unix_secs: u64) {
        if self.second != unix_secs {
            *self = HttpDate::new(unix_secs);
        }
    }

    /// The 29 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.fields[TEXT_AT..TEXT_AT + LEN]
    }

    /// Whole lines: our `Server`, and `Date`.
    pub(crate) fn server_and_date(&self) -> &[u8; FIELDS.len()] {
        &self.fields
    }

    /// A whole line: `Date`.
    pub(crate) fn date(&self) -> &[u8] {
        &self.fields[DATE_AT..]
    }
}

fn format(unix_secs: u64) -> [u8; FIELDS.len()] {
    let mut fields = *FIELDS;
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_secs.min(LAST));
    // The text is always exactly as long as its place: writing it cannot fail.
    let place = &mut fields[TEXT_AT..TEXT_AT + LEN];
    let _ = write!(&mut *place, "{}", httpdate::HttpDate::from(moment));
    fields
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
            let date = HttpDate::new(second);
            assert_eq!(date.as_bytes(), text.as_bytes());
            assert_eq!(date.date(), format!("Date: {text}\r\n").as_bytes());
            let both = format!("Server: oxicorn\r\nDate: {text}\r\n");
            assert_eq!(date.server_and_date(), both.as_bytes());
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
