//! Times: how long something may take. A plain number is seconds, as gunicorn's users write it.
//! Everything is read exactly, in whole nanoseconds: a time that has gone through a floating-point
//! number is not printed as it was written.

use std::time::Duration;

use super::Value;

/// How long something may take; 0 switches the limit off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Option<Duration>);

impl Timeout {
    /// No limit.
    pub const OFF: Timeout = Timeout(None);

    /// So many seconds; 0: no limit.
    pub const fn seconds(seconds: u64) -> Timeout {
        match seconds {
            0 => Timeout::OFF,
            _ => Timeout(Some(Duration::from_secs(seconds))),
        }
    }

    /// The limit, if there is one. Never zero.
    pub fn get(self) -> Option<Duration> {
        self.0.filter(|time| !time.is_zero())
    }
}

const SECOND: u128 = 1_000_000_000;
/// The longer units come first only where they are a suffix of a shorter one's name.
const UNITS: [(&str, u128); 4] =
    [("ms", SECOND / 1000), ("s", SECOND), ("m", 60 * SECOND), ("h", 3600 * SECOND)];
/// Deadlines are sums of times: what is longer than a year could overflow one.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// Of a nanosecond in a second.
const MOST_DECIMALS: usize = 9;

const EXPECTED: &str = "not a time: write 30 (seconds), 0.5, 500ms, 30s, 5m or 1h";

impl Value for Timeout {
    const HOLDER: &'static str = "TIME";
    const SYNTAX: &'static str =
        "a time: `30` or `30s` (seconds), `0.5`, `500ms`, `5m`, `1h`; `0` is off";

    fn parse(text: &str) -> Result<Timeout, String> {
        if text.starts_with('-') {
            return Err("a time cannot be negative".to_owned());
        }
        let (number, unit) = UNITS
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
            .unwrap_or((text, SECOND));
        let nanos = decimal(number, unit)?;
        let time = u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos);
        match time {
            Duration::ZERO => Ok(Timeout::OFF),
            time if time > LONGEST => Err("longer than a year; 0 means no limit".to_owned()),
            time => Ok(Timeout(Some(time))),
        }
    }

    fn print(&self) -> String {
        let Some(time) = self.get() else {
            return "0".to_owned();
        };
        let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
        if nanos == 0 {
            seconds.to_string()
        } else if nanos % 1_000_000 == 0 {
            format!("{}ms", time.as_millis())
        } else {
            format!("{seconds}.{nanos:09}")
        }
    }
}

/// `number` times `unit`, when that is whole.
fn decimal(number: &str, unit: u128) -> Result<u128, String> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return Err(EXPECTED.to_owned());
    }
    if fraction.len() > MOST_DECIMALS {
        return Err(format!("more than {MOST_DECIMALS} decimals"));
    }
    // Longer than this is longer than the age of the universe, whatever the unit.
    let whole: u128 = whole.parse().unwrap_or(u128::MAX);
    let parts = fraction.parse::<u128>().unwrap_or_default() * unit;
    let one = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    match parts % one {
        0 => Ok(whole.saturating_mul(unit).saturating_add(parts / one)),
        _ => Err("not a whole number of nanoseconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_with_and_without_a_unit() {
        for (text, milliseconds, printed) in [
            ("30", 30_000, "30"),
            ("30s", 30_000, "30"),
            ("500ms", 500, "500ms"),
            ("5m", 300_000, "300"),
            ("1h", 3_600_000, "3600"),
            ("0.5", 500, "500ms"),
            ("1.5m", 90_000, "90"),
            ("0.25h", 900_000, "900"),
            ("007", 7_000, "7"),
        ] {
            let time = Timeout::parse(text).unwrap();
            assert_eq!(time.get(), Some(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(time.print(), printed);
        }
        for text in ["0", "0s", "0ms", "0.0", "00"] {
            assert_eq!(Timeout::parse(text), Ok(Timeout::OFF), "{text}");
        }
        assert_eq!(Timeout::parse("0.5ms").unwrap().print(), "0.000500000");
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", EXPECTED),
            ("abc", EXPECTED),
            ("s", EXPECTED),
            ("1.", EXPECTED),
            (".5", EXPECTED),
            ("1 s", EXPECTED),
            ("1d", EXPECTED),
            ("30S", EXPECTED),
            ("1e3", EXPECTED),
            ("+1", EXPECTED),
            ("inf", EXPECTED),
            ("-5", "a time cannot be negative"),
            ("8761h", "longer than a year; 0 means no limit"),
            ("99999999999999999999999999999999999999999h", "longer than a year; 0 means no limit"),
            ("0.0000000001", "more than 9 decimals"),
            ("0.000000001ms", "not a whole number of nanoseconds"),
        ] {
            assert_eq!(Timeout::parse(text), Err(reason.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(
            nanos in prop_oneof![
                1..=LONGEST.as_nanos() as u64,
                (1..=LONGEST.as_millis() as u64).prop_map(|n| n * 1_000_000),
                (1..=LONGEST.as_secs()).prop_map(|n| n * 1_000_000_000),
            ],
        ) {
            let time = Timeout(Some(Duration::from_nanos(nanos)));
            prop_assert_eq!(Timeout::parse(&time.print()), Ok(time));
        }

        #[test]
        fn no_text_panics(text in "[-+.0-9a-z]{0,40}") {
            let _ = Timeout::parse(&text);
        }
    }
}
