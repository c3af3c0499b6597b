//! What a peer may make this process hold in memory before the application has seen a byte.
//!
//! The three numbers are gunicorn's, with gunicorn's way of counting, because people have tuned
//! them. "0 switches it off" is translated once, here, so that no other module knows about it.

/// What happens to an HTTP/1.1 request without a `Host` field (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingHost {
    /// 400, as the RFC demands.
    Refuse,
    /// Let it pass, for old clients and home-made health checks.
    Permit,
}

/// Bounds on a request head and on the lines of a chunked body. `0` means unlimited.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest request line in bytes, its CRLF not counted. Beyond: 414.
    pub line: usize,
    /// Most fields in a head, and again in a trailer section. Beyond: 431.
    pub fields: usize,
    /// Longest field line in bytes, its CRLF counted (beyond: 431); also the longest chunk-size
    /// line (beyond: 400).
    pub field_size: usize,
    /// Whether HTTP/1.1 without `Host` is refused.
    pub missing_host: MissingHost,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { line: 4094, fields: 100, field_size: 8190, missing_host: MissingHost::Refuse }
    }
}

/// [`Limits`] in the form the parser compares with: lines counted with their CRLF, no special zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) line: usize,
    pub(crate) fields: usize,
    pub(crate) field_size: usize,
    pub(crate) missing_host: MissingHost,
}

impl From<Limits> for Bounds {
    fn from(limits: Limits) -> Bounds {
        let bound = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        Bounds {
            line: bound(limits.line).saturating_add(2),
            fields: bound(limits.fields),
            field_size: bound(limits.field_size),
            missing_host: limits.missing_host,
        }
    }
}
