//! The chunk-size line: a number, and extensions that nobody uses but attackers.
//!
//! We act on none of the extensions. Their grammar is checked all the same, because a recipient
//! that skips "anything up to the end of line" and one that does not disagree about where it is.

use std::ops::Range;

use crate::class::TOKEN;
use crate::error::ErrorKind;

/// A parsed chunk-size line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkLine {
    /// Bytes of data that follow; zero for the last chunk.
    pub(crate) size: u64,
    /// Bytes of the line that were not the size.
    pub(crate) extensions: usize,
}

/// Parses a line without its CRLF: `chunk-size [ chunk-ext ]` (RFC 9112 section 7.1).
pub(crate) fn parse(line: &[u8]) -> Result<ChunkLine, ErrorKind> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 {
        return Err(ErrorKind::ChunkSize);
    }
    let size = line[..digits]
        .iter()
        .try_fold(0u64, |sum, byte| {
            let digit = char::from(*byte).to_digit(16)?;
            // A shift loses bits silently where a multiplication tells.
            sum.checked_mul(16)?.checked_add(u64::from(digit))
        })
        .ok_or(ErrorKind::ChunkSize)?;
    let mut rest = &line[digits..];
    let extensions = rest.len();
    while !rest.is_empty() {
        rest = extension(rest)?;
    }
    Ok(ChunkLine { size, extensions })
}

/// Takes one `BWS ";" BWS name [ BWS "=" BWS value ]` off the front (RFC 9112 section 7.1.1).
fn extension(rest: &[u8]) -> Result<&[u8], ErrorKind> {
    let rest = skip_space(rest);
    let Some((b';', rest)) = rest.split_first() else {
        // What stands directly behind the number, or its white space, spoils the number.
        return Err(ErrorKind::ChunkSize);
    };
    let rest = token(skip_space(rest)).ok_or(ErrorKind::ChunkExtension)?;
    let Some((b'=', value)) = skip_space(rest).split_first() else {
        return Ok(rest);
    };
    let value = skip_space(value);
    match value.split_first() {
        Some((b'"', quoted)) => quoted_string(quoted),
        _ => token(value),
    }
    .ok_or(ErrorKind::ChunkExtension)
}

fn skip_space(rest: &[u8]) -> &[u8] {
    let space = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &rest[space..]
}

/// RFC 9110 section 5.6.2.
fn token(rest: &[u8]) -> Option<&[u8]> {
    match TOKEN.prefix(rest) {
        0 => None,
        len => Some(&rest[len..]),
    }
}

/// RFC 9110 section 5.6.4, behind the opening quote.
fn quoted_string(mut rest: &[u8]) -> Option<&[u8]> {
    const CONTROL: [Range<u8>; 2] = [0x00..0x09, 0x0a..0x20];
    let visible = |byte: &u8| *byte != 0x7f && !CONTROL.iter().any(|range| range.contains(byte));
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', escaped, after @ ..] if visible(escaped) => after,
            [byte, after @ ..] if *byte != b'\\' && visible(byte) => after,
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        use ErrorKind::*;
        let cases: &[(&str, Result<u64, ErrorKind>)] = &[
            ("0", Ok(0)),
            ("00", Ok(0)),
            ("5", Ok(5)),
            ("0005", Ok(5)),
            ("00000000000000000005", Ok(5)),
            ("aF", Ok(0xaf)),
            ("ffffffffffffffff", Ok(u64::MAX)),
            ("3;a", Ok(3)),
            ("3;a=b", Ok(3)),
            ("3 ;a=b", Ok(3)),
            ("3\t ; a = b ; c", Ok(3)),
            ("3;a=\"q; \\\" \u{e9}\"", Ok(3)),
            ("3;a=\"\";b=\"\"", Ok(3)),
            ("", Err(ChunkSize)),
            (" 3", Err(ChunkSize)),
            ("3 ", Err(ChunkSize)),
            ("3 3", Err(ChunkSize)),
            ("+3", Err(ChunkSize)),
            ("-3", Err(ChunkSize)),
            ("0x3", Err(ChunkSize)),
            ("3_0", Err(ChunkSize)),
            ("g", Err(ChunkSize)),
            ("3\u{b}", Err(ChunkSize)),
            ("10000000000000000", Err(ChunkSize)),
            ("fffffffffffffffff", Err(ChunkSize)),
            (";a", Err(ChunkSize)),
            ("3;", Err(ChunkExtension)),
            ("3;;a", Err(ChunkExtension)),
            ("3;a ", Err(ChunkSize)),
            ("3;a=", Err(ChunkExtension)),
            ("3;=b", Err(ChunkExtension)),
            ("3;a=b c", Err(ChunkSize)),
            ("3;a\r", Err(ChunkSize)),
            ("3;a=\"b", Err(ChunkExtension)),
            ("3;a=\"b\\\"", Err(ChunkExtension)),
            ("3;a=\"b\u{1}\"", Err(ChunkExtension)),
            ("3;a=\"b\r\"", Err(ChunkExtension)),
            ("3;a=\"b\\\u{1}\"", Err(ChunkExtension)),
        ];
        for (line, expected) in cases {
            let size = parse(line.as_bytes()).map(|line| line.size);
            assert_eq!(&size, expected, "{line:?}");
        }
        assert_eq!(parse(b"3 ;a=b").map(|line| line.extensions), Ok(5));
    }
}
