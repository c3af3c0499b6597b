//! A sans-I/O HTTP/1.1 server codec: bytes in, events out.
//!
//! It owns the framing of requests and responses and nothing else: no sockets, no clock, no
//! threads. Every worker class reads and writes through a [`Conn`], so there is one set of rules,
//! and it can be tested and fuzzed without a network. The rules follow RFC 9110 and RFC 9112 on
//! their strict side; each is written once, with its section beside it.
//!
//! ```
//! use bytes::BytesMut;
//! use http::{HeaderMap, StatusCode};
//! use oxicorn_http1::*;
//!
//! let mut conn = Conn::new(Limits::default());
//! let mut out = BytesMut::new();
//! conn.receive_data(b"GET /hello HTTP/1.1\r\nHost: example.org\r\n\r\n");
//! while !matches!(conn.next_event()?, Event::EndOfMessage(_)) {}
//! let body = b"Hello, world!\n";
//! let head = ResponseHead {
//!     status: StatusCode::OK,
//!     headers: &HeaderMap::new(),
//!     body: ResponseBody::Fixed(body.len() as u64),
//!     persistence: Persistence::KeepAlive,
//! };
//! conn.send_response(head, &HttpDate::new(784_111_777), &mut out)?;
//! let frame = conn.send_data(body.len(), &mut out)?;
//! out.extend_from_slice(&body[..frame.take]);
//! out.extend_from_slice(frame.suffix);
//! conn.send_end(&mut out)?;
//! conn.start_next_cycle()?;
//! assert_eq!(
//!     out,
//!     "HTTP/1.1 200 OK\r\nServer: oxicorn\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
//!      Content-Length: 14\r\n\r\nHello, world!\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The way through the code: `state` is the protocol as two tables, and `conn` ties the halves
//! together. On the way in, `scan` finds lines; `line`, `target`, `authority`, `fields` and `framing`
//! say what they mean and `head` makes a request of them; `chunk` and `body` find where a body ends.
//! On the way out there is `encode`. `event`, `response`, `limits`, `date` and `error` are the
//! vocabulary.

#![forbid(unsafe_code)]

mod authority;
mod body;
mod chunk;
mod class;
mod conn;
mod date;
mod encode;
mod error;
mod event;
mod fields;
mod find;
mod framing;
mod head;
mod limits;
mod line;
mod response;
mod scan;
mod state;
mod target;

pub use conn::Conn;
pub use date::HttpDate;
pub use error::{Error, ErrorKind};
pub use event::{BodyLength, Event, KeepAlive, NotReusable, RequestHead, Unread, Upgrade};
pub use limits::{Limits, MissingHost};
pub use response::{
    BodyFraming, Frame, Framing, Persistence, ResponseBody, ResponseHead, SendError,
};
pub use state::{ClientState, ServerState};
