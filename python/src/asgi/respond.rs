//! What `send()` does. The head of a response is held back until the first piece of its body is there,
//! as the specification demands: until then it can still become an error. A client that reads slowly
//! holds its sender up, and nobody else.

use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use http::StatusCode;
use oxicorn_core::Body;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::connection::{Fit, Flushed, ResponseBody, Unsendable, body_length};
use oxicorn_core::serve::Running;
use pyo3::exceptions::PyConnectionError;
use pyo3::prelude::*;

use super::channel::Protocol;
use super::event::{Event, More, Start};
use super::exchange::{Client, Exchange, Handler, Key, Talk};
use super::hub::Hub;
use super::rule::Rule;

/// A sender waits when more than so many bytes are in memory, until at most half of them are.
const BOUND: usize = 64 * 1024;

/// The response, as far as the application has made it.
#[derive(Debug)]
pub(super) enum Outbound {
    Nothing,
    /// Nothing of it is written.
    Head(Box<Start>),
    /// The head is written; whether the body has a place.
    Body(Fit),
    Complete,
    /// Nobody will get what the application sends now.
    Nowhere,
}

/// What has become of `send()`.
pub(super) enum Sent<'py> {
    Done,
    /// A future: until then enough is under way.
    Wait(Bound<'py, PyAny>),
    /// Others are to have their turn before the next one.
    Pause,
    /// Nobody gets it; others are to have their turn, too.
    Nowhere,
    /// The same, and the application is to know it.
    Gone(PyErr),
    Refused(Rule),
}

/// The same inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Taken,
    TooMuch,
    ToNobody,
}

