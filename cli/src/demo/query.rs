//! Values out of a query, and the one line that is said about a wrong one.

use oxicorn_core::Response;
use oxicorn_core::app::IntoResponse;

use http::StatusCode;

/// The query of a request, not decoded.
#[derive(Clone, Copy)]
pub(super) struct Query<'a>(pub(super) &'a str);

/// A value that cannot be used, as it was written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}={value}: {wanted}\n")]
pub(super) struct WrongValue {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) wanted: String,
}

impl IntoResponse for WrongValue {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.to_string()).into_response()
    }
}

impl<'a> Query<'a> {
    /// The first value of `key`, not decoded.
    fn raw(self, key: &str) -> Option<&'a str> {
        self.0
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// A whole number up to `most`, digits only.
    pub(super) fn number(
        self,
        key: &'static str,
        default: u64,
        most: u64,
    ) -> Result<u64, WrongValue> {
        let Some(value) = self.raw(key) else {
            return Ok(default);
        };
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        let number = value.parse().ok().filter(|&n| digits && n <= most);
        number.ok_or_else(|| wrong(key, value, format!("not a whole number from 0 to {most}")))
    }

    /// A text that must be there: what `parse` makes of it once it is percent-decoded.
    pub(super) fn parsed<T>(
        self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<T, WrongValue> {
        let value = self.raw(key).unwrap_or_default();
        decode(value)
            .ok_or("not percent-encoded UTF-8")
            .and_then(|text| parse(&text))
            .map_err(|wanted| wrong(key, value, wanted.to_owned()))
    }
}

fn wrong(key: &'static str, value: &str, wanted: String) -> WrongValue {
    let value = value.to_owned();
    WrongValue { key, value, wanted }
}

/// Percent-decoding (RFC 3986 section 2.1); `+` stays what it is.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    decoded.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let digits = piece.get(..2)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend_from_slice(&piece.as_bytes()[2..]);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_within_their_bounds() {
        let number = |query: &str| Query(query).number("n", 7, 100);
        for (query, value) in [("", 7), ("m=1", 7), ("n=0", 0), ("a&n=100&n=3", 100)] {
            assert_eq!(number(query), Ok(value), "{query}");
        }
        for value in ["", "x", "-1", "+1", "1.5", "101", "99999999999999999999"] {
            let query = format!("n={value}");
            let said = number(&query).unwrap_err().to_string();
            assert_eq!(said, format!("n={value}: not a whole number from 0 to 100\n"));
        }
    }

    #[test]
    fn texts_are_percent_decoded() {
        let same = |text: &str| Ok(text.to_owned());
        let text = |query| Query(query).parsed("url", same);
        assert_eq!(text("url=http%3a//x/%3Fa%26b+c=d").unwrap(), "http://x/?a&b+c=d");
        for broken in ["url=%", "url=%4", "url=%+4", "url=%zz", "url=%ff"] {
            assert!(text(broken).is_err(), "{broken}");
        }
    }
}
