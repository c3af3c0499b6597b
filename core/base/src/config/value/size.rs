//! Sizes: a number of bytes, with the usual letters for powers of 1024.

use super::Value;

/// A number of bytes. Where it is a limit, 0 switches it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// As a limit: none if it is 0.
    pub fn limit(self) -> Option<u64> {
        (self.0 > 0).then_some(self.0)
    }

    /// As a number.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// The largest first: the order in which printing tries them.
const UNITS: [(&str, u64); 3] = [("G", 1 << 30), ("M", 1 << 20), ("k", 1 << 10)];

impl Value for ByteSize {
    const HOLDER: &'static str = "SIZE";
    const SYNTAX: &'static str = "a size: `4094` (bytes), `64k`, `16M`, `1g`";

    fn parse(text: &str) -> Result<ByteSize, String> {
        if text.starts_with('-') {
            return Err("a size cannot be negative".to_owned());
        }
        let (number, unit) = UNITS
            .iter()
            .find_map(|(letter, unit)| Some((strip_letter(text, letter)?, *unit)))
            .unwrap_or((text, 1));
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err("not a size: write 4094 (bytes), 64k, 16M or 1g".to_owned());
        }
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(unit))
            .map(ByteSize)
            .ok_or_else(|| "too large".to_owned())
    }

    fn print(&self) -> String {
        let whole = |unit: u64| self.0 > 0 && self.0.is_multiple_of(unit);
        match UNITS.iter().find(|(_, unit)| whole(*unit)) {
            Some((letter, unit)) => format!("{}{letter}", self.0 / unit),
            None => self.0.to_string(),
        }
    }
}

fn strip_letter<'a>(text: &'a str, letter: &str) -> Option<&'a str> {
    text.strip_suffix(letter)
        .or_else(|| text.strip_suffix(&letter.to_ascii_lowercase()))
        .or_else(|| text.strip_suffix(&letter.to_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_read_with_and_without_a_letter() {
        for (text, bytes, printed) in [
            ("0", 0, "0"),
            ("4094", 4094, "4094"),
            ("64k", 65_536, "64k"),
            ("64K", 65_536, "64k"),
            ("16M", 16 << 20, "16M"),
            ("16m", 16 << 20, "16M"),
            ("1g", 1 << 30, "1G"),
            ("1024k", 1 << 20, "1M"),
            ("0M", 0, "0"),
        ] {
            assert_eq!(ByteSize::parse(text), Ok(ByteSize(bytes)), "{text}");
            assert_eq!(ByteSize(bytes).print(), printed);
        }
        assert_eq!(ByteSize(0).limit(), None);
        assert_eq!(ByteSize(1).limit(), Some(1));
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_reason() {
        let expected = "not a size: write 4094 (bytes), 64k, 16M or 1g";
        for (text, reason) in [
            ("", expected),
            ("k", expected),
            ("1.5M", expected),
            ("64kb", expected),
            ("64 k", expected),
            ("+1", expected),
            ("-1", "a size cannot be negative"),
            ("18446744073709551616", "too large"),
            ("18446744073709551615k", "too large"),
        ] {
            assert_eq!(ByteSize::parse(text), Err(reason.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printing_loses_nothing(
            bytes in prop_oneof![
                any::<u64>(),
                (0..1_u64 << 34).prop_map(|n| n << 10),
                (0..1_u64 << 24).prop_map(|n| n << 30),
            ],
        ) {
            let size = ByteSize(bytes);
            prop_assert_eq!(ByteSize::parse(&size.print()), Ok(size));
        }
    }
}
