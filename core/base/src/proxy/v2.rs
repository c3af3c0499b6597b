//! Version 2: a binary header behind a signature that no other protocol begins with.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{Fault, Parsed, Signature, Source, compare};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// What comes before the addresses.
const FIXED: usize = 16;
/// The most that may come behind that, in bytes: two addresses and whatever the proxy knows of the
/// client's TLS. The protocol allows 65535, and nobody should have to hold that for a stranger.
const LONGEST: usize = 4096;

const STREAM_OVER_IPV4: u8 = 0x11;
const STREAM_OVER_IPV6: u8 = 0x21;

pub(super) fn parse(bytes: &[u8]) -> Parsed {
    match compare(bytes, SIGNATURE) {
        Signature::Other => Parsed::Absent,
        Signature::Incomplete => Parsed::NeedMore,
        Signature::Complete => match header(bytes) {
            Ok(Some((consumed, source))) => Parsed::Done { consumed, source },
            Ok(None) => Parsed::NeedMore,
            Err(fault) => Parsed::Bad(fault),
        },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// The proxy speaks for itself.
    Local,
    /// It speaks for a client.
    Proxy,
}

/// Each field is judged as soon as it is there, in their order. `None`: more is needed.
fn header(bytes: &[u8]) -> Result<Option<(usize, Source)>, Fault> {
    let Some(&version_and_command) = bytes.get(SIGNATURE.len()) else { return Ok(None) };
    let command = match (version_and_command >> 4, version_and_command & 0xf) {
        (2, 0) => Command::Local,
        (2, 1) => Command::Proxy,
        (2, _) => return Err(Fault::Command),
        (_, _) => return Err(Fault::Version),
    };
    let Some(&family) = bytes.get(SIGNATURE.len() + 1) else { return Ok(None) };
    let addresses = match (command, family) {
        // Of a LOCAL connection the rest is to be passed over, whatever it is.
        (Command::Local, _) => 0,
        (Command::Proxy, STREAM_OVER_IPV4) => 12,
        (Command::Proxy, STREAM_OVER_IPV6) => 36,
        // Unspecified: the proxy does not know.
        (Command::Proxy, 0x00) => 0,
        (Command::Proxy, _) => return Err(Fault::Family),
    };
    let Some(&[high, low]) = bytes.get(SIGNATURE.len() + 2..FIXED) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST {
        return Err(Fault::TooLong);
    }
    if length < addresses {
        return Err(Fault::Address);
    }
    let consumed = FIXED + length;
    // Behind the addresses stand further facts that nobody here asks for.
    let Some(payload) = bytes.get(FIXED..consumed) else { return Ok(None) };
    Ok(Some((consumed, source(&payload[..addresses]))))
}

/// The client: its address stands first, its port behind both addresses.
fn source(addresses: &[u8]) -> Source {
    let client = match *addresses {
        [a, b, c, d, _, _, _, _, high, low, _, _] => {
            SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([high, low])))
        }
        _ => {
            let (Some(address), Some(&[high, low])) =
                (addresses.first_chunk::<16>(), addresses.get(32..34))
            else {
                return Source::Unchanged;
            };
            SocketAddr::from((Ipv6Addr::from(*address), u16::from_be_bytes([high, low])))
        }
    };
    Source::Client(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPV4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 4, 1, 0xbb];
    const TLV: &[u8] = &[0x04, 0, 3, 1, 2, 3];

    fn bytes(command: u8, family: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, payload].concat()
    }

    fn ipv6() -> Vec<u8> {
        let (from, to): (Ipv6Addr, Ipv6Addr) = ("2001:db8::7".parse().unwrap(), 1.into());
        [&from.octets()[..], &to.octets(), &[0, 9, 0, 8]].concat()
    }

    #[test]
    fn headers() {
        let v4 = Source::Client("192.0.2.7:56324".parse().unwrap());
        let v6 = Source::Client("[2001:db8::7]:9".parse().unwrap());
        let unchanged = Source::Unchanged;
        for (header, source) in [
            (bytes(0x21, 0x11, IPV4), v4),
            (bytes(0x21, 0x11, &[IPV4, TLV].concat()), v4),
            (bytes(0x21, 0x21, &ipv6()), v6),
            (bytes(0x21, 0x21, &[&ipv6(), TLV].concat()), v6),
            (bytes(0x21, 0x00, &[]), unchanged),
            (bytes(0x21, 0x00, IPV4), unchanged),
            (bytes(0x20, 0x00, &[]), unchanged),
            (bytes(0x20, 0x11, IPV4), unchanged),
            (bytes(0x20, 0xff, TLV), unchanged),
            (bytes(0x21, 0x00, &vec![0; LONGEST]), unchanged),
        ] {
            let consumed = header.len();
            let behind = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            assert_eq!(parse(&behind), Parsed::Done { consumed, source }, "{header:?}");
        }
    }

    #[test]
    fn what_is_nearly_a_header() {
        for (header, fault) in [
            (bytes(0x11, 0x11, IPV4), Fault::Version),
            (bytes(0x01, 0x11, IPV4), Fault::Version),
            (bytes(0x22, 0x11, IPV4), Fault::Command),
            (bytes(0x21, 0x12, IPV4), Fault::Family),
            (bytes(0x21, 0x22, &ipv6()), Fault::Family),
            (bytes(0x21, 0x31, &[0; 216]), Fault::Family),
            (bytes(0x21, 0x10, IPV4), Fault::Family),
            (bytes(0x21, 0x11, &IPV4[1..]), Fault::Address),
            (bytes(0x21, 0x21, IPV4), Fault::Address),
            (bytes(0x21, 0x11, &vec![0; LONGEST + 1]), Fault::TooLong),
        ] {
            assert_eq!(parse(&header), Parsed::Bad(fault), "{header:?}");
        }
        assert_eq!(parse(b"\r\n\r\nGET"), Parsed::Absent);
    }
}
