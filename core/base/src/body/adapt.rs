//! Bodies around other bodies, for what a reader has left over and for errors of another type.

use std::error::Error as StdError;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::Incoming;

/// What `Read` left of a piece, before the pieces that follow.
pub(super) struct WithRest {
    pub(super) rest: Option<Bytes>,
    pub(super) incoming: Box<dyn Incoming>,
}

impl Incoming for WithRest {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.rest.take().map_or_else(|| self.incoming.next(), |rest| Ok(Some(rest)))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        match self.rest.take() {
            Some(rest) => Poll::Ready(Ok(Some(rest))),
            None => self.incoming.poll_next(cx),
        }
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        if self.rest.is_some() { None } else { self.incoming.take_trailers() }
    }
}

/// Any error of a foreign body, as one of input and output.
pub(super) struct IoErrors<B>(pub(super) Pin<Box<B>>);

impl<B> http_body::Body for IoErrors<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.as_mut().poll_frame(cx).map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
