//! What the codec tells its caller: the request, piece by piece, in the types of the `http` crate.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri, Version};

/// The next thing that happened on the client's side.
#[derive(Clone, Debug)]
pub enum Event {
    /// Nothing yet: receive more, then ask again.
    NeedData,
    /// A request begins. Boxed: on its way to the application it passes through many hands, and an
    /// allocation costs less than the copies.
    Request(Box<RequestHead>),
    /// A piece of the body: as much as there was, never empty. It shares the receive buffer's
    /// memory.
    Data(Bytes),
    /// The request is complete. The trailers, if there were any.
    EndOfMessage(Option<Box<HeaderMap>>),
    /// Pipelined bytes wait in the buffer, and the response to the present request is not complete,
    /// or [`Conn::start_next_cycle`](crate::Conn::start_next_cycle) was not called since.
    Paused,
    /// Nothing more will come: EOF at a message boundary, or the response that was just completed
    /// closes the connection.
    Closed,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method. Three to twenty token characters, no lower-case letter.
    pub method: Method,
    /// The request target exactly as received: only bytes from `!` to `~`.
    pub target: Bytes,
    /// The same, parsed. Bytes that a URI cannot have (quotes, braces, ...) are percent-encoded
    /// here, and a fragment is left out.
    pub uri: Uri,
    /// `HTTP/1.0` or `HTTP/1.1`; a later 1.x counts as 1.1 (RFC 9110 section 2.5).
    pub version: Version,
    /// All fields, repeats kept, in order.
    pub headers: HeaderMap,
    /// How the body is framed (RFC 9112 section 6.3).
    pub body: BodyLength,
    /// Whether the client asks to speak another protocol (RFC 9110 section 7.8).
    pub upgrade: Upgrade,
}

/// How a request's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// Neither `Content-Length` nor `Transfer-Encoding`: there is none.
    None,
    /// `Content-Length`, in bytes.
    Fixed(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// Whether a request asks for an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// It does not.
    No,
    /// HTTP/1.1, `Connection: upgrade` and an `Upgrade` field that is not empty.
    Asked,
}

/// How much of a request's body was not handed out yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Nothing is left.
    None,
    /// So many bytes, or fewer if the client closes early.
    AtMost(u64),
    /// The body is chunked: nobody knows.
    Unknown,
}

/// Whether the connection outlives the present response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Another request may follow.
    Yes,
    /// It is to be closed once the response is written.
    No,
}

/// Why the next cycle cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReusable {
    /// The response is not complete.
    #[error("the response is not complete")]
    Unanswered,
    /// The rest of the request's body has yet to arrive and be thrown away: receive more, and
    /// either call [`next_event`](crate::Conn::next_event) until `EndOfMessage`, or try again.
    #[error("the request's body has not been read to its end")]
    Unread,
    /// The connection is to be closed.
    #[error("the connection is to be closed")]
    Closing,
}
