//! A WebSocket (RFC 6455) behind its opening handshake. The frames are tungstenite's; what is decided
//! here is when to read and to write. It is read ahead of the application, a little, so that pings are
//! answered and a close is noticed while the application only sends; beyond that the client waits.

pub(super) mod handshake;
mod speak;
mod wire;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use bytes::Bytes;
use oxicorn_core::config::Config;
use oxicorn_core::connection::Readiness;
use oxicorn_core::handover::{HandedOver, Visitor};
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::frame::Utf8Bytes;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use wire::Wire;

/// Messages, and bytes of them, that are read ahead of the application at most.
const AHEAD: usize = 32;
const BYTES_AHEAD: usize = 64 * 1024;
/// How long a client may take to answer our close.
const CLOSE_TAKES: Duration = Duration::from_secs(5);
/// tungstenite allocates it for each connection at once.
const READ_BUFFER: usize = 8 * 1024;
/// The longest reason that a close frame has room for (RFC 6455 section 5.5.1).
const LONGEST_REASON: usize = 123;

/// A message from the client.
#[derive(Debug)]
pub(super) enum Incoming {
    Text(Utf8Bytes),
    Binary(Bytes),
}

/// Why it is closed, as the application is told.
#[derive(Clone, Debug)]
pub(super) struct Closure {
    pub(super) code: u16,
    pub(super) reason: Cow<'static, str>,
}

impl Closure {
    /// It went away without a word (RFC 6455 section 7.1.5).
    pub(super) const LOST: Closure = Closure { code: 1006, reason: Cow::Borrowed("") };
    /// The client has sent a close frame without a code.
    const UNEXPLAINED: Closure = Closure { code: 1005, reason: Cow::Borrowed("") };
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// One side has said that it closes, and this is how long the other one may take.
    Closing(Instant),
    /// What the client has sent makes no sense, and it was told so: what it still sends is thrown away,
    /// so that it gets to read that.
    Failed(Instant),
    Closed,
}

/// The last sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pulse {
    Heard(Instant),
    /// The client was asked for one.
    Asked(Instant),
}

/// What the settings say of all WebSockets; `None`: no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// A message, in bytes.
    largest: Option<u64>,
    write_timeout: Option<Duration>,
    ping_interval: Option<Duration>,
}

impl Terms {
    pub(super) fn of(config: &Config) -> Terms {
        Terms {
            largest: config.websocket_max_message_size.limit(),
            write_timeout: config.write_timeout.get(),
            ping_interval: config.websocket_ping_interval.get(),
        }
    }
}

/// Whether something is to be written that the kernel did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backlog {
    None,
    Some,
}

/// See the module.
pub(super) struct Socket {
    wire: Wire,
    context: WebSocketContext,
    _visitor: Visitor,
    inbox: VecDeque<Incoming>,
    ahead: usize,
    phase: Phase,
    backlog: Backlog,
    /// Since when the client takes nothing.
    stalled: Option<Instant>,
    pulse: Pulse,
    terms: Terms,
    ended: Option<Closure>,
}

impl Socket {
    /// `answer`: the end of the opening handshake, which is still to be written.
    pub(super) fn new(given: HandedOver, answer: Bytes, terms: Terms) -> Socket {
        let largest = terms.largest.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(largest)
            .max_frame_size(largest);
        let HandedOver { socket, received, visitor } = given;
        let mut socket = Socket {
            wire: Wire::new(socket, answer),
            context: WebSocketContext::from_partially_read(
                received.to_vec(),
                Role::Server,
                Some(config),
            ),
            _visitor: visitor,
            inbox: VecDeque::new(),
            ahead: 0,
            phase: Phase::Open,
            backlog: Backlog::None,
            stalled: None,
            pulse: Pulse::Heard(Instant::now()),
            terms,
            ended: None,
        };
        let greeted = socket.wire.greet();
        socket.wrote(greeted.map_err(Error::Io));
        socket.read();
        socket
    }

    /// What it waits for.
    pub(super) fn wants(&self) -> Readiness {
        if self.phase == Phase::Closed {
            return Readiness::NONE;
        }
        let read = match self.reads() {
            true => Readiness::READ.and(Readiness::CLIENT_DONE),
            false => Readiness::GONE,
        };
        match self.backlog {
            Backlog::None => read,
            Backlog::Some => read.and(Readiness::WRITE),
        }
    }

