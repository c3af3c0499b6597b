//! Version 1: a line of text. Short enough to be looked at whole, and strange enough that a loose
//! pattern would find one in the middle of something else: every byte of it is accounted for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{Fault, Parsed, Signature, Source, compare};

const SIGNATURE: &[u8] = b"PROXY ";
/// The longest line that there is, its CRLF included: with two IPv6 addresses in full.
const LONGEST: usize = 107;

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    match compare(bytes, SIGNATURE) {
        Signature::Other => return Parsed::Absent,
        Signature::Incomplete => return Parsed::NeedMore,
        Signature::Complete => {}
    }
    // The CR must leave room for its LF.
    let window = &bytes[..bytes.len().min(LONGEST - 1)];
    let Some(end) = memchr::memchr2(b'\r', b'\n', window) else {
        return match window.len() == LONGEST - 1 {
            true => Parsed::Bad(Fault::LineEnd),
            false => Parsed::NeedMore,
        };
    };
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', None) => Parsed::NeedMore,
        (b'\r', Some(b'\n')) => match line(&bytes[SIGNATURE.len()..end]) {
            Ok(source) => Parsed::Done { consumed: end + 2, source },
            Err(fault) => Parsed::Bad(fault),
        },
        (_, _) => Parsed::Bad(Fault::LineEnd),
    }
}

/// What stands behind "PROXY ".
fn line(text: &[u8]) -> Result<Source, Fault> {
    let mut fields = text.split(|byte| *byte == b' ');
    let family = fields.next().unwrap_or_default();
    if family == b"UNKNOWN" {
        // Whatever else it says is to be passed over.
        return Ok(Source::Unchanged);
    }
    let (Some(source), Some(target), Some(source_port), Some(target_port), None) =
        (fields.next(), fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Fault::Line);
    };
    let address = match family {
        b"TCP4" => address::<Ipv4Addr>,
        b"TCP6" => address::<Ipv6Addr>,
        _ => return Err(Fault::Line),
    };
    let (source, _) = (address(source)?, address(target)?);
    let (source_port, _) = (port(source_port)?, port(target_port)?);
    Ok(Source::Client(SocketAddr::new(source, source_port)))
}

fn address<A: std::str::FromStr + Into<IpAddr>>(text: &[u8]) -> Result<IpAddr, Fault> {
    let text = std::str::from_utf8(text).map_err(|_| Fault::Address)?;
    text.parse::<A>().map(Into::into).map_err(|_| Fault::Address)
}

/// A number as it is written: no sign, no zero in front.
fn port(text: &[u8]) -> Result<u16, Fault> {
    let plain = text.iter().all(u8::is_ascii_digit) && (text == b"0" || !text.starts_with(b"0"));
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.filter(|_| plain).ok_or(Fault::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Parsed {
        let source = Source::Client(text.parse().unwrap());
        Parsed::Done { consumed: 0, source }
    }

    #[track_caller]
    fn check(line: &str, expected: Parsed) {
        let expected = match expected {
            Parsed::Done { source, .. } => Parsed::Done { consumed: line.len(), source },
            other => other,
        };
        assert_eq!(parse(format!("{line}GET / HTTP/1.1\r\n").as_bytes()), expected, "{line:?}");
    }

    #[test]
    fn headers() {
        let unchanged = Parsed::Done { consumed: 0, source: Source::Unchanged };
        let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        for (line, expected) in [
            ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", client("192.0.2.7:56324")),
            ("PROXY TCP4 0.0.0.0 0.0.0.0 0 65535\r\n", client("0.0.0.0:0")),
            ("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", client("[2001:db8::7]:1")),
            ("PROXY UNKNOWN\r\n", unchanged),
            ("PROXY UNKNOWN ::1 whatever it is\r\n", unchanged),
            (
                &format!("PROXY TCP6 {full} {full} 65535 65535\r\n"),
                client(&format!("[{full}]:65535")),
            ),
            (&format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n"), unchanged),
        ] {
            check(line, expected);
        }
        assert_eq!(format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n").len(), LONGEST);
    }

    #[test]
    fn what_is_nearly_a_header() {
        use Fault::{Address, Line, LineEnd, Port};
        for (line, fault) in [
            ("PROXY \r\n", Line),
            ("PROXY  TCP4 192.0.2.7 198.51.100.1 1 2\r\n", Line),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n", Line),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n", Line),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2 \r\n", Line),
            ("PROXY TCP4 192.0.2.7  198.51.100.1 1 2\r\n", Line),
            ("PROXY tcp4 192.0.2.7 198.51.100.1 1 2\r\n", Line),
            ("PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n", Line),
            ("PROXY UNKNOWNS\r\n", Line),
            ("PROXY / HTTP/1.1\r\n", Line),
            ("PROXY TCP4 ::1 198.51.100.1 1 2\r\n", Address),
            ("PROXY TCP6 192.0.2.7 ::1 1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.07 198.51.100.1 1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 198.51.100.256 1 2\r\n", Address),
            ("PROXY TCP6 fe80::1%1 ::1 1 2\r\n", Address),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 +1 2\r\n", Port),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 01 2\r\n", Port),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 65536\r\n", Port),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 -2\r\n", Port),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\n", LineEnd),
            ("PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r", LineEnd),
            (&format!("PROXY UNKNOWN {}\r\n", "x".repeat(92)), LineEnd),
            (&"PROXY UNKNOWN ".repeat(20), LineEnd),
        ] {
            check(line, Parsed::Bad(fault));
        }
    }

    #[test]
    fn what_is_none_at_all() {
        for line in
            [" PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "proxy TCP4 ", "\r\nPROXY ", "PROXYTCP4"]
        {
            check(line, Parsed::Absent);
        }
    }
}
