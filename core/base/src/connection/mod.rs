//! One client connection as a state machine over a non-blocking socket. It reads requests completely
//! and writes responses completely, and it never waits: whoever drives it (the reactor, a pool
//! thread, a tokio task) is told by a [`Step`] what to wait for, or that a request is there for the
//! application. So a slow client costs a place in a table, never a worker.

mod gather;
mod leave;
mod output;
mod overdue;
mod preface;
mod queued;
mod receive;
mod respond;
mod sendfile;
#[cfg(test)]
mod tests;

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method};
use oxicorn_http1::Conn;
use socket2::SockRef;

use crate::access_log::Pending;
use crate::app::ConnectionInfo;
use crate::config::ProxyProtocol;
use crate::handover::Visit;
use crate::proxy::Standing;
use crate::serve::{FirstRequest, InFlight, Posture, Scratch, Service};
use crate::wait::Interest;

use gather::Gathered;
pub use leave::Wish;
pub use output::Flushed;
use output::Output;
pub use oxicorn_http1::ResponseBody;
pub use receive::{BodyPiece, Head, Opened, assemble};
pub use respond::{Fit, Unsendable, body_length};

/// How long a closing connection is read, and what comes thrown away, so that the client gets to
/// read the last response: data that arrives at a closed socket would make the kernel reset it
/// (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// What a connection needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing to do until the socket is ready for this, or [`Connection::deadline`] has passed.
    Wait(Interest),
    /// A request for the application: [`crate::serve::handle`], or what the class has instead. For
    /// a class that offers other protocols perhaps something else: [`Connection::wish`].
    Handle,
    /// It is finished: drop it.
    Close,
}

/// What is known of the socket's readiness, as epoll says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness(pub u32);

impl Readiness {
    /// Nothing new is known.
    pub const NONE: Readiness = Readiness(0);
    /// There may be something to read: try.
    pub const READ: Readiness = Readiness(libc::EPOLLIN as u32);
    /// There may be room to write.
    pub const WRITE: Readiness = Readiness(libc::EPOLLOUT as u32);

    /// The client has sent its last byte, or is gone.
    pub const CLIENT_DONE: Readiness = Readiness(libc::EPOLLRDHUP as u32);
    /// Neither reading nor writing has any sense any more. Always reported.
    pub const GONE: Readiness = Readiness((libc::EPOLLHUP | libc::EPOLLERR) as u32);

    /// Both.
    #[must_use]
    pub fn and(self, other: Readiness) -> Readiness {
        Readiness(self.0 | other.0)
    }

    /// Whether something of `other` is in it.
    pub fn meets(self, other: Readiness) -> bool {
        self.0 & other.0 != 0
    }

    const END: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
}

/// What a read would meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inbox {
    /// Nothing: the last read emptied it.
    Empty,
    /// Perhaps something.
    Perhaps,
    /// The end of the stream is in it, so it must be read until that is met: a short read proves
    /// nothing.
    UntilEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Accepted; what comes first may be the announcement of a client.
    Preface,
    /// What comes first may be the beginning of HTTP/2.
    Greeting,
    /// Nothing of the first request has come yet.
    Fresh,
    /// Between two requests.
    Idle,
    /// Some bytes of a head are there.
    Head,
    /// The head is there, the body is being gathered.
    Body,
    /// The application has it.
    Handling,
    /// Answered; the rest of the request's body is thrown away.
    Discarding,
    /// To be closed when the output is empty, after lingering when the client may still be sending.
    Closing(Linger),
    /// Our side is closed, the client's is read to its end.
    Lingering,
    /// It speaks HTTP/2, and is to be handed over.
    Foreign,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linger {
    Yes,
    No,
}

/// What a connection may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offers {
    Http1,
    Http2Too,
}

/// The request in hand.
#[derive(Debug)]
struct Exchange {
    method: Method,
    target: Bytes,
    head: Option<Head>,
    log: Option<Pending>,
    in_flight: Option<InFlight>,
    trailers: Option<Box<HeaderMap>>,
    received: u64,
    sent: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
    info: Arc<ConnectionInfo>,
    standing: Standing,
    service: Visit,
    offers: Offers,
    codec: Conn,
    output: Output,
    gathered: Gathered,
    exchange: Option<Box<Exchange>>,
    phase: Phase,
    inbox: Inbox,
    /// When the present phase began, or when its last bytes came or went: what its timeout counts
    /// from.
    since: Instant,
}

