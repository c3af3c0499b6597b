//! What the application says over a WebSocket, from its answer to the opening handshake to the close.

use std::io;
use std::time::Instant;

use http::StatusCode;
use oxicorn_core::connection::Flushed;
use pyo3::prelude::*;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Utf8Bytes;
use tungstenite::{Error, Message};

use super::super::event::{Accept, Event};
use super::super::exchange::{Exchange, Key, Talk};
use super::super::hub::Hub;
use super::super::respond::{Outbound, Said};
use super::super::rule::Rule;
use super::{Backlog, LONGEST_REASON, Phase, Socket, Terms, handshake};

/// A worker that leaves (RFC 6455 section 7.4, and its registry: Service Restart).
const SERVICE_RESTART: u16 = 1012;

impl Hub {
    /// Before the application has agreed to the WebSocket.
    pub(in super::super) fn say_before_accept(
        &self,
        exchange: &mut Exchange,
        event: Event,
    ) -> Result<Said, Rule> {
        if matches!(exchange.outbound, Outbound::Nowhere) || exchange.job.is_none() {
            return match exchange.outbound {
                Outbound::Complete => Err(Rule::AfterTheEnd),
                _ => Ok(Said::ToNobody),
            };
        }
        match event {
            Event::Accept(accept) if matches!(exchange.outbound, Outbound::Nothing) => {
                self.accept(exchange, accept)
            }
            Event::Close(..) if matches!(exchange.outbound, Outbound::Nothing) => {
                self.answer(exchange, StatusCode::FORBIDDEN);
                Ok(Said::Taken)
            }
            Event::Start(_) | Event::Body(..) => self.say_http(exchange, event),
            _ => Err(Rule::Handshake),
        }
    }

    fn accept(&self, exchange: &mut Exchange, accept: Accept) -> Result<Said, Rule> {
        let Talk::Asked(asked) = &exchange.talk else { return Err(Rule::Handshake) };
        let (answer, headers) = handshake::answer(&asked.key, accept);
        let Some(mut job) = exchange.job.take() else { return Ok(Said::ToNobody) };
        // Answers to earlier requests may still be here. Whoever asks for a WebSocket behind them
        // without reading them is not waited for.
        match job.connection.flush() {
            Ok(Flushed::All) => {}
            Ok(Flushed::Some) => {
                exchange.job = Some(job);
                self.lose(exchange, io::Error::other("it does not read"));
                return Ok(Said::ToNobody);
            }
            Err(error) => {
                exchange.job = Some(job);
                self.lose(exchange, error);
                return Ok(Said::ToNobody);
            }
        }
        let status = StatusCode::SWITCHING_PROTOCOLS;
        self.service.enter(self.service.running().answering());
        exchange.running = oxicorn_core::serve::Running::NONE;
        job.connection.conclude_switch(status, &headers, &mut self.scratch.borrow_mut());
        let given = job.connection.give_away();
        self.reactor.borrow_mut().settle(job.ticket, None);
        let socket = Socket::new(given, answer, Terms::of(self.service.config()));
        exchange.talk = Talk::WebSocket(Box::new(socket));
        // It may last as long as it likes.
        exchange.due = None;
        self.let_go(exchange);
        Ok(Said::Taken)
    }

    /// Afterwards.
    pub(in super::super) fn say_on_socket(
        &self,
        exchange: &mut Exchange,
        event: Event,
    ) -> Result<Said, Rule> {
        let Talk::WebSocket(socket) = &mut exchange.talk else { return Err(Rule::Handshake) };
        match event {
            Event::Text(text) => socket.say(Message::Text(text.into())),
            Event::Binary(data) => socket.say(Message::Binary(data)),
            Event::Close(code, reason) => {
                if socket.phase != Phase::Open {
                    return Ok(Said::ToNobody);
                }
                socket.close(code, &reason);
                Ok(Said::Taken)
            }
            Event::Accept(_) => Err(Rule::Handshake),
            Event::Start(_) | Event::Body(..) | Event::File(_) => {
                Err(Rule::UnknownEvent("a response, behind websocket.accept,".to_owned()))
            }
        }
    }

    /// The worker leaves: who speaks over a WebSocket is told.
    pub(in super::super) fn dismiss_sockets(&self, py: Python<'_>) -> PyResult<()> {
        let told: Vec<Option<Key>> = self.with_each(|exchange| {
            let Talk::WebSocket(socket) = &mut exchange.talk else { return None };
            socket.dismiss();
            exchange.wake_receivers();
            Some(exchange.key)
        });
        told.into_iter().flatten().try_for_each(|key| self.refresh(py, key))
    }
}

impl Socket {
    /// A message of the application's.
    fn say(&mut self, message: Message) -> Result<Said, Rule> {
        if self.phase != Phase::Open {
            return Ok(Said::ToNobody);
        }
        let written = self.context.write(&mut self.wire, message);
        self.wrote(written);
        self.flush();
        Ok(match (self.phase, self.backlog) {
            (Phase::Closed, _) => Said::ToNobody,
            (_, Backlog::Some) => Said::TooMuch,
            (_, Backlog::None) => Said::Taken,
        })
    }

    pub(super) fn flush(&mut self) {
        if self.phase != Phase::Closed {
            let flushed = self.context.flush(&mut self.wire);
            self.wrote(flushed);
        }
    }

    /// Takes note of how a write has ended.
    pub(super) fn wrote(&mut self, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => {
                self.backlog = Backlog::None;
                self.stalled = None;
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.backlog = Backlog::Some;
                self.stalled.get_or_insert_with(Instant::now);
            }
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => self.phase = Phase::Closed,
            Err(_) => self.lose(),
        }
        if self.phase == Phase::Closed {
            self.ended.get_or_insert(super::Closure::LOST);
        }
    }

    /// Begins the closing handshake, unless it has begun.
    pub(in super::super) fn close(&mut self, code: u16, reason: &str) {
        if self.phase != Phase::Open {
            return;
        }
        self.say_close(code, reason);
        self.read();
    }

    pub(super) fn say_close(&mut self, code: u16, reason: &str) {
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from(&reason[..end]) };
        self.begin_closing();
        let written = self.context.close(&mut self.wire, Some(frame));
        self.wrote(written);
        self.flush();
    }

    fn dismiss(&mut self) {
        let reason = "the server leaves".into();
        if self.phase == Phase::Open {
            self.ended.get_or_insert(super::Closure { code: SERVICE_RESTART, reason });
            self.close(SERVICE_RESTART, "");
        }
    }
}
