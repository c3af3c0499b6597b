//! A name for each request, by which its line in the log, the application's own lines and those of
//! the programs before and behind it can be brought together. Whoever has sent the request may have
//! named it (`X-Request-Id`); otherwise it gets a name here, and only when somebody asks for one.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::sys::random::random_bits;

/// The header that names a request.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a name that is taken over.
const LONGEST: usize = 128;

/// Hexadecimal digits of a name that is made here: 16 of this worker's random prefix, and 8 of a
/// counter, which carries into the prefix.
const DIGITS: usize = 24;

/// A name that was made here, as its number: which request of this process it is. Small, because
/// every request has a place for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made(u64);

/// See the module.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Request, RequestExt, RequestId};
///
/// fn note(request: &Request) -> String {
///     match request.request_id() {
///         Some(RequestId::Given(_)) => "named by whoever has sent it\n".to_owned(),
///         Some(id) => format!("named here: {id}\n"),
///         None => "received by no server\n".to_owned(),
///     }
/// }
/// # assert_eq!(note(&Request::default()), "received by no server\n");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum RequestId {
    /// What the sender has said.
    Given(HeaderValue),
    /// The digits of one that was made here.
    Made([u8; DIGITS]),
}

impl Made {
    /// A name that no other request has.
    pub fn new() -> Made {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        Made(COUNTER.fetch_add(1, Ordering::Relaxed))
    }

    /// As it is written. To be called in a worker only: the random part is made once for each
    /// process, by the first call.
    pub fn digits(self) -> [u8; DIGITS] {
        static PREFIX: OnceLock<u64> = OnceLock::new();
        let prefix = *PREFIX.get_or_init(random_bits);
        let all = (u128::from(prefix) << 32).wrapping_add(self.0.into()).to_be_bytes();
        let mut digits = [0; DIGITS];
        for (byte, pair) in all[16 - DIGITS / 2..].iter().zip(digits.chunks_exact_mut(2)) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        digits
    }
}

impl Default for Made {
    fn default() -> Made {
        Made::new()
    }
}

impl From<Made> for RequestId {
    fn from(made: Made) -> RequestId {
        RequestId::Made(made.digits())
    }
}

impl RequestId {
    /// The name that these headers give, if it is sane: 1 to 128 visible ASCII characters, none of
    /// which is a quote or a backslash, in one field. None: they give none, or none that could stand
    /// in a log as it is.
    pub fn given(headers: &HeaderMap) -> Option<&HeaderValue> {
        let mut fields = headers.get_all(X_REQUEST_ID).iter();
        let (value, second) = (fields.next()?, fields.next());
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'\'');
        let is_sane = (1..=LONGEST).contains(&value.len()) && value.as_bytes().iter().all(plain);
        (is_sane && second.is_none()).then_some(value)
    }

    /// As text: ASCII.
    pub fn as_str(&self) -> &str {
        match self {
            // Neither can fail: both are visible ASCII.
            RequestId::Given(value) => value.to_str().unwrap_or_default(),
            RequestId::Made(digits) => std::str::from_utf8(digits).unwrap_or_default(),
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_REQUEST_ID, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        RequestId::given(&headers).map(|value| RequestId::Given(value.clone()).to_string())
    }

    #[test]
    fn a_sane_name_is_taken_over() {
        let longest = "x".repeat(128);
        for name in ["7", "0a1b-2c3d", "Root=1-67891233-abcdef012345678912345678", &longest] {
            assert_eq!(given(&[name]).as_deref(), Some(name));
        }
        let too_long = "x".repeat(129);
        for name in ["", "a b", "a\"b", "a\\b", "it's", "é", "a\tb", &too_long] {
            assert_eq!(given(&[name]), None, "{name}");
        }
        assert_eq!(given(&["a", "b"]), None);
        assert_eq!(given(&[]), None);
    }

    #[test]
    fn made_names_differ_and_could_be_given() {
        let (one, two) = (RequestId::from(Made::new()), RequestId::from(Made::new()));
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), DIGITS);
        assert_eq!(given(&[one.as_str()]).as_deref(), Some(one.as_str()));
        assert_eq!(one.as_str()[..12], two.as_str()[..12], "of one process");
    }
}