impl Hub {
    /// An event of the application's.
    pub(super) fn send<'py>(
        &self,
        py: Python<'py>,
        key: Key,
        protocol: Protocol,
        event: Event,
    ) -> PyResult<Sent<'py>> {
        let said = self.with(key, |exchange| self.say(exchange, event));
        let said = match said.unwrap_or(Ok(Said::ToNobody)) {
            Ok(said) => said,
            Err(rule) => return self.refuse(py, key, rule).map(Sent::Refused),
        };
        let sent = match (said, protocol) {
            (Said::Taken, _) if self.is_everybodys_turn(key) => Sent::Pause,
            (Said::Taken, _) => Sent::Done,
            (Said::ToNobody, Protocol::Http) => Sent::Nowhere,
            (Said::ToNobody, Protocol::WebSocket) => {
                Sent::Gone(PyConnectionError::new_err("the WebSocket is closed"))
            }
            (Said::TooMuch, _) => {
                let future = self.host.future(py)?;
                let waiting = future.clone().unbind();
                self.with(key, |exchange| exchange.senders.push(waiting));
                Sent::Wait(future)
            }
        };
        self.refresh(py, key)?;
        Ok(sent)
    }

    fn say(&self, exchange: &mut Exchange, event: Event) -> Result<Said, Rule> {
        match (&exchange.talk, &exchange.handler) {
            (_, Handler::Dismissed) => Ok(Said::ToNobody),
            (Talk::Http, _) => self.say_http(exchange, event),
            (Talk::Asked(_), _) => self.say_before_accept(exchange, event),
            (Talk::WebSocket(_), _) => self.say_on_socket(exchange, event),
        }
    }

    pub(super) fn say_http(&self, exchange: &mut Exchange, event: Event) -> Result<Said, Rule> {
        if matches!(exchange.outbound, Outbound::Nowhere) {
            return Ok(Said::ToNobody);
        }
        match event {
            Event::Start(start) => match exchange.outbound {
                Outbound::Nothing => {
                    exchange.outbound = Outbound::Head(Box::new(start));
                    Ok(Said::Taken)
                }
                Outbound::Complete => Err(Rule::AfterTheEnd),
                _ => Err(Rule::OutOfOrder),
            },
            Event::Body(piece, more) => self.say_body(exchange, piece, more),
            Event::File(path) => self.say_file(exchange, path),
            Event::Accept(_) => Err(Rule::UnknownEvent("websocket.accept".to_owned())),
            Event::Text(_) | Event::Binary(_) => {
                Err(Rule::UnknownEvent("websocket.send".to_owned()))
            }
            Event::Close(..) => Err(Rule::UnknownEvent("websocket.close".to_owned())),
        }
    }

    fn say_body(&self, exchange: &mut Exchange, piece: Bytes, more: More) -> Result<Said, Rule> {
        let length = match more {
            More::No => ResponseBody::Fixed(piece.len() as u64),
            More::Yes => ResponseBody::Streamed,
        };
        let mut fit = self.begin_body(exchange, length)?;
        let Some(job) = exchange.job.as_mut() else { return Ok(Said::ToNobody) };
        if fit == Fit::More {
            fit = job.connection.send_piece(piece)?;
        }
        if more == More::No {
            exchange.outbound = Outbound::Complete;
            self.conclude(exchange, Ok(()));
            return Ok(Said::Taken);
        }
        exchange.outbound = Outbound::Body(fit);
        match job.connection.flush() {
            Ok(Flushed::Some) if job.connection.queued() > BOUND => Ok(Said::TooMuch),
            Ok(_) => Ok(Said::Taken),
            Err(error) => {
                self.lose(exchange, error);
                Ok(Said::ToNobody)
            }
        }
    }

    /// Writes the head, if it is not written.
    fn begin_body(&self, exchange: &mut Exchange, length: ResponseBody) -> Result<Fit, Rule> {
        match &exchange.outbound {
            Outbound::Nothing => Err(Rule::OutOfOrder),
            Outbound::Complete => Err(Rule::AfterTheEnd),
            Outbound::Nowhere => Ok(Fit::Enough),
            Outbound::Body(fit) => Ok(*fit),
            Outbound::Head(start) => {
                let Some(job) = exchange.job.as_mut() else { return Ok(Fit::Enough) };
                let mut scratch = self.scratch.borrow_mut();
                scratch.tick();
                let (status, headers) = (start.status, &start.headers);
                let fit = job.connection.begin_response(status, headers, length, &mut scratch)?;
                exchange.running = self.answering(exchange.running);
                Ok(fit)
            }
        }
    }

    /// A file, which goes out by sendfile(2), as the client reads.
    fn say_file(&self, exchange: &mut Exchange, path: PathBuf) -> Result<Said, Rule> {
        let opened = File::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) =
            opened.map_err(|error| Rule::Path(path.display().to_string(), error))?;
        let fit = self.begin_body(exchange, ResponseBody::Fixed(length))?;
        let part = Body::file(file, 0..length).take_file();
        if let (Some(job), Some(part), Fit::More) = (exchange.job.as_mut(), part, fit) {
            job.connection.send_file(part)?;
        }
        exchange.outbound = Outbound::Complete;
        self.conclude(exchange, Ok(()));
        Ok(Said::Taken)
    }

    /// A response of our own, to a request that has none.
    pub(super) fn answer(&self, exchange: &mut Exchange, status: StatusCode) {
        let mut response = status.into_response();
        exchange.outbound = Outbound::Complete;
        let Some(job) = exchange.job.as_mut() else { return };
        let send = || -> Result<(), Unsendable> {
            let length = body_length(response.body());
            let mut scratch = self.scratch.borrow_mut();
            scratch.tick();
            let connection = &mut job.connection;
            let fit =
                connection.begin_response(status, response.headers(), length, &mut scratch)?;
            if let (Fit::More, Ok(Some(piece))) = (fit, response.body_mut().next_chunk()) {
                connection.send_piece(piece)?;
            }
            Ok(())
        };
        let sent = { send }();
        self.conclude(exchange, sent);
    }

    /// The response is complete, or cannot be completed: the connection goes its way.
    pub(super) fn conclude(&self, exchange: &mut Exchange, sent: Result<(), Unsendable>) {
        let Some(mut job) = exchange.job.take() else { return };
        self.answering(exchange.running);
        exchange.running = Running::NONE;
        let complete = sent.is_ok();
        let step = job.connection.conclude(sent, &mut self.scratch.borrow_mut());
        self.reactor.borrow_mut().settle(job.ticket, Some((job.connection, step)));
        self.let_go(exchange);
        if complete {
            // What a handler does behind its response is not the request's time.
            exchange.due = None;
        } else {
            exchange.outbound = Outbound::Nowhere;
        }
    }

    /// The connection is not the exchange's any more.
    pub(super) fn let_go(&self, exchange: &mut Exchange) {
        exchange.watched = oxicorn_core::connection::Readiness::NONE;
        exchange.body_due = None;
        exchange.wake_receivers();
        exchange.wake_senders();
    }

    /// The client has gone in the middle of it.
    pub(super) fn lose(&self, exchange: &mut Exchange, error: io::Error) {
        exchange.client = Client::Gone;
        self.conclude(exchange, Err(Unsendable::Gone(error)));
        exchange.outbound = Outbound::Nowhere;
    }

    /// The request is being answered: nobody is to say 504 in its place.
    fn answering(&self, running: Running) -> Running {
        let now = self.service.running();
        if now.entry() == running.entry() {
            self.service.enter(now.answering());
        }
        running.answering()
    }

    /// The application has broken a rule.
    pub(super) fn refuse(&self, py: Python<'_>, key: Key, rule: Rule) -> PyResult<Rule> {
        let task = self.with(key, |exchange| {
            self.fail(exchange, &rule.line());
            exchange.dismiss()
        });
        drop(task);
        self.refresh(py, key)?;
        Ok(rule)
    }

    /// The response will not come as the application meant it: one line, and 500 if that is possible.
    pub(super) fn fail(&self, exchange: &mut Exchange, why: &dyn Display) {
        self.report(exchange, why);
        self.break_off(exchange);
    }

    /// The same without a line.
    pub(super) fn break_off(&self, exchange: &mut Exchange) {
        if let Talk::WebSocket(socket) = &mut exchange.talk {
            socket.fail();
            return exchange.wake_receivers();
        }
        match exchange.outbound {
            Outbound::Nothing | Outbound::Head(_) => {
                self.answer(exchange, StatusCode::INTERNAL_SERVER_ERROR);
            }
            Outbound::Body(_) => {
                let error = io::Error::other("its handler has failed");
                self.conclude(exchange, Err(Unsendable::Source(error)));
            }
            Outbound::Complete | Outbound::Nowhere => {}
        }
    }

    /// A line in the error log.
    pub(super) fn report(&self, exchange: &Exchange, why: &dyn Display) {
        match &exchange.job {
            Some(job) => job.connection.report(why),
            None => {
                let place = &exchange.place;
                tracing::error!(target: "exception", "Error handling request {place}: {why}");
            }
        }
    }

    /// Whether those who have waited to send may go on.
    pub(super) fn has_room(queued: usize) -> bool {
        queued <= BOUND / 2
    }
}
