//! From the application's response to the frames of a stream. Nothing is given to the stream that the
//! client has not made room for, so a response that is not read is not in memory, unless the
//! application has put it there.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use h2::SendStream;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Version};
use oxicorn_core::body::Form;
use oxicorn_core::connection::{ResponseBody, body_length};
use oxicorn_core::handover::{Exchange, Visitor};
use oxicorn_core::{Body, Response};
use tokio::select;
use tokio::time::timeout;

use super::body::Answering;
use super::rules;
use crate::call::next_piece;
use crate::task::Shared;

/// Bytes of a body that are given to the stream at once.
const AT_ONCE: usize = 64 * 1024;
/// What concerns a connection of HTTP/1.1 only (RFC 9113 section 8.2.2).
const NOT_HERE: [HeaderName; 6] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    TE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Why a response cannot go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It breaks a rule; nothing of it was sent.
    #[error("{0}")]
    Invalid(&'static str),
    /// The client does not want it, or has gone.
    #[error("the client is gone")]
    Gone,
    /// The client reads nothing.
    #[error("the client reads nothing")]
    Late,
    /// The application's body failed half-way.
    #[error("the body cannot be completed: {0}")]
    Source(io::Error),
    /// Its body ended before its `Content-Length`.
    #[error("response body is {0} bytes shorter than its Content-Length")]
    Short(u64),
}

/// Whether a piece is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

/// A response on its way.
pub(super) struct Sending<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) shared: &'a Rc<Shared>,
    pub(super) exchange: &'a mut Exchange,
    pub(super) answering: &'a Answering,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follows {
    Nothing,
    /// So many bytes, if that is known.
    Body(Option<u64>),
}

/// Brings the application's headers into the form of HTTP/2, and tells what is to follow them.
fn frame(
    method: &Method,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: ResponseBody,
) -> Result<Follows, Failure> {
    if status.is_informational() {
        return Err(Failure::Invalid("1xx is not a final status"));
    }
    NOT_HERE.iter().for_each(|name| drop(headers.remove(name)));
    let lengths: Vec<_> = headers.get_all(CONTENT_LENGTH).iter().map(rules::number).collect();
    let given = match lengths.as_slice() {
        [] => None,
        [Some(length)] => Some(*length),
        _ => return Err(Failure::Invalid("invalid Content-Length in the response")),
    };
    let length = given.or(match body {
        ResponseBody::Fixed(length) => Some(length),
        _ => None,
    });
    if status == StatusCode::NO_CONTENT {
        headers.remove(CONTENT_LENGTH);
        return Ok(Follows::Nothing);
    }
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Follows::Nothing);
    }
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    let nothing = *method == Method::HEAD || (length, body) == (Some(0), ResponseBody::Fixed(0));
    Ok(if nothing { Follows::Nothing } else { Follows::Body(length) })
}

