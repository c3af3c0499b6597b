//! The reading half of a [`Connection`]: from readiness to a request in hand.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use nix::sys::socket::{Shutdown, shutdown};
use oxicorn_http1::{BodyLength, ClientState, Event, RequestHead};

use super::queued::BRIEF;
use super::{Connection, Exchange, Inbox, Linger, Phase, Readiness, Step};
use crate::access_log::{Pending, RequestLine};
use crate::app::{Arrival, ConnectionInfo, Request, Scheme, with_arrival};
use crate::body::Body;
use crate::request_id::Made;
use crate::serve::{READ_SIZE, Scratch};
use crate::sys;
use crate::wait::{self, Interest, Woken};

/// What a read brought.
enum Fill {
    Something,
    Nothing,
    Gone,
}

/// A request for the application.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made; a box would be one allocation per request"
)]
pub enum Opened {
    /// With its whole body.
    Whole(Request),
    /// Its body, of this length if known, is still coming: `Connection::next_body_piece`.
    Incoming(Head, Option<u64>),
}

/// The head of a request, and what is believed of it.
#[derive(Debug)]
pub struct Head {
    pub(super) request: Box<RequestHead>,
    pub(super) scheme: Scheme,
    pub(super) made_id: Option<Made>,
}

impl Connection {
    /// Goes as far as it can without waiting.
    pub fn advance(&mut self, ready: Readiness, scratch: &mut Scratch) -> Step {
        self.note(ready);
        if self.output.is_blocked()
            && let Some(stalled) = self.push_out(scratch.now())
        {
            return stalled;
        }
        loop {
            let step = match self.phase {
                Phase::Closing(_) => Some(self.close(scratch)),
                Phase::Lingering => Some(self.linger()),
                Phase::Handling => Some(Step::Wait(Interest::Read)),
                Phase::Preface => self.read_preface(scratch),
                Phase::Greeting => self.read_greeting(scratch),
                Phase::Foreign => Some(Step::Handle),
                Phase::Fresh | Phase::Idle | Phase::Head | Phase::Body | Phase::Discarding => {
                    self.read_on(scratch)
                }
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    fn note(&mut self, ready: Readiness) {
        if ready.0 & Readiness::END != 0 {
            self.inbox = Inbox::UntilEnd;
        } else if ready.0 & Readiness::READ.0 != 0 && self.inbox == Inbox::Empty {
            self.inbox = Inbox::Perhaps;
        }
    }

    /// One event of the codec; `None`: there may be more.
    fn read_on(&mut self, scratch: &mut Scratch) -> Option<Step> {
        match self.codec.next_event() {
            Ok(Event::NeedData | Event::Paused) => self.need_data(scratch),
            Ok(Event::Request(head)) => self.take_head(head, scratch),
            Ok(Event::Data(piece)) => self.take_body(piece, scratch),
            Ok(Event::EndOfMessage(trailers)) => {
                self.keep_trailers(trailers);
                self.end_of_request(scratch)
            }
            Ok(Event::Closed) => {
                self.enter(Phase::Closing(Linger::No), scratch.now());
                None
            }
            Err(_) if self.phase == Phase::Discarding => {
                self.enter(Phase::Closing(Linger::Yes), scratch.now());
                None
            }
            Err(error) => {
                self.refuse(error.status(), &error.to_string(), scratch);
                None
            }
        }
    }

    pub(super) fn need_data(&mut self, scratch: &mut Scratch) -> Option<Step> {
        // Answers to pipelined requests were held back to go out in one write: there is no further
        // request to wait for, so out they go.
        if let Some(stalled) = self.push_out(scratch.now()) {
            return Some(stalled);
        }
        if self.codec.buffer().capacity() == 0 {
            *self.codec.buffer() = scratch.lend();
        }
        match self.fill() {
            Ok(Fill::Something) => {
                match self.phase {
                    Phase::Fresh | Phase::Idle => self.enter(Phase::Head, scratch.now()),
                    Phase::Body | Phase::Discarding => self.since = scratch.now(),
                    _ => {}
                }
                None
            }
            Ok(Fill::Gone) => {
                self.codec.receive_eof();
                if matches!(self.phase, Phase::Preface | Phase::Greeting) {
                    // Whatever it was to become, what is there is for the codec to judge.
                    self.enter(Phase::Head, scratch.now());
                }
                None
            }
            Ok(Fill::Nothing) => Some(Step::Wait(Interest::Read)),
            Err(_) => Some(Step::Close),
        }
    }

    /// One read. After a short one there is nothing more to read: trying would be a system call
    /// spent on learning it.
    fn fill(&mut self) -> io::Result<Fill> {
        if self.inbox == Inbox::Empty {
            return Ok(Fill::Nothing);
        }
        let buffer = self.codec.buffer();
        buffer.reserve(READ_SIZE / 4);
        let room = buffer.capacity() - buffer.len();
        match sys::recv(self.socket.as_fd(), buffer) {
            Ok(0) => Ok(Fill::Gone),
            Ok(count) => {
                if count < room && self.inbox == Inbox::Perhaps {
                    self.inbox = Inbox::Empty;
                }
                Ok(Fill::Something)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Fill::Something),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.inbox = Inbox::Empty;
                Ok(Fill::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    fn take_head(&mut self, mut head: Box<RequestHead>, scratch: &mut Scratch) -> Option<Step> {
        let judged = self.service.trust().judge(self.standing, &mut head.headers);
        let log = scratch.log().map(|log| {
            log.begin(RequestLine {
                method: &head.method,
                target: &head.target,
                version: head.version,
                headers: &head.headers,
                peer: &self.info.peer,
            })
        });
        let made_id = log.as_ref().and_then(Pending::made_id);
        let (length, method, target) = (head.body, head.method.clone(), head.target.clone());
        let waits_for_continue = self.codec.expects_continue() && self.codec.buffer().is_empty();
        self.exchange = Some(Box::new(Exchange {
            method,
            target,
            log,
            head: Some(Head {
                request: head,
                scheme: *judged.as_ref().unwrap_or(&Scheme::Http),
                made_id,
            }),
            in_flight: None,
            trailers: None,
            received: 0,
            sent: 0,
        }));
        self.enter(Phase::Body, scratch.now());
        if let Err(disbelief) = judged {
            self.refuse(StatusCode::BAD_REQUEST, &disbelief.to_string(), scratch);
            return None;
        }
        let config = self.service.config();
        let BodyLength::Fixed(length) = length else {
            return waits_for_continue.then(|| self.hand_over(scratch));
        };
        if config.limit_request_body.limit().is_some_and(|limit| length > limit) {
            self.too_large(scratch);
            return None;
        }
        let streams = length > config.body_buffer_size.bytes() || waits_for_continue;
        streams.then(|| self.hand_over(scratch))
    }

    fn take_body(&mut self, piece: Bytes, scratch: &mut Scratch) -> Option<Step> {
        if self.phase == Phase::Discarding {
            return None;
        }
        if self.over_limit(piece.len()) {
            self.too_large(scratch);
            return None;
        }
        self.gathered.push(piece);
        let full = self.gathered.len() as u64 > self.service.config().body_buffer_size.bytes();
        full.then(|| self.hand_over(scratch))
    }

    fn over_limit(&mut self, more: usize) -> bool {
        let Some(exchange) = &mut self.exchange else { return false };
        exchange.received += more as u64;
        let limit = self.service.config().limit_request_body.limit();
        limit.is_some_and(|limit| exchange.received > limit)
    }

    fn too_large(&mut self, scratch: &mut Scratch) {
        self.refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request's body is too large", scratch);
    }

    fn end_of_request(&mut self, scratch: &mut Scratch) -> Option<Step> {
        if self.phase == Phase::Discarding {
            self.next_cycle(scratch.now());
            return None;
        }
        Some(self.hand_over(scratch))
    }

    fn keep_trailers(&mut self, trailers: Option<Box<HeaderMap>>) {
        if let Some(exchange) = &mut self.exchange {
            exchange.trailers = trailers;
        }
    }

    /// The fields behind the body of the request in hand, once its end was met.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.exchange.as_mut()?.trailers.take().map(|all| *all)
    }

    fn hand_over(&mut self, scratch: &Scratch) -> Step {
        // Whoever has run a handler since the turn began has looked at the clock behind it.
        let now = scratch.now();
        self.enter(Phase::Handling, now);
        if let Some(log) = self.exchange.as_mut().and_then(|exchange| exchange.log.as_mut())
            && scratch.came_within(BRIEF)
        {
            log.note_brief_wait();
        }
        self.begin_request(now);
        Step::Handle
    }

    /// The request, for the application. `None`: there is none in hand.
    pub fn open(&mut self) -> Option<Opened> {
        self.note_queue_time();
        let head = self.exchange.as_mut()?.head.take()?;
        let length = match head.request.body {
            BodyLength::None => Some(0),
            BodyLength::Fixed(length) => Some(length),
            BodyLength::Chunked => None,
        };
        if self.codec.client_state() == ClientState::SendBody {
            return Some(Opened::Incoming(head, length));
        }
        let mut body = Body::from(self.gathered.take());
        if let Some(trailers) = self.take_trailers() {
            body = body.with_trailers(trailers);
        }
        Some(Opened::Whole(assemble(head, self.info.clone(), body)))
    }

    /// The next piece of a body that is still coming, waiting for it as the class waits.
    pub(crate) fn next_body_piece(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.try_body_piece()? {
                BodyPiece::Data(piece) => return Ok(Some(piece)),
                BodyPiece::End => return Ok(None),
                BodyPiece::NotYet => self.await_body()?,
            }
        }
    }

    /// The same without waiting.
    pub fn try_body_piece(&mut self) -> io::Result<BodyPiece> {
        if self.gathered.len() > 0 {
            return Ok(BodyPiece::Data(self.gathered.take()));
        }
        if self.codec.client_state() == oxicorn_http1::ClientState::Done {
            // Whoever asks again after the end must not wait for what the client sends next.
            return Ok(BodyPiece::End);
        }
        loop {
            // Who asks again behind the end is not to wait for the next request.
            if self.codec.client_state() == ClientState::Done {
                return Ok(BodyPiece::End);
            }
            match self.codec.next_event() {
                Ok(Event::Data(piece)) if self.over_limit(piece.len()) => {
                    return Err(io::Error::new(
                        io::ErrorKind::FileTooLarge,
                        "the body is too large",
                    ));
                }
                Ok(Event::Data(piece)) => return Ok(BodyPiece::Data(piece)),
                Ok(Event::EndOfMessage(trailers)) => {
                    self.keep_trailers(trailers);
                    return Ok(BodyPiece::End);
                }
                Ok(Event::Paused) => return Ok(BodyPiece::End),
                Ok(Event::NeedData) => {
                    self.offer_to_continue()?;
                    match self.fill()? {
                        Fill::Something => {}
                        Fill::Nothing => return Ok(BodyPiece::NotYet),
                        Fill::Gone => self.codec.receive_eof(),
                    }
                }
                Ok(Event::Request(_) | Event::Closed) => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }

    /// The client may hold the body back until it is told that somebody reads it
    /// (RFC 9110 section 10.1.1).
    fn offer_to_continue(&mut self) -> io::Result<()> {
        if self.codec.expects_continue() {
            self.codec.send_continue(self.output.tail());
            self.flush()?;
        }
        Ok(())
    }

    fn await_body(&mut self) -> io::Result<()> {
        let deadline = self.service.config().body_timeout.get().map(|t| Instant::now() + t);
        match wait::wait(self.socket.as_fd(), Interest::Read, deadline)? {
            Woken::Ready => {
                self.readable_again();
                Ok(())
            }
            Woken::TimedOut => {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the body stopped arriving"))
            }
        }
    }

    /// After a wait for the socket outside [`Connection::advance`].
    pub fn readable_again(&mut self) {
        self.note(Readiness::READ);
    }

    fn close(&mut self, scratch: &mut Scratch) -> Step {
        if let Some(stalled) = self.push_out(scratch.now()) {
            return stalled;
        }
        if self.phase == Phase::Closing(Linger::No) {
            Step::Close
        } else {
            self.end_sending(scratch)
        }
    }

    /// Everything is with the kernel, and nothing follows. To close the socket would say the same, but
    /// if the client had sent something more it would also drop what has not left yet.
    pub(super) fn end_sending(&mut self, scratch: &mut Scratch) -> Step {
        #[expect(clippy::disallowed_methods, reason = "a client's connection, not a listener")]
        let ended = shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        if ended.is_err() || self.phase == Phase::Closing(Linger::No) {
            return Step::Close;
        }
        self.enter(Phase::Lingering, scratch.now());
        self.linger()
    }

    fn linger(&mut self) -> Step {
        loop {
            self.codec.buffer().clear();
            match self.fill() {
                Ok(Fill::Something) => {}
                Ok(Fill::Nothing) => return Step::Wait(Interest::Read),
                Ok(Fill::Gone) | Err(_) => return Step::Close,
            }
        }
    }
}

/// Puts a request together.
pub fn assemble(head: Head, connection: Arc<ConnectionInfo>, body: Body) -> Request {
    let Head { request, scheme, made_id } = head;
    let head = *request;
    let made_id = made_id.map_or_else(OnceLock::new, OnceLock::from);
    let arrival = Arrival { target: head.target, scheme, connection, made_id };
    let mut request = Request::new(with_arrival(body, arrival));
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.version_mut() = head.version;
    *request.headers_mut() = head.headers;
    request
}

/// What [`Connection::try_body_piece`] has found.
#[derive(Debug)]
pub enum BodyPiece {
    /// Some bytes.
    Data(Bytes),
    /// The body is complete.
    End,
    /// Nothing for now: wait until the socket is readable.
    NotYet,
}
