//! A request, from its arrival to the return of its handler: who waits for what, and which way its
//! connection is being used. It holds the connection for as long as the response is not complete; the
//! handler may go on after that, and the connection does not wait for it.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use oxicorn_core::connection::Readiness;
use oxicorn_core::reactor::Job;
use oxicorn_core::serve::{Place, Running};
use pyo3::prelude::*;

use super::receive::Inbound;
use super::respond::Outbound;
use super::websocket::Socket;

/// An exchange's number is the low part, how often the number was used before the high part.
const INDEX_BITS: u32 = 24;

/// Which exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    pub(super) fn new(index: usize, visit: u64) -> Key {
        Key(visit << INDEX_BITS | index as u64)
    }

    pub(super) fn index(self) -> usize {
        (self.0 & ((1 << INDEX_BITS) - 1)) as usize
    }

    /// As it is known to the reactor: 60 bits.
    pub(super) fn number(self) -> u64 {
        self.0 & ((1 << 60) - 1)
    }

    pub(super) fn from_number(number: u64) -> Key {
        Key(number)
    }
}

/// How far the application is with it.
#[derive(Debug)]
pub(super) enum Handler {
    /// Its task, once there is one.
    Runs(Option<Py<PyAny>>),
    /// Its time was over: whatever it says is not heard.
    Dismissed,
    Finished,
}

/// What is being spoken.
pub(super) enum Talk {
    Http,
    /// A WebSocket was asked for, with this key, and not agreed to yet.
    Asked(AskedFor),
    WebSocket(Box<Socket>),
}

/// An opening handshake.
#[derive(Debug)]
pub(super) struct AskedFor {
    /// `Sec-WebSocket-Key`.
    pub(super) key: Vec<u8>,
    pub(super) connect: Connect,
}

/// Whether the application was told that a client wants to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connect {
    Untold,
    Told,
}

/// Whether the handler has had its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    No,
    Yes,
}

/// Where the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Here,
    /// It will not send any more; it may still read.
    DoneSending,
    Gone,
}

/// See the module.
pub(super) struct Exchange {
    pub(super) key: Key,
    /// The connection, as long as it is HTTP and the response is not complete.
    pub(super) job: Option<Job>,
    pub(super) running: Running,
    pub(super) place: Place,
    pub(super) handler: Handler,
    /// When the handler's time is over.
    pub(super) due: Option<Instant>,
    pub(super) talk: Talk,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    pub(super) client: Client,
    /// When the client's patience with its own body is over.
    pub(super) body_due: Option<Instant>,
    pub(super) begun: Begun,
    /// Events so far for which nobody had to wait.
    pub(super) at_once: u32,
    /// Futures of those who wait in `receive()`, and of those who wait in `send()`.
    pub(super) receivers: Vec<Py<PyAny>>,
    pub(super) senders: Vec<Py<PyAny>>,
    /// Futures whose wait is over.
    pub(super) woken: Vec<Py<PyAny>>,
    /// What the reactor looks out for.
    pub(super) watched: Readiness,
}

impl Exchange {
    /// What the reactor should look out for.
    pub(super) fn wants(&self) -> Readiness {
        if let Talk::WebSocket(socket) = &self.talk {
            return socket.wants();
        }
        let Some(job) = &self.job else { return Readiness::NONE };
        let mut wants = match (self.receivers.is_empty(), &self.inbound, self.client) {
            (true, ..) | (.., Client::DoneSending | Client::Gone) => Readiness::NONE,
            (false, Inbound::Streaming, _) => Readiness::READ.and(Readiness::CLIENT_DONE),
            (false, ..) => Readiness::CLIENT_DONE,
        };
        if job.connection.is_behind() {
            wants = wants.and(Readiness::WRITE);
        }
        wants
    }

    pub(super) fn wake_receivers(&mut self) {
        self.woken.append(&mut self.receivers);
    }

    pub(super) fn wake_senders(&mut self) {
        self.woken.append(&mut self.senders);
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match (&self.talk, &self.job) {
            (Talk::WebSocket(socket), _) => Some(socket.as_fd()),
            (_, Some(job)) => Some(job.connection.as_fd()),
            (_, None) => None,
        }
    }

    /// When it is to be looked at although nothing has happened.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let stalled = self.job.as_ref().and_then(|job| job.connection.deadline());
        let socket = match &self.talk {
            Talk::WebSocket(socket) => socket.due(),
            Talk::Http | Talk::Asked(_) => None,
        };
        [self.due, self.body_due, stalled, socket].into_iter().flatten().min()
    }

    /// Whether nobody has anything to do with it any more.
    pub(super) fn is_over(&self) -> bool {
        let talks = matches!(&self.talk, Talk::WebSocket(socket) if !socket.is_closed());
        matches!(self.handler, Handler::Finished) && self.job.is_none() && !talks
    }
}