impl Connection {
    /// A connection that was just accepted, on a non-blocking socket.
    pub fn new(
        socket: OwnedFd,
        info: ConnectionInfo,
        service: &Arc<Service>,
        now: Instant,
    ) -> Connection {
        let phase = match service.config().proxy_protocol {
            ProxyProtocol::Off => Phase::Fresh,
            ProxyProtocol::V1 | ProxyProtocol::V2 | ProxyProtocol::Auto => Phase::Preface,
        };
        Connection {
            socket,
            standing: service.trust().standing(&info.sender),
            info: Arc::new(info),
            codec: Conn::new(service.limits()),
            service: Visit::begin(service),
            offers: Offers::Http1,
            output: Output::default(),
            gathered: Gathered::Nothing,
            exchange: None,
            phase,
            inbox: Inbox::Perhaps,
            since: now,
        }
    }

    /// When it has waited long enough and [`Connection::expire`] is due; `None`: never.
    pub fn deadline(&self) -> Option<Instant> {
        let config = self.service.config();
        if self.output.is_blocked() {
            return Some(self.since + config.write_timeout.get()?);
        }
        let patience = match self.phase {
            Phase::Preface | Phase::Greeting | Phase::Fresh => {
                return self.silence_ends(FirstRequest::Yes);
            }
            Phase::Idle => return self.silence_ends(FirstRequest::No),
            Phase::Head => config.header_timeout.get(),
            Phase::Body | Phase::Discarding => config.body_timeout.get(),
            Phase::Handling | Phase::Closing(_) | Phase::Foreign => None,
            Phase::Lingering => Some(LINGER),
        };
        Some(self.since + patience?)
    }

    fn silence_ends(&self, first: FirstRequest) -> Option<Instant> {
        let patience = self.service.patience(first).map(|patience| self.since + patience);
        let Posture::Leaving(since) = self.service.posture() else { return patience };
        let grace = self.since.max(since) + self.service.grace();
        Some(patience.map_or(grace, |patience| patience.min(grace)))
    }

    /// Whether it holds no request and waits for one: the kind to close when there are too many.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Idle && !self.output.is_blocked()
    }

    /// It waits for its turn, not for the client: with the output that is left it would have kept
    /// the thread for too long. An edge-triggered set will not report the socket again by itself.
    pub fn has_yielded(&self) -> bool {
        self.output.has_yielded()
    }

    /// Since when it waits.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// The deadline has passed.
    pub fn expire(&mut self, scratch: &mut Scratch) -> Step {
        if self.deadline().is_none_or(|deadline| deadline > scratch.now()) {
            return Step::Wait(self.interest());
        }
        if self.is_kept_waiting() {
            self.since = scratch.now();
            return Step::Wait(self.interest());
        }
        let began = match self.phase {
            Phase::Head | Phase::Body => true,
            Phase::Greeting => !self.codec.buffer().is_empty(),
            _ => false,
        };
        if !began || self.output.is_blocked() {
            return Step::Close;
        }
        let error = self.codec.abandon();
        self.refuse(error.status(), &error.to_string(), scratch);
        self.advance(Readiness::NONE, scratch)
    }

    /// Whether the client has sent what it is waited for, and nobody has had the time to read it: all
    /// threads were in handlers, or the machine had others to run.
    fn is_kept_waiting(&self) -> bool {
        let reads = match self.phase {
            Phase::Preface | Phase::Greeting | Phase::Fresh | Phase::Idle => true,
            Phase::Head | Phase::Body => true,
            Phase::Handling | Phase::Closing(_) | Phase::Foreign => false,
            Phase::Discarding | Phase::Lingering => false,
        };
        let unread = || SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()]);
        reads && !self.output.is_blocked() && matches!(unread(), Ok(1..))
    }

    fn interest(&self) -> Interest {
        if self.output.is_blocked() { Interest::Write } else { Interest::Read }
    }

    /// Gives spare buffers back, so that a connection that waits holds none.
    pub fn park(&mut self, scratch: &mut Scratch) {
        if self.codec.buffer().is_empty() {
            scratch.give_back(std::mem::take(self.codec.buffer()));
        }
        if self.output.is_empty() {
            scratch.give_back(std::mem::take(self.output.tail()));
        }
    }

    /// What is known of it.
    pub fn info(&self) -> &Arc<ConnectionInfo> {
        &self.info
    }

    /// What it shares with the others.
    pub fn service(&self) -> &Arc<Service> {
        &self.service
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
