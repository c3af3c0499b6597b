//! The writing half of a [`Connection`]: from the application's answer to the next request.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use oxicorn_http1::{
    BodyFraming, KeepAlive, NotReusable, Persistence, ResponseBody, ResponseHead, SendError,
};

use super::sendfile::Fault;
use super::{Connection, Flushed, Linger, Phase, Step};
use crate::body::{Body, FilePart, Form};
use crate::listener::Peer;
use crate::serve::{Place, Push, Scratch, printable};
use crate::wait::Interest;

/// Answers to pipelined requests are held back to go out in one write, up to this many bytes and as
/// long as the application answers this fast: a client never waits for an answer that is ready
/// because the next one takes long.
const GATHER_UP_TO: u64 = 32 * 1024;
const GATHER_WHILE_UNDER: Duration = Duration::from_micros(200);
/// Answers to several clients leave together while the application takes so long: one that is faster
/// leaves the caches as they were, and of one that is slower the client would notice.
const TOGETHER_WHILE_WITHIN: Range<Duration> =
    Duration::from_micros(10)..Duration::from_micros(200);

/// Why a response cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Unsendable {
    /// It breaks a rule of HTTP; nothing of it was written.
    #[error(transparent)]
    Invalid(#[from] SendError),
    /// The client is gone.
    #[error("the client is gone: {0}")]
    Gone(#[from] io::Error),
    /// The application's body failed half-way.
    #[error("the body cannot be completed: {0}")]
    Source(#[source] io::Error),
}

/// Whether more of a response's body has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Go on.
    More,
    /// What follows will not be sent: the body is complete, or may not be there at all.
    Enough,
}

impl Connection {
    /// The method and the target of the request in hand, for the log.
    pub fn request_name(&self) -> String {
        self.exchange.as_ref().map_or_else(
            || "(no URI read)".to_owned(),
            |exchange| format!("{} {}", exchange.method, printable(&exchange.target)),
        )
    }

    /// Which handler has the request in hand.
    pub fn place(&self) -> Place {
        let exchange = self.exchange.as_ref();
        let place = exchange.map(|e| Place { method: e.method.clone(), target: e.target.clone() });
        place.unwrap_or_else(|| Place { method: Method::GET, target: Bytes::new() })
    }

    /// Writes the head of the response to the request in hand. `Enough`: it has no body.
    ///
    /// # Errors
    /// The head breaks a rule; nothing was written, and another response may be begun.
    pub fn begin_response(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        body: ResponseBody,
        scratch: &mut Scratch,
    ) -> Result<Fit, SendError> {
        if let Some(in_flight) = self.exchange.as_ref().and_then(|e| e.in_flight.as_ref()) {
            let time = scratch.now().saturating_duration_since(in_flight.started);
            self.service.pace().record(time);
        }
        // A further request that is here already is answered here: no other worker can get it.
        let more = !self.codec.buffer().is_empty() && self.service.stays_open();
        let persistence = if more || self.service.keeps_connections() {
            Persistence::KeepAlive
        } else {
            Persistence::Close
        };
        if self.output.tail().capacity() == 0 {
            *self.output.tail() = scratch.lend();
        }
        let head = ResponseHead { status, headers, body, persistence };
        let framing = self.codec.send_response(head, scratch.date(), self.output.tail())?;
        if let Some(exchange) = &mut self.exchange
            && let (Some(pending), Some(log)) = (&mut exchange.log, scratch.log())
        {
            log.respond(pending, status, headers);
        }
        Ok(match framing.body {
            BodyFraming::None => Fit::Enough,
            BodyFraming::Fixed(_) | BodyFraming::Chunked | BodyFraming::UntilClose => Fit::More,
        })
    }

    /// Puts a piece of the response's body behind what is there.
    ///
    /// # Errors
    /// No response was begun.
    pub fn send_piece(&mut self, mut piece: Bytes) -> Result<Fit, SendError> {
        let offered = piece.len();
        if offered == 0 {
            return Ok(Fit::More);
        }
        let frame = self.codec.send_data(offered, self.output.tail())?;
        piece.truncate(frame.take);
        if let Some(exchange) = &mut self.exchange {
            exchange.sent += frame.take as u64;
        }
        self.output.push(piece);
        self.output.tail().extend_from_slice(frame.suffix);
        Ok(if frame.take < offered { self.cut(offered - frame.take) } else { Fit::More })
    }

    /// Puts a part of a file behind what is there: all of it, whatever its size, since it takes no
    /// memory. It is sent as the client reads.
    ///
    /// # Errors
    /// No response was begun.
    pub fn send_file(&mut self, mut part: FilePart) -> Result<Fit, SendError> {
        while !part.is_empty() {
            let offered = usize::try_from(part.len()).unwrap_or(usize::MAX);
            let frame = self.codec.send_data(offered, self.output.tail())?;
            if frame.take > 0 {
                self.output.push_file(part.split_to(frame.take as u64));
            }
            if let Some(exchange) = &mut self.exchange {
                exchange.sent += frame.take as u64;
            }
            self.output.tail().extend_from_slice(frame.suffix);
            if frame.take < offered {
                return Ok(self.cut(offered - frame.take));
            }
        }
        Ok(Fit::More)
    }

    /// The application gave so many bytes more than its `Content-Length`; they would be read as the
    /// beginning of the next response (RFC 9112 section 11.2).
    fn cut(&self, surplus: usize) -> Fit {
        let sent = self.exchange.as_ref().map_or(0, |exchange| exchange.sent);
        let given = sent + surplus as u64;
        self.report(&format_args!(
            "the response is cut at its Content-Length of {sent} bytes: its body has {given} or more"
        ));
        Fit::Enough
    }

    /// Says in the log why the request in hand was not answered as the application wished.
    pub fn report(&self, error: &dyn std::fmt::Display) {
        tracing::error!(
            target: "exception",
            "Error handling request {}: {error}",
            self.request_name()
        );
    }

    /// The application's response was handed over, or could not be: what comes next.
    pub fn conclude(&mut self, sent: Result<(), Unsendable>, scratch: &mut Scratch) -> Step {
        match sent {
            Ok(()) => self.end_response(scratch),
            Err(Unsendable::Gone(_)) => self.abandon(Linger::No, scratch),
            Err(error) => {
                self.report(&error);
                self.abandon(Linger::Yes, scratch)
            }
        }
    }

    /// The response is complete: logs and counts it, and goes on to what comes next.
    fn end_response(&mut self, scratch: &mut Scratch) -> Step {
        if let Err(error) = self.codec.send_end(self.output.tail()) {
            self.report(&error);
            return self.abandon(Linger::Yes, scratch);
        }
        self.account(scratch);
        self.next_cycle(scratch.now());
        let gathers = self.phase == Phase::Idle
            && !self.codec.buffer().is_empty()
            && self.output.len() < GATHER_UP_TO
            && self.service.pace().is_under(GATHER_WHILE_UNDER);
        if matches!(self.phase, Phase::Closing(_)) {
            return self.send_last(scratch);
        }
        if !gathers {
            let push = match self.phase {
                Phase::Idle => self.push(scratch),
                _ => Push::Now,
            };
            if let Some(stalled) = self.push_out_so(push, scratch.now()) {
                return stalled;
            }
        }
        if self.is_quiet() {
            return Step::Wait(Interest::Read);
        }
        self.advance(super::Readiness::NONE, scratch)
    }

    /// Whether the answer that is complete leaves at once, or with those of others.
    fn push(&self, scratch: &mut Scratch) -> Push {
        let suits = self.output.is_small()
            && matches!(self.info.sender, Peer::Tcp(_))
            && self.service.pace().is_steady_within(TOGETHER_WHILE_WITHIN);
        if suits { scratch.take_together(&self.socket) } else { Push::Now }
    }

    /// Sends what there is, and says that it was the last: in one packet, if it fits.
    fn send_last(&mut self, scratch: &mut Scratch) -> Step {
        let push = if self.output.is_small() { Push::Later } else { Push::Now };
        self.push_out_so(push, scratch.now()).unwrap_or_else(|| self.end_sending(scratch))
    }

    /// Nothing is left to do before the client sends more: spares a call of the codec.
    fn is_quiet(&mut self) -> bool {
        self.phase == Phase::Idle
            && self.inbox == super::Inbox::Empty
            && self.codec.buffer().is_empty()
    }

    /// The response cannot be completed. What was written of it goes out, then the connection is
    /// closed, so that the client sees that something is missing.
    pub(super) fn abandon(&mut self, linger: Linger, scratch: &mut Scratch) -> Step {
        self.account(scratch);
        let linger = if self.client_may_be_sending() { linger } else { Linger::No };
        self.enter(Phase::Closing(linger), scratch.now());
        self.advance(super::Readiness::NONE, scratch)
    }

    pub(super) fn account(&mut self, scratch: &mut Scratch) {
        let Some(mut exchange) = self.exchange.take() else { return };
        let Some(in_flight) = exchange.in_flight.take() else { return };
        let (time, holder) = in_flight.finish(exchange.sent, scratch.now());
        scratch.note(holder);
        if let (Some(pending), Some(log)) = (exchange.log.take(), scratch.log()) {
            log.finish(pending, exchange.sent, time);
        }
    }

    /// The cycle of request and response is over on our side: what becomes of the connection.
    pub(super) fn next_cycle(&mut self, now: Instant) {
        let phase = match (self.codec.keep_alive(), self.codec.start_next_cycle()) {
            (KeepAlive::Yes, Ok(())) => Phase::Idle,
            (KeepAlive::Yes, Err(NotReusable::Unread)) => Phase::Discarding,
            (KeepAlive::No, _) if self.client_may_be_sending() => Phase::Closing(Linger::Yes),
            (_, _) => Phase::Closing(Linger::No),
        };
        self.enter(phase, now);
    }

    pub(super) fn client_may_be_sending(&mut self) -> bool {
        self.codec.client_state() != oxicorn_http1::ClientState::Done
            || !self.codec.buffer().is_empty()
    }

    /// Answers a request that cannot be given to the application, and ends the connection. Nothing
    /// that follows on it is read as a request.
    pub(super) fn refuse(&mut self, status: StatusCode, reason: &str, scratch: &mut Scratch) {
        self.enter(Phase::Closing(Linger::Yes), scratch.now());
        tracing::warn!("Invalid request from ip={}: {reason}", self.info.peer);
        let text = format!("{status}\n");
        let length = text.len() as u64;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let body = ResponseBody::Fixed(length);
        let head =
            ResponseHead { status, headers: &headers, body, persistence: Persistence::Close };
        let answered = self
            .codec
            .send_response(head, scratch.date(), self.output.tail())
            .and_then(|_| self.send_piece(text.into()))
            .and_then(|_| self.codec.send_end(self.output.tail()));
        let exchange = self.exchange.take();
        let first_line = first_line(self.codec.refused_bytes());
        let Some(log) = scratch.log() else { return };
        match exchange.map(|exchange| (exchange.log, exchange.sent)) {
            Some((Some(mut pending), sent)) => {
                log.respond(&mut pending, status, &headers);
                log.finish(pending, sent, Duration::ZERO);
            }
            _ if answered.is_ok() => log.refused(&self.info.peer, first_line, status, length),
            _ => {}
        }
    }

    /// Writes what the kernel takes. `None`: everything went.
    pub(super) fn push_out(&mut self, now: Instant) -> Option<Step> {
        self.push_out_so(Push::Now, now)
    }

    fn push_out_so(&mut self, push: Push, now: Instant) -> Option<Step> {
        match self.flush_so(push, now) {
            Ok(Flushed::All) => None,
            Ok(Flushed::Some) => Some(Step::Wait(Interest::Write)),
            Err(_) => Some(Step::Close),
        }
    }

    fn flush_at(&mut self, now: Instant) -> io::Result<Flushed> {
        self.flush_so(Push::Now, now)
    }

    fn flush_so(&mut self, push: Push, now: Instant) -> io::Result<Flushed> {
        if self.output.is_empty() {
            return Ok(Flushed::All);
        }
        let was_blocked = self.output.is_blocked();
        let (flushed, sent) =
            self.output.flush(self.socket.as_fd(), push).inspect_err(|fault| {
                if let Fault::File { .. } = fault {
                    let peer = &self.info.peer;
                    tracing::error!("Closing the connection of ip={peer} in mid-response: {fault}");
                }
            })?;
        if sent > 0 || (flushed == Flushed::Some && !was_blocked) {
            self.since = now;
        }
        Ok(flushed)
    }

    /// Writes what the kernel takes of a response that is still being made.
    ///
    /// # Errors
    /// The client is gone.
    pub fn flush(&mut self) -> io::Result<Flushed> {
        self.flush_at(Instant::now())
    }

    /// The same behind a piece of its body: the last piece may leave with the answers to others.
    ///
    /// # Errors
    /// The client is gone.
    pub fn flush_piece(&mut self, scratch: &mut Scratch) -> io::Result<Flushed> {
        let push = if self.codec.has_sent_all() { self.push(scratch) } else { Push::Now };
        self.flush_so(push, Instant::now())
    }

    /// Whether the last flush left something: the socket is to be awaited for writing.
    pub fn is_behind(&self) -> bool {
        self.output.is_blocked()
    }

    /// How many bytes in memory the kernel has not taken yet.
    pub fn queued(&self) -> usize {
        self.output.in_memory()
    }
}

/// What the codec is to be told of a response's body.
pub fn body_length(body: &Body) -> ResponseBody {
    match (body.form(), body.length()) {
        (Form::Whole(length), _) => ResponseBody::Fixed(length as u64),
        (Form::File(length), _) => ResponseBody::Fixed(length),
        (_, Some(length)) => ResponseBody::Fixed(length),
        (_, None) => ResponseBody::Streamed,
    }
}

/// As much of a refused request's first line as is there, for the access log.
fn first_line(received: &[u8]) -> &[u8] {
    const MOST: usize = 1024;
    let end = memchr::memchr2(b'\r', b'\n', received).unwrap_or(received.len());
    &received[..end.min(MOST)]
}
