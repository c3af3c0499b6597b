//! What `receive()` gives. A body is read from the connection when somebody waits for it: a client
//! sends as fast as the application reads, and is told to continue (RFC 9110 section 10.1.1) when the
//! application wants to read.

use std::io;
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use oxicorn_core::connection::{BodyPiece, Unsendable};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::channel::Protocol;
use super::event::More;
use super::exchange::{Client, Connect, Exchange, Key, Talk};
use super::hub::Hub;
use super::respond::Outbound;
use super::websocket::{Closure, Incoming};

/// A piece of a body that is given to the application at once, at most, in bytes.
const PIECE: usize = 64 * 1024;
/// Events that a handler may have without giving way.
const AT_ONCE: u32 = 16;

/// The body of a request, as far as the application has not got it.
#[derive(Debug)]
pub(super) enum Inbound {
    /// All of it is here.
    Whole(Bytes),
    /// It is still coming.
    Streaming,
    /// The application has all of it.
    Taken,
}

/// What has become of `receive()`.
pub(super) enum Received<'py> {
    Event(Py<PyAny>),
    /// A future, behind which to ask again.
    Wait(Bound<'py, PyAny>),
    /// Others are to have their turn first.
    Pause,
}

/// An event for the application.
enum Arrived {
    Body(Bytes, More),
    Disconnect,
    Connect,
    Message(Incoming),
    Closed(Closure),
}

