//! Figures as people read them: three digits, and the unit that suits them.

use crate::run::results::Spread;

/// A number with three significant digits, thousands separated.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        0.0 => return "0".to_owned(),
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

/// Seconds, as milliseconds or microseconds.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        0.001.. => format!("{} ms", number(seconds * 1e3)),
        _ => format!("{} µs", number(seconds * 1e6)),
    }
}

/// Bytes, as MB or KB.
pub(super) fn size(bytes: f64) -> String {
    match bytes.abs() {
        1e6.. => format!("{} MB", number(bytes / 1e6)),
        _ => format!("{} KB", number(bytes / 1e3)),
    }
}

/// A median with its extremes.
pub(super) fn spread(spread: &Spread, unit: fn(f64) -> String) -> String {
    format!("{} ({}..{})", unit(spread.median), unit(spread.min), unit(spread.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        assert_eq!(number(123_456.7), "123,457");
        assert_eq!(number(99.44), "99.4");
        assert_eq!(number(1.234), "1.23");
        assert_eq!(number(0.0), "0");
        assert_eq!(time(0.0012), "1.20 ms");
        assert_eq!(time(0.000_005), "5.00 µs");
        assert_eq!(size(4_200_000.0), "4.20 MB");
        assert_eq!(size(512.0), "0.512 KB");
    }
}
