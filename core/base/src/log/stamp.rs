//! The two ways in which gunicorn writes a moment, one for each log, and the one of everybody else
//! (RFC 3339), for lines that a program reads. By hand, because the access log needs no more than
//! digits, and needs them often.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sys::LocalTime;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The digits of `number`, at least `width` of them.
pub(crate) fn padded(out: &mut Vec<u8>, number: u32, width: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    out.resize(out.len() + width.saturating_sub(digits.len()), b'0');
    out.extend_from_slice(digits);
}

fn clock(out: &mut Vec<u8>, time: &LocalTime) {
    padded(out, time.hour, 2);
    out.push(b':');
    padded(out, time.minute, 2);
    out.push(b':');
    padded(out, time.second, 2);
    out.extend_from_slice(if time.offset_minutes < 0 { b" -" } else { b" +" });
    let offset = time.offset_minutes.unsigned_abs();
    padded(out, offset / 60 * 100 + offset % 60, 4);
}

fn year(out: &mut Vec<u8>, time: &LocalTime) {
    padded(out, u32::try_from(time.year).unwrap_or(0), 4);
}

/// `[2026-11-23 07:32:17 +0000]`
pub(super) fn error_log(out: &mut Vec<u8>, time: &LocalTime) {
    out.push(b'[');
    year(out, time);
    out.push(b'-');
    padded(out, time.month, 2);
    out.push(b'-');
    padded(out, time.day, 2);
    out.push(b' ');
    clock(out, time);
    out.push(b']');
}

/// `[23/Nov/2026:07:32:17 +0000]`
pub(crate) fn access_log(out: &mut Vec<u8>, time: &LocalTime) {
    let month = (time.month as usize).checked_sub(1);
    out.push(b'[');
    padded(out, time.day, 2);
    out.push(b'/');
    out.extend_from_slice(month.and_then(|m| MONTHS.get(m)).map_or(b"???", |name| *name));
    out.push(b'/');
    year(out, time);
    out.push(b':');
    clock(out, time);
    out.push(b']');
}

/// `2026-11-23T07:32:17`, the moment so many seconds after the beginning of 1970, in UTC.
pub(crate) fn utc_second(out: &mut Vec<u8>, unix_seconds: u64) {
    let (days, second) = (unix_seconds / 86_400, (unix_seconds % 86_400) as u32);
    // Years that begin in March end with the leap day, which makes the months' lengths a line
    // (days_from_civil and its opposite, Howard Hinnant).
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    padded(out, u32::try_from(year).unwrap_or(u32::MAX), 4);
    out.push(b'-');
    padded(out, month as u32, 2);
    out.push(b'-');
    padded(out, day as u32, 2);
    out.push(b'T');
    padded(out, second / 3600, 2);
    out.push(b':');
    padded(out, second / 60 % 60, 2);
    out.push(b':');
    padded(out, second % 60, 2);
}

/// `.123456Z`, what follows [`utc_second`].
pub(crate) fn micros_and_zone(out: &mut Vec<u8>, micros: u32) {
    out.push(b'.');
    padded(out, micros, 6);
    out.push(b'Z');
}

/// The time since the beginning of 1970.
pub(crate) fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// This moment in the form of RFC 3339, section 5.6: in UTC, with microseconds.
pub(crate) fn rfc3339() -> Vec<u8> {
    let (mut out, now) = (Vec::with_capacity(27), since_1970());
    utc_second(&mut out, now.as_secs());
    micros_and_zone(&mut out, now.subsec_micros());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: fn(&mut Vec<u8>, &LocalTime), offset_minutes: i32) -> String {
        let mut out = Vec::new();
        let time = LocalTime {
            year: 2026,
            month: 11,
            day: 3,
            hour: 7,
            minute: 32,
            second: 9,
            offset_minutes,
        };
        write(&mut out, &time);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_written_as_gunicorn_writes_them() {
        assert_eq!(written(error_log, 0), "[2026-11-03 07:32:09 +0000]");
        assert_eq!(written(error_log, 330), "[2026-11-03 07:32:09 +0530]");
        assert_eq!(written(access_log, 0), "[03/Nov/2026:07:32:09 +0000]");
        assert_eq!(written(access_log, -210), "[03/Nov/2026:07:32:09 -0330]");
    }

    #[test]
    fn moments_of_rfc_3339_are_right_in_leap_years_too() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (951_868_800, "2000-03-01T00:00:00"),
            (1_767_225_599, "2025-12-31T23:59:59"),
            (1_795_419_137, "2026-11-23T07:32:17"),
            (4_107_542_400, "2100-03-01T00:00:00"),
        ] {
            let mut out = Vec::new();
            utc_second(&mut out, seconds);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        let now = String::from_utf8(rfc3339()).unwrap();
        let shape = now.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    }
}
