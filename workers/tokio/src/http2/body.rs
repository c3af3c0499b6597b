//! The body of a request over HTTP/2. The client may send as much as the window says, and the window
//! grows only by what was read: what arrives while nobody reads is bounded.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Response, StatusCode};
use oxicorn_core::config::Config;
use tokio::time::timeout;

use crate::body::{Piece, Source, stopped_arriving};

/// The stream's other half, which two sides want: whoever reads the body may have to say that it may
/// be sent, whoever waits for the response hears of a reset.
pub(super) type Answering = Rc<RefCell<SendResponse<Bytes>>>;

/// A body that is still coming.
pub(super) struct Receiving {
    stream: RecvStream,
    /// What was read before the handler asked.
    first: Bytes,
    received: u64,
    limit: Option<u64>,
    patience: Option<Duration>,
    trailers: Option<HeaderMap>,
    /// The client waits for a word.
    expectant: Option<Answering>,
}

/// What has come before the handler starts.
pub(super) enum Gathered {
    All(Bytes),
    Part(Bytes),
}

impl Receiving {
    pub(super) fn new(
        stream: RecvStream,
        expectant: Option<Answering>,
        config: &Config,
    ) -> Receiving {
        Receiving {
            stream,
            first: Bytes::new(),
            received: 0,
            limit: config.limit_request_body.limit(),
            patience: config.body_timeout.get(),
            trailers: None,
            expectant,
        }
    }

    /// Reads up to so many bytes.
    pub(super) async fn gather(&mut self, most: u64) -> io::Result<Gathered> {
        if self.expectant.is_some() {
            return Ok(Gathered::Part(Bytes::new()));
        }
        let Some(first) = self.receive().await? else { return Ok(Gathered::All(Bytes::new())) };
        if first.len() as u64 > most {
            return Ok(Gathered::Part(first));
        }
        let Some(second) = self.receive().await? else { return Ok(Gathered::All(first)) };
        let mut all = BytesMut::from(first);
        all.extend_from_slice(&second);
        while all.len() as u64 <= most {
            let Some(piece) = self.receive().await? else {
                return Ok(Gathered::All(all.freeze()));
            };
            all.extend_from_slice(&piece);
        }
        Ok(Gathered::Part(all.freeze()))
    }

    /// Puts a piece back in front.
    pub(super) fn put_back(&mut self, piece: Bytes) {
        self.first = piece;
    }

    /// The next piece, never an empty one.
    async fn receive(&mut self) -> Piece {
        loop {
            let next = in_time(self.patience, std::future::poll_fn(|cx| self.stream.poll_data(cx)));
            let Some(piece) = next.await? else { break };
            let piece = piece.map_err(io::Error::other)?;
            self.stream.flow_control().release_capacity(piece.len()).map_err(io::Error::other)?;
            self.received += piece.len() as u64;
            if self.limit.is_some_and(|limit| self.received > limit) {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the body is too large"));
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        let trailers = std::future::poll_fn(|cx| self.stream.poll_trailers(cx));
        self.trailers = in_time(self.patience, trailers).await?.map_err(io::Error::other)?;
        Ok(None)
    }

    /// RFC 9110 section 10.1.1.
    fn offer_to_continue(&mut self) -> io::Result<()> {
        let Some(answering) = self.expectant.take() else { return Ok(()) };
        let mut go_on = Response::new(());
        *go_on.status_mut() = StatusCode::CONTINUE;
        answering.borrow_mut().send_informational(go_on).map_err(io::Error::other)
    }
}

async fn in_time<F: Future>(patience: Option<Duration>, future: F) -> io::Result<F::Output> {
    match patience {
        Some(patience) => timeout(patience, future).await.map_err(|_| stopped_arriving()),
        None => Ok(future.await),
    }
}

impl Source for Receiving {
    async fn next_piece(&mut self) -> Piece {
        if !self.first.is_empty() {
            return Ok(Some(std::mem::take(&mut self.first)));
        }
        self.offer_to_continue()?;
        self.receive().await
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }
}
