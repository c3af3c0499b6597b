//! While a handler reads a body that is still coming in, the connection belongs to that body. Once
//! the handler has answered, the worker takes the connection back, and whoever still holds the body
//! is told so.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

use crate::body::{Incoming, OverSocket};
use crate::connection::{BodyPiece, Connection};
use crate::wait;

#[derive(Clone, Debug)]
pub(super) struct Loan(Arc<Mutex<Option<Box<Connection>>>>);

impl Loan {
    pub(super) fn new(connection: Box<Connection>) -> Loan {
        Loan(Arc::new(Mutex::new(Some(connection))))
    }

    /// The connection, unless it is in use at this moment, by a thread that the handler has left
    /// behind with the body.
    pub(super) fn take(&self) -> Option<Box<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn put_back(&self, connection: Box<Connection>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }
}

impl Incoming for Loan {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        // Taken out, not locked: the wait inside may suspend a coroutine.
        let mut connection = self.take().ok_or_else(gone)?;
        let piece = wait::as_server(|| connection.next_body_piece());
        self.put_back(connection);
        piece
    }

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        Poll::Ready(self.next())
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        let mut connection = self.take()?;
        let trailers = connection.take_trailers();
        self.put_back(connection);
        trailers
    }

    fn over_socket(&mut self) -> Option<&mut dyn OverSocket> {
        Some(self)
    }
}

impl OverSocket for Loan {
    fn try_next(&mut self) -> io::Result<BodyPiece> {
        let mut connection = self.take().ok_or_else(gone)?;
        let piece = wait::as_server(|| connection.try_body_piece());
        self.put_back(connection);
        piece
    }

    fn socket(&mut self) -> io::Result<OwnedFd> {
        let connection = self.take().ok_or_else(gone)?;
        let socket = connection.as_fd().try_clone_to_owned();
        self.put_back(connection);
        socket
    }

    fn patience(&mut self) -> Option<Duration> {
        let connection = self.take()?;
        let patience = connection.service().config().body_timeout.get();
        self.put_back(connection);
        patience
    }

    fn readable_again(&mut self) {
        if let Some(mut connection) = self.take() {
            connection.readable_again();
            self.put_back(connection);
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the request has been answered: its body is gone")
}