impl Sending<'_> {
    pub(super) async fn send(&mut self, response: Response) -> Result<(), Failure> {
        let (parts, body) = response.into_parts();
        let (status, mut headers) = (parts.status, parts.headers);
        let follows = frame(self.exchange.method(), status, &mut headers, body_length(&body))?;
        self.exchange.respond(status, &mut headers, &mut self.shared.scratch.borrow_mut());
        let head = assemble(status, headers);
        let end = follows == Follows::Nothing;
        let sent = self.answering.borrow_mut().send_response(head, end);
        let stream = sent.map_err(|_| Failure::Gone)?;
        match follows {
            Follows::Nothing => Ok(()),
            Follows::Body(length) => self.send_body(stream, body, length).await,
        }
    }

    async fn send_body(
        &mut self,
        mut stream: SendStream<Bytes>,
        mut body: Body,
        length: Option<u64>,
    ) -> Result<(), Failure> {
        let (service, running) = (self.visitor.service(), self.exchange.running());
        let mut left = length;
        loop {
            let form = body.form();
            let next = next_piece(service, running, &self.shared.strays, body);
            let piece;
            (body, piece) = match form {
                // What waits is asynchronous: it need not be waited for when nobody wants it.
                Form::Async => select! {
                    biased;
                    _ = poll_fn(|cx| stream.poll_reset(cx)) => return Err(Failure::Gone),
                    next = next => next,
                },
                Form::Whole(_) | Form::File(_) | Form::Blocking => next.await,
            };
            let Some(mut piece) = piece.map_err(Failure::Source)? else { break };
            let surplus = left.map_or(0, |left| (piece.len() as u64).saturating_sub(left));
            piece.truncate(piece.len() - surplus as usize);
            left = left.map(|left| left - piece.len() as u64);
            if surplus > 0 {
                self.exchange.report(&"the response is cut at its Content-Length");
            }
            let last = if left == Some(0) { Last::Yes } else { Last::No };
            self.push(&mut stream, piece, last).await?;
            if last == Last::Yes {
                return Ok(());
            }
        }
        if let Some(missing) = left.filter(|&left| left > 0) {
            return Err(Failure::Short(missing));
        }
        stream.send_data(Bytes::new(), true).map_err(|_| Failure::Gone)
    }

    async fn push(
        &mut self,
        stream: &mut SendStream<Bytes>,
        mut piece: Bytes,
        last: Last,
    ) -> Result<(), Failure> {
        let patience = self.visitor.service().config().write_timeout.get();
        loop {
            stream.reserve_capacity(piece.len().min(AT_ONCE));
            if stream.capacity() == 0 && !piece.is_empty() {
                let room = poll_fn(|cx| stream.poll_capacity(cx));
                let room = match patience {
                    Some(patience) => timeout(patience, room).await.map_err(|_| Failure::Late)?,
                    None => room.await,
                };
                if !matches!(room, Some(Ok(_))) {
                    return Err(Failure::Gone);
                }
            }
            let part = piece.split_to(piece.len().min(stream.capacity()));
            let count = part.len();
            let ends = last == Last::Yes && piece.is_empty();
            if count > 0 || ends {
                stream.send_data(part, ends).map_err(|_| Failure::Gone)?;
                self.exchange.sent(count);
            }
            if piece.is_empty() {
                return Ok(());
            }
        }
    }
}

/// The head, as the crate h2 wants it.
fn assemble(status: StatusCode, headers: HeaderMap) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = status;
    *head.version_mut() = Version::HTTP_2;
    *head.headers_mut() = headers;
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(method: Method, status: u16, fields: &[(&'static str, &str)]) -> (String, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        let follows = frame(&method, status, &mut headers, ResponseBody::Fixed(5));
        (follows.map_or_else(|error| error.to_string(), |follows| format!("{follows:?}")), headers)
    }

    #[test]
    fn lengths_are_told_where_they_may_be_and_believed_where_they_are_numbers() {
        for (method, status, fields, follows, length) in [
            (Method::GET, 200, &[][..], "Body(Some(5))", Some("5")),
            (Method::GET, 200, &[("content-length", "7")], "Body(Some(7))", Some("7")),
            (Method::HEAD, 200, &[], "Nothing", Some("5")),
            (Method::GET, 204, &[("content-length", "7")], "Nothing", None),
            (Method::GET, 304, &[("content-length", "7")], "Nothing", Some("7")),
        ] {
            let (got, headers) = framed(method, status, fields);
            let told = headers.get(CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!((got.as_str(), told), (follows, length), "{status} {fields:?}");
        }
        for lengths in [&[("content-length", "x")][..], &[("content-length", "1"); 2]] {
            let (got, _) = framed(Method::GET, 200, lengths);
            assert_eq!(got, "invalid Content-Length in the response");
        }
        assert_eq!(framed(Method::GET, 101, &[]).0, "1xx is not a final status");
    }

    #[test]
    fn what_belongs_to_the_other_version_is_left_out() {
        let fields = [("connection", "close"), ("transfer-encoding", "chunked"), ("x", "y")];
        let (_, headers) = framed(Method::GET, 200, &fields);
        assert_eq!(headers.len(), 2, "{headers:?}");
    }
}
