//! The rules of ASGI that an application can break. Each is one sentence for the error log and for
//! the exception that the application gets.

use oxicorn_http1::SendError;

/// See the module. They are the specification's, of its page on HTTP and WebSocket
/// (<https://asgi.readthedocs.io/en/latest/specs/www.html>).
#[derive(Debug, thiserror::Error)]
pub(super) enum Rule {
    #[error("an event must be a dict with a str \"type\"")]
    NoType,
    #[error("there is no event {0:?} to send here")]
    UnknownEvent(String),
    #[error("{event} must have {what}")]
    Field { event: &'static str, what: &'static str },
    #[error("the status must be a whole number from 200 to 999")]
    Status,
    #[error("header names and values must be pairs of byte strings")]
    Header,
    #[error("{0:?} is no name for a header")]
    HeaderName(String),
    #[error("the value of the header {0} has a character that it must not have")]
    HeaderValue(String),
    #[error("http.response.start must come before the body, and once")]
    OutOfOrder,
    #[error("nothing can be sent after the response is complete")]
    AfterTheEnd,
    #[error("websocket.accept or websocket.close must come first, and once")]
    Handshake,
    #[error("{0} cannot be served: {1}")]
    Path(String, std::io::Error),
    #[error("{0}")]
    Http(#[from] SendError),
    #[error("the application has returned without a response")]
    NoResponse,
    #[error("the application has returned before the response was complete")]
    Incomplete,
}

impl Rule {
    /// As the log has it.
    pub(super) fn line(&self) -> String {
        format!("ASGI: {self}")
    }
}
