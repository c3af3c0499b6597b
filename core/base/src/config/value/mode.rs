//! Bits of file permissions: those that new files do not get (`umask`), and those that a socket's
//! file gets. The first is read as gunicorn reads it, whose users write `022`, `0o22` or `18`; the
//! second is always octal, as for chmod(1).

use super::Value;

/// All the bits there are.
const ALL: u32 = 0o777;

/// Permissions that new files do not get: umask(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Umask(pub u32);

/// The digits of `text`, and the base that its beginning says they have.
fn based(text: &str) -> (&str, u32) {
    let prefixes = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2), ("0", 8)];
    let found = prefixes.iter().find_map(|(prefix, base)| {
        let digits = text.strip_prefix(prefix)?;
        (!digits.is_empty()).then_some((digits, *base))
    });
    found.unwrap_or((text, 10))
}

fn bits(digits: &str, base: u32) -> Option<u32> {
    let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
    plain.then(|| u32::from_str_radix(digits, base).ok())?
}

impl Value for Umask {
    const HOLDER: &'static str = "MODE";
    const SYNTAX: &'static str =
        "a number up to `0777`: octal (`022`, `0o22`), hexadecimal (`0x12`) or decimal (`18`)";

    fn parse(text: &str) -> Result<Umask, String> {
        let (digits, base) = based(text);
        match bits(digits, base) {
            Some(bits) if bits <= ALL => Ok(Umask(bits)),
            Some(_) => Err("it must be at most 0777".to_owned()),
            None => Err("not a mode: write 022, 0o22, 0x12 or 18".to_owned()),
        }
    }

    fn print(&self) -> String {
        format!("0{:02o}", self.0)
    }
}

/// The permissions of a file, always in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permissions(pub u32);

impl Permissions {
    /// Reads `660`, `0660` or `0o660`.
    ///
    /// # Errors
    /// It is not octal, or has more than the nine bits of reading, writing and executing.
    pub fn parse(text: &str) -> Result<Permissions, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        match bits(digits, 8) {
            Some(bits) if bits <= ALL => Ok(Permissions(bits)),
            _ => Err(format!("mode={text}: not an octal mode such as 0660")),
        }
    }
}

impl std::fmt::Display for Permissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_gunicorns_bases() {
        for (text, bits, printed) in [
            ("022", 0o22, "022"),
            ("0o22", 0o22, "022"),
            ("18", 0o22, "022"),
            ("0x12", 0o22, "022"),
            ("0b10010", 0o22, "022"),
            ("0", 0, "000"),
            ("000", 0, "000"),
            ("7", 7, "007"),
            ("0777", 0o777, "0777"),
        ] {
            assert_eq!(Umask::parse(text), Ok(Umask(bits)), "{text}");
            assert_eq!(Umask(bits).print(), printed);
        }
        let no = Err("not a mode: write 022, 0o22, 0x12 or 18".to_owned());
        for text in ["", "9z", "-1", "+1", "08", "0x", "0o8", "rwx", "1_0", "0x+1"] {
            assert_eq!(Umask::parse(text), no, "{text}");
        }
        assert_eq!(Umask::parse("01000"), Err("it must be at most 0777".to_owned()));
    }

    #[test]
    fn permissions_are_octal() {
        for (text, bits) in [("660", 0o660), ("0660", 0o660), ("0o660", 0o660), ("0", 0)] {
            assert_eq!(Permissions::parse(text), Ok(Permissions(bits)));
        }
        assert_eq!(Permissions(0o660).to_string(), "0660");
        for text in ["", "8", "0x1b0", "1777", "rw"] {
            assert!(Permissions::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        for bits in 0..=ALL {
            let printed = Umask(bits).print();
            // "100" without a zero in front would be decimal.
            assert_eq!(Umask::parse(&printed), Ok(Umask(bits)), "{printed}");
        }
    }
}
