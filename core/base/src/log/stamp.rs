//! The two ways in which gunicorn writes a moment, one for each log. By hand, because the access log
//! needs no more than digits, and needs them often.

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
}