impl Hub {
    /// The next event.
    pub(super) fn receive<'py>(
        &self,
        py: Python<'py>,
        key: Key,
        protocol: Protocol,
    ) -> PyResult<Received<'py>> {
        if self.is_everybodys_turn(key) {
            return Ok(Received::Pause);
        }
        let arrived =
            self.with(key, |exchange| self.next_event(exchange)).unwrap_or(match protocol {
                Protocol::Http => Some(Arrived::Disconnect),
                Protocol::WebSocket => Some(Arrived::Closed(Closure::LOST)),
            });
        let Some(arrived) = arrived else {
            let future = self.host.future(py)?;
            let waiting = future.clone().unbind();
            let pushed = self.with(key, |exchange| exchange.receivers.push(waiting));
            pushed.unwrap_or_default();
            self.refresh(py, key)?;
            return Ok(Received::Wait(future));
        };
        // Reading may have ended it.
        self.refresh(py, key)?;
        arrived.into_dict(py).map(|event| Received::Event(event.into_any().unbind()))
    }

    /// Whether a handler has had many events without waiting: with a client that is fast enough it
    /// would never wait, and keep everybody else from the thread.
    pub(super) fn is_everybodys_turn(&self, key: Key) -> bool {
        let count = self.with(key, |exchange| {
            exchange.at_once += 1;
            exchange.at_once
        });
        count.is_some_and(|count| count % AT_ONCE == 0)
    }

    fn next_event(&self, exchange: &mut Exchange) -> Option<Arrived> {
        match &mut exchange.talk {
            Talk::Http => self.next_of_body(exchange),
            Talk::Asked(asked) if asked.connect == Connect::Untold => {
                asked.connect = Connect::Told;
                Some(Arrived::Connect)
            }
            Talk::Asked(_) => {
                let over = exchange.job.is_none() || exchange.client != Client::Here;
                over.then_some(Arrived::Closed(Closure::LOST))
            }
            Talk::WebSocket(socket) => {
                socket.next().map(Arrived::Message).or_else(|| socket.ended().map(Arrived::Closed))
            }
        }
    }

    fn next_of_body(&self, exchange: &mut Exchange) -> Option<Arrived> {
        if exchange.job.is_none() {
            return Some(Arrived::Disconnect);
        }
        match std::mem::replace(&mut exchange.inbound, Inbound::Taken) {
            Inbound::Whole(body) => Some(Arrived::Body(body, More::No)),
            Inbound::Taken => (exchange.client != Client::Here).then_some(Arrived::Disconnect),
            Inbound::Streaming => {
                exchange.inbound = Inbound::Streaming;
                self.read_body(exchange)
            }
        }
    }

    fn read_body(&self, exchange: &mut Exchange) -> Option<Arrived> {
        let job = exchange.job.as_mut()?;
        let mut read = BytesMut::new();
        let first = loop {
            match job.connection.try_body_piece() {
                Ok(BodyPiece::Data(piece)) if read.is_empty() && piece.len() >= PIECE => {
                    break Ok((piece, More::Yes));
                }
                Ok(BodyPiece::Data(piece)) => {
                    read.extend_from_slice(&piece);
                    if read.len() >= PIECE {
                        break Ok((read.freeze(), More::Yes));
                    }
                }
                Ok(BodyPiece::End) => break Ok((read.freeze(), More::No)),
                Ok(BodyPiece::NotYet) if !read.is_empty() => break Ok((read.freeze(), More::Yes)),
                Ok(BodyPiece::NotYet) => {
                    let patience = self.service.config().body_timeout.get();
                    exchange.body_due = patience.map(|patience| Instant::now() + patience);
                    return None;
                }
                Err(error) => break Err(error),
            }
        };
        exchange.body_due = None;
        match first {
            Ok((piece, more)) => {
                if more == More::No {
                    exchange.inbound = Inbound::Taken;
                }
                Some(Arrived::Body(piece, more))
            }
            Err(error) => {
                self.give_up_body(exchange, error);
                Some(Arrived::Disconnect)
            }
        }
    }

    /// The rest of the body will not come, or is not to be had: the client gets to know why, if it is
    /// still there and has no answer yet, and the application hears that it has gone.
    pub(super) fn give_up_body(&self, exchange: &mut Exchange, error: io::Error) {
        exchange.inbound = Inbound::Taken;
        exchange.client = Client::Gone;
        exchange.wake_receivers();
        exchange.wake_senders();
        let status = match error.kind() {
            io::ErrorKind::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            io::ErrorKind::TimedOut => StatusCode::REQUEST_TIMEOUT,
            io::ErrorKind::InvalidData => StatusCode::BAD_REQUEST,
            _ => return self.conclude(exchange, Err(Unsendable::Gone(error))),
        };
        if let Some(job) = &exchange.job {
            tracing::warn!("Invalid request from ip={}: {error}", job.connection.info().peer);
        }
        match exchange.outbound {
            Outbound::Nothing | Outbound::Head(_) => self.answer(exchange, status),
            _ => self.conclude(exchange, Err(Unsendable::Gone(error))),
        }
        exchange.outbound = Outbound::Nowhere;
    }
}

impl Arrived {
    fn into_dict(self, py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
        let event = PyDict::new(py);
        let kind = intern!(py, "type");
        match self {
            Arrived::Body(body, more) => {
                event.set_item(kind, intern!(py, "http.request"))?;
                event.set_item(intern!(py, "body"), PyBytes::new(py, &body))?;
                event.set_item(intern!(py, "more_body"), more == More::Yes)?;
            }
            Arrived::Disconnect => event.set_item(kind, intern!(py, "http.disconnect"))?,
            Arrived::Connect => event.set_item(kind, intern!(py, "websocket.connect"))?,
            Arrived::Message(Incoming::Text(text)) => {
                event.set_item(kind, intern!(py, "websocket.receive"))?;
                event.set_item(intern!(py, "text"), text.as_str())?;
            }
            Arrived::Message(Incoming::Binary(data)) => {
                event.set_item(kind, intern!(py, "websocket.receive"))?;
                event.set_item(intern!(py, "bytes"), PyBytes::new(py, &data))?;
            }
            Arrived::Closed(Closure { code, reason }) => {
                event.set_item(kind, intern!(py, "websocket.disconnect"))?;
                event.set_item(intern!(py, "code"), code)?;
                event.set_item(intern!(py, "reason"), reason.as_ref())?;
            }
        }
        Ok(event)
    }
}
