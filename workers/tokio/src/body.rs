//! A request body that is still coming in while the handler runs. The connection's task reads it, one
//! piece each time the handler asks: so the client is told to send (`100 Continue`) only when the
//! body is wanted, and never sends faster than the handler reads.

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use oxicorn_core::body::Incoming;
use oxicorn_core::connection::{BodyPiece, Connection};
use oxicorn_core::wait::{self, Elapsed, Interest};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout_at;

use crate::socket::{Socket, Woken};

pub(crate) type Piece = io::Result<Option<Bytes>>;

/// Where a body comes from.
pub(crate) trait Source {
    /// The next piece; `None` at the end.
    async fn next_piece(&mut self) -> Piece;

    /// What followed the last piece.
    fn take_trailers(&mut self) -> Option<HeaderMap>;
}

/// What goes over the channel: a piece, and behind the last one what followed it.
struct Delivery {
    piece: Piece,
    trailers: Option<HeaderMap>,
}

/// The handler's end.
pub(crate) struct Asking {
    demand: Sender<()>,
    pieces: Receiver<Delivery>,
    trailers: Option<HeaderMap>,
    /// A piece was asked for and has not come.
    asked: Asked,
    runtime: Handle,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    No,
    Yes,
}

/// The connection's end.
pub(crate) struct Feeding {
    demand: Receiver<()>,
    pieces: Sender<Delivery>,
}

pub(crate) fn pair() -> (Asking, Feeding) {
    let (demand, demanded) = channel(1);
    let (pieces, received) = channel(1);
    let runtime = Handle::current();
    let asking = Asking { demand, pieces: received, trailers: None, asked: Asked::No, runtime };
    (asking, Feeding { demand: demanded, pieces })
}

fn gone() -> io::Error {
    io::Error::other("the request has been answered: its body is gone")
}

impl Asking {
    fn ask(&mut self) -> io::Result<()> {
        if self.asked == Asked::No {
            self.demand.try_send(()).map_err(|_| gone())?;
            self.asked = Asked::Yes;
        }
        Ok(())
    }

    fn answered(&mut self, delivery: Option<Delivery>) -> Piece {
        self.asked = Asked::No;
        let Delivery { piece, trailers } = delivery.ok_or_else(gone)?;
        self.trailers = trailers;
        piece
    }
}

impl Incoming for Asking {
    fn next(&mut self) -> Piece {
        self.ask()?;
        let delivery = match wait::limit() {
            None => self.pieces.blocking_recv(),
            Some(until) => {
                let received = async { timeout_at(until.into(), self.pieces.recv()).await };
                let received = self.runtime.block_on(received);
                received.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, Elapsed))?
            }
        };
        self.answered(delivery)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        self.ask()?;
        let delivery = ready!(self.pieces.poll_recv(cx));
        Poll::Ready(self.answered(delivery))
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.trailers.take()
    }
}

impl Feeding {
    /// Reads the body as it is asked for; returns when nobody will ask any more.
    pub(crate) async fn feed(&mut self, source: &mut impl Source) {
        while self.demand.recv().await.is_some() {
            let piece = source.next_piece().await;
            let trailers = source.take_trailers();
            if self.pieces.send(Delivery { piece, trailers }).await.is_err() {
                return;
            }
        }
    }
}

impl Source for Socket<Box<Connection>> {
    async fn next_piece(&mut self) -> Piece {
        loop {
            let connection = self.owner_mut();
            match connection.try_body_piece()? {
                BodyPiece::Data(piece) => return Ok(Some(piece)),
                BodyPiece::End => return Ok(None),
                BodyPiece::NotYet => {}
            }
            let patience = connection.service().config().body_timeout.get();
            let deadline = patience.map(|patience| std::time::Instant::now() + patience);
            match self.ready_by(Interest::Read, deadline).await? {
                Woken::Ready(_) => self.owner_mut().readable_again(),
                Woken::TimedOut => return Err(stopped_arriving()),
            }
        }
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.owner_mut().take_trailers()
    }
}

/// The client has not sent any of its body for `body_timeout`.
pub(crate) fn stopped_arriving() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the body stopped arriving")
}
