//! Between bytes and Python's text. HTTP knows bytes, PEP 3333 wants `str`, and the bridge is latin-1:
//! each byte is the character of that number, so nothing is lost and nothing can be invalid.

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Bytes as PEP 3333 wants to see them.
pub(super) fn from_bytes<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => {
            let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
            PyString::new(py, &text)
        }
    }
}

/// The bytes that text stands for; `None`: a character of it stands for none.
pub(super) fn to_bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// Percent-decoding (RFC 3986 section 2.1). A `%` without two digits behind it stays as it is.
pub(super) fn decode(path: &str) -> Option<Vec<u8>> {
    let bytes = path.as_bytes();
    let mut percent = bytes.iter().position(|&byte| byte == b'%')?;
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        decoded.extend_from_slice(&rest[..percent]);
        rest = &rest[percent..];
        match rest {
            [_, high, low, behind @ ..] if let Some(byte) = hex(*high, *low) => {
                decoded.push(byte);
                rest = behind;
            }
            [first, behind @ ..] => {
                decoded.push(*first);
                rest = behind;
            }
            [] => {}
        }
        match rest.iter().position(|&byte| byte == b'%') {
            Some(next) => percent = next,
            None => {
                decoded.extend_from_slice(rest);
                return Some(decoded);
            }
        }
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