    fn reads(&self) -> bool {
        let room = self.inbox.len() < AHEAD && self.ahead < BYTES_AHEAD;
        self.phase != Phase::Closed && (room || self.phase != Phase::Open)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    pub(super) fn is_behind(&self) -> bool {
        self.backlog == Backlog::Some && self.phase != Phase::Closed
    }

    /// When it is to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        let stalled = self.stalled.and_then(|since| Some(since + self.terms.write_timeout?));
        match self.phase {
            Phase::Open => [stalled, self.pulse_due()].into_iter().flatten().min(),
            Phase::Closing(due) | Phase::Failed(due) => {
                Some(stalled.map_or(due, |stalled| stalled.min(due)))
            }
            Phase::Closed => None,
        }
    }

    /// Its time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        match (self.phase, self.pulse, self.pulse_due()) {
            (Phase::Open, Pulse::Heard(_), Some(due)) if due <= now => self.ask(now),
            _ => self.lose(),
        }
    }

    /// When the client is to be asked whether it is there, or is to have answered. Who is not being
    /// read cannot answer.
    fn pulse_due(&self) -> Option<Instant> {
        let (Pulse::Heard(then) | Pulse::Asked(then)) = self.pulse;
        self.terms.ping_interval.filter(|_| self.reads()).map(|interval| then + interval)
    }

    fn ask(&mut self, now: Instant) {
        self.pulse = Pulse::Asked(now);
        let written = self.context.write(&mut self.wire, Message::Ping(Bytes::new()));
        self.wrote(written);
        self.flush();
    }

    /// The next message.
    pub(super) fn next(&mut self) -> Option<Incoming> {
        let message = self.inbox.pop_front();
        if let Some(message) = &message {
            let was_full = !self.reads();
            self.ahead -= message.len();
            if was_full {
                self.read();
            }
        }
        message
    }

    /// That no message will come any more, and why.
    pub(super) fn ended(&self) -> Option<Closure> {
        self.ended.clone()
    }

    /// Something has happened to it.
    pub(super) fn ready(&mut self) {
        if self.backlog == Backlog::Some {
            self.flush();
        }
        self.read();
    }

    /// Reads as far ahead as it may.
    fn read(&mut self) {
        while self.reads() && !matches!(self.phase, Phase::Failed(_)) {
            let read = self.context.read(&mut self.wire);
            if read.is_ok() {
                self.pulse = Pulse::Heard(Instant::now());
            }
            match read {
                Ok(Message::Text(text)) => self.push(Incoming::Text(text)),
                Ok(Message::Binary(data)) => self.push(Incoming::Binary(data)),
                Ok(Message::Close(frame)) => self.closed_by_client(frame),
                // tungstenite answers them.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(Error::ConnectionClosed | Error::AlreadyClosed) => self.end(Closure::LOST),
                Err(
                    Error::Io(_) | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
                ) => self.lose(),
                Err(error) if self.phase == Phase::Open => self.refuse(&error),
                Err(_) => self.lose(),
            }
        }
        // The answer to a ping or a close may have found no room.
        self.flush();
        self.read_away();
    }

    fn push(&mut self, message: Incoming) {
        if self.phase == Phase::Open {
            self.ahead += message.len();
            self.inbox.push_back(message);
        }
    }

    fn closed_by_client(&mut self, frame: Option<CloseFrame>) {
        let closure = frame.map_or(Closure::UNEXPLAINED, |frame| Closure {
            code: frame.code.into(),
            reason: Cow::Owned(frame.reason.as_str().to_owned()),
        });
        self.ended.get_or_insert(closure);
        self.begin_closing();
    }

    /// What the client has sent is no message: it is told so (RFC 6455 section 7.4.1).
    fn refuse(&mut self, error: &Error) {
        let code = match error {
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseCode::Size,
            _ => CloseCode::Protocol,
        };
        self.ended = Some(Closure { code: code.into(), reason: Cow::Owned(error.to_string()) });
        self.say_close(code.into(), "");
        if self.phase != Phase::Closed {
            self.phase = Phase::Failed(Instant::now() + CLOSE_TAKES);
        }
    }

    /// Behind an error tungstenite must not be asked any more.
    fn read_away(&mut self) {
        let mut bytes = [0; 4096];
        while let Phase::Failed(_) = self.phase {
            match self.wire.read(&mut bytes) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => self.lose(),
            }
        }
    }

    fn begin_closing(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Closing(Instant::now() + CLOSE_TAKES);
        }
    }

    fn end(&mut self, closure: Closure) {
        self.phase = Phase::Closed;
        self.ended.get_or_insert(closure);
    }

    fn lose(&mut self) {
        self.end(Closure::LOST);
    }

    /// The application has failed.
    pub(super) fn fail(&mut self) {
        self.close(CloseCode::Error.into(), "");
    }
}

impl Incoming {
    fn len(&self) -> usize {
        match self {
            Incoming::Text(text) => text.len(),
            Incoming::Binary(data) => data.len(),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wire.as_fd()
    }
}
