//! The user's name in the credentials of basic authentication (RFC 7617, section 2).

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Characters of base64 that are looked at; a multiple of four. The name comes first: a longer
/// password changes nothing, a longer name is not shown.
const LOOKED_AT: usize = 1024;

/// Decoded credentials, on the stack.
pub(super) struct Space([u8; LOOKED_AT / 4 * 3]);

impl Default for Space {
    fn default() -> Space {
        Space([0; LOOKED_AT / 4 * 3])
    }
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The name in an Authorization header. None: another scheme, no base64, no colon (these would be no
/// credentials, and nobody knows what else), or an empty name.
pub(super) fn name<'a>(header: &[u8], space: &'a mut Space) -> Option<&'a [u8]> {
    let (scheme, rest) = header.split_at(memchr::memchr(b' ', header)?);
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let encoded = rest.trim_ascii();
    let encoded = &encoded[..encoded.len().min(LOOKED_AT)];
    let length = BASE64.decode_slice(encoded, &mut space.0).ok()?;
    let credentials = &space.0[..length];
    let name = &credentials[..memchr::memchr(b':', credentials)?];
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<Vec<u8>> {
        name(header.as_bytes(), &mut Space::default()).map(<[u8]>::to_vec)
    }

    fn basic(credentials: &str) -> String {
        let mut encoded = vec![0; credentials.len() * 2 + 4];
        let length = BASE64.encode_slice(credentials, &mut encoded).unwrap();
        format!("Basic {}", std::str::from_utf8(&encoded[..length]).unwrap())
    }

    #[test]
    fn the_name_is_what_comes_before_the_colon() {
        let known = Some(b"Aladdin".to_vec());
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), known);
        assert_eq!(read("bASIC   QWxhZGRpbjpvcGVuIHNlc2FtZQ  "), known);
        assert_eq!(read(&basic("a\"\n:b:c")), Some(b"a\"\n".to_vec()));
        assert_eq!(read(&basic(&format!("me:{}", "x".repeat(9000)))), Some(b"me".to_vec()));
        for length in 760..780 {
            let _ = read(&basic(&"n".repeat(length)));
        }
    }

    #[test]
    fn what_is_not_credentials_is_not_shown() {
        for header in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            &basic("a token without a colon"),
            &basic(":secret"),
            &basic(&format!("{}:secret", "x".repeat(9000))),
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }
}
