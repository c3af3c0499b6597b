//! What the caller says about a response, and what the codec answers.

use http::{HeaderMap, StatusCode};

/// The head of a response, as the application and the server want it.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// A final status, 200 to 999.
    pub status: StatusCode,
    /// The application's fields. Those that describe the connection are dropped (RFC 9110 section
    /// 7.6.1), except that `Connection: close` is obeyed. `Date` is dropped, `Server` replaces
    /// ours.
    pub headers: &'a HeaderMap,
    /// What is known about the body's length.
    pub body: ResponseBody,
    /// Whether the server would keep the connection.
    pub persistence: Persistence,
}

/// What is known about a response's body. A valid `Content-Length` among the fields goes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseBody {
    /// Its length in bytes.
    Fixed(u64),
    /// Nothing: chunked for HTTP/1.1, ended by the close for HTTP/1.0.
    Streamed,
}

/// What the server wishes. The codec closes anyway when it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Keep the connection, if the request and the response permit it.
    KeepAlive,
    /// Close it.
    Close,
}

/// How the response that was just begun is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// The body's framing.
    pub body: BodyFraming,
}

/// How a response's body is framed (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// There is none, whatever the fields say: HEAD, 204, 304.
    None,
    /// Exactly so many bytes.
    Fixed(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// It ends when the connection does.
    UntilClose,
}

/// How to write a piece of body that was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// So many bytes of the piece go on the wire, first; the rest does not. Less than announced
    /// when the application gave more than its `Content-Length`, 0 when there is no body.
    pub take: usize,
    /// These bytes follow.
    pub suffix: &'static [u8],
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A head without anything to answer, a second head, or a body or its end without a head.
    #[error("not the moment for this part of a response")]
    OutOfTurn,
    /// The status is not a final one: 1xx is not a response.
    #[error("1xx is not a final status")]
    Interim,
    /// The application's `Content-Length` is no number, or there are several (RFC 9110 section
    /// 8.6). Another response, a 500 say, may still be sent.
    #[error("invalid Content-Length in the response")]
    ContentLength,
    /// The body ended before its `Content-Length`: the connection must be closed, so that the
    /// client can tell (RFC 9112 section 8).
    #[error("response body is {missing} bytes shorter than its Content-Length")]
    ShortBody {
        /// Bytes that are missing.
        missing: u64,
    },
}
