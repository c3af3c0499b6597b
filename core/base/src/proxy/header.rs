//! The PROXY protocol, as the receiver sees it: what the bytes at the front of a connection are.
//! Pure over bytes, and asked again from the front each time some more have come, so that it cannot
//! matter how they were cut. The rules are those of the specification that comes with HAProxy,
//! read strictly: what is not exactly a header is no header, and is not repaired.

use std::net::SocketAddr;

use super::{v1, v2};
use crate::config::ProxyProtocol;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// They may become a header, or become none: more are needed.
    NeedMore,
    /// No header: they belong to the first request.
    Absent,
    /// A header of `consumed` bytes; what follows is the first request.
    Done {
        /// The length of the header.
        consumed: usize,
        /// The client that it announces.
        source: Source,
    },
    /// It began as a header and is none.
    Bad(Fault),
}

/// The client that a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// None: the client is who has connected. A proxy says so of its health checks.
    Unchanged,
    /// This one, whose connection to the proxy is a TCP connection.
    Client(SocketAddr),
}

/// Why something that began as a header is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Version 1: no CRLF within 107 bytes, or a CR or LF alone.
    #[error("PROXY header: the line does not end as it must")]
    LineEnd,
    /// Version 1: not six fields with one space between two, or no protocol that it knows.
    #[error("PROXY header: malformed line")]
    Line,
    /// An address that is none, or of the other family.
    #[error("PROXY header: invalid address")]
    Address,
    /// A port that is none.
    #[error("PROXY header: invalid port")]
    Port,
    /// Version 2: another version, behind the signature.
    #[error("PROXY header: unknown version")]
    Version,
    /// Version 2: neither LOCAL nor PROXY.
    #[error("PROXY header: unknown command")]
    Command,
    /// Version 2: something that no HTTP client connects with.
    #[error("PROXY header: address family or protocol that is not TCP over IP")]
    Family,
    /// Version 2: longer than anything a proxy has to say.
    #[error("PROXY header: too long")]
    TooLong,
}

/// What the bytes that a connection begins with are, for a server that expects `mode`.
pub fn parse(mode: ProxyProtocol, bytes: &[u8]) -> Parsed {
    match (mode, bytes.first()) {
        (ProxyProtocol::Off, _) => Parsed::Absent,
        (_, None) => Parsed::NeedMore,
        (ProxyProtocol::V1, _) => v1::parse(bytes),
        (ProxyProtocol::V2, _) => v2::parse(bytes),
        (ProxyProtocol::Auto, Some(b'P')) => v1::parse(bytes),
        (ProxyProtocol::Auto, Some(_)) => v2::parse(bytes),
    }
}

/// How `bytes` compare with the signature that a header begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Complete,
    Incomplete,
    Other,
}

pub(super) fn compare(bytes: &[u8], signature: &[u8]) -> Signature {
    if bytes.starts_with(signature) {
        Signature::Complete
    } else if signature.starts_with(bytes) {
        Signature::Incomplete
    } else {
        Signature::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
    const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

    #[test]
    fn the_mode_decides_which_headers_there_are() {
        use ProxyProtocol::{Auto, Off, V1 as One, V2 as Two};
        for (mode, v1, v2) in [
            (Off, Parsed::Absent, Parsed::Absent),
            (One, parse(One, V1), Parsed::Absent),
            (Two, Parsed::Absent, parse(Two, V2_LOCAL)),
            (Auto, parse(One, V1), parse(Two, V2_LOCAL)),
        ] {
            assert_eq!(parse(mode, V1), v1, "{mode:?}");
            assert_eq!(parse(mode, V2_LOCAL), v2, "{mode:?}");
        }
        assert!(matches!(parse(One, V1), Parsed::Done { .. }));
        assert!(matches!(parse(Two, V2_LOCAL), Parsed::Done { .. }));
    }

    #[test]
    fn a_plain_request_is_known_by_its_first_bytes() {
        for plain in ["G", "POST / HTTP/1.1", "PU", "\r\nGET", "PROPFIND"] {
            assert_eq!(parse(ProxyProtocol::Auto, plain.as_bytes()), Parsed::Absent, "{plain:?}");
        }
        for open in ["", "P", "PRO", "PROXY", "\r\n", "\r\n\r\n\0"] {
            assert_eq!(parse(ProxyProtocol::Auto, open.as_bytes()), Parsed::NeedMore, "{open:?}");
        }
    }

    fn header() -> impl Strategy<Value = Vec<u8>> {
        let cut = |whole: &'static [u8]| (0..whole.len()).prop_map(|at| whole[at..].to_vec());
        prop_oneof![
            "PROXY (TCP4|TCP6|UNKNOWN|UDP4) [0-9.:a ]{0,40} [0-9]{1,6} [0-9]{1,6}(\r\n|\n|\r)?"
                .prop_map(String::into_bytes),
            Just(V1.to_vec()),
            cut(V1),
            cut(V2_LOCAL),
            (0x1f..0x23_u8, any::<u8>(), 0..60_u16, prop::collection::vec(any::<u8>(), 0..70))
                .prop_map(|(command, family, length, rest)| {
                    let mut bytes = V2_LOCAL[..12].to_vec();
                    bytes.extend([command, family]);
                    bytes.extend(length.to_be_bytes());
                    bytes.extend(rest);
                    bytes
                }),
            prop::collection::vec(any::<u8>(), 0..200),
        ]
    }

    proptest! {
        /// Whatever is said of some of the bytes is what is said of all of them.
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(bytes in header(), tail in ".{0,20}") {
            let whole = [bytes, tail.into_bytes()].concat();
            for mode in [ProxyProtocol::V1, ProxyProtocol::V2, ProxyProtocol::Auto] {
                let last = parse(mode, &whole);
                for end in 0..whole.len() {
                    let early = parse(mode, &whole[..end]);
                    prop_assert!(early == Parsed::NeedMore || early == last, "{:?}", &whole[..end]);
                }
                if let Parsed::Done { consumed, .. } = last {
                    prop_assert!((1..=whole.len()).contains(&consumed));
                    prop_assert_eq!(parse(mode, &whole[..consumed]), last);
                    prop_assert_eq!(parse(mode, &whole[..consumed - 1]), Parsed::NeedMore);
                }
            }
        }
    }
}
