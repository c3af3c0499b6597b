//! What happens to a request from outside of its handler: its client's socket becomes ready or goes
//! away, a time is over, the handler comes to its end.

use std::io;
use std::time::Instant;

use oxicorn_core::connection::{Flushed, Readiness};
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;

use super::exchange::{Client, Exchange, Handler, Key, Talk};
use super::hub::Hub;
use super::receive::Inbound;
use super::respond::Outbound;
use super::rule::Rule;
use crate::traceback;

impl Hub {
    /// The socket of an exchange is ready.
    pub(super) fn ready(&self, py: Python<'_>, key: Key, readiness: Readiness) -> PyResult<()> {
        self.with(key, |exchange| {
            exchange.watched = Readiness::NONE;
            match &mut exchange.talk {
                Talk::WebSocket(socket) => {
                    socket.ready();
                    exchange.wake_receivers();
                    if exchange.talk_is_free() {
                        exchange.wake_senders();
                    }
                }
                Talk::Http | Talk::Asked(_) => self.ready_http(exchange, readiness),
            }
        });
        self.refresh(py, key)
    }

    fn ready_http(&self, exchange: &mut Exchange, readiness: Readiness) {
        let Some(job) = exchange.job.as_mut() else { return };
        if job.connection.is_behind() {
            let flushed = job.connection.flush();
            let free = Hub::has_room(job.connection.queued());
            match flushed {
                Ok(Flushed::All) => exchange.wake_senders(),
                Ok(Flushed::Some) if free => exchange.wake_senders(),
                Ok(Flushed::Some) => {}
                Err(error) => return self.lose(exchange, error),
            }
        }
        let Some(job) = exchange.job.as_mut() else { return };
        if readiness.meets(Readiness::READ.and(Readiness::CLIENT_DONE))
            && matches!(exchange.inbound, Inbound::Streaming)
        {
            job.connection.readable_again();
            exchange.body_due = None;
            return exchange.wake_receivers();
        }
        if readiness.meets(Readiness::GONE) {
            return self.lose(exchange, io::ErrorKind::ConnectionReset.into());
        }
        if readiness.meets(Readiness::CLIENT_DONE) {
            exchange.client = Client::DoneSending;
            exchange.wake_receivers();
        }
    }

    /// A time may be over.
    pub(super) fn look(&self, py: Python<'_>) -> PyResult<()> {
        self.has_looked();
        self.scratch.borrow_mut().tick();
        let now = self.scratch.borrow().now();
        let keys = self.with_each(|exchange| {
            exchange.next_due().is_some_and(|due| due <= now).then_some(exchange.key)
        });
        let keys: Vec<Key> = keys.into_iter().flatten().collect();
        let overdue = |key: &Key| {
            let entry = self.with(*key, |exchange| {
                let over = exchange.due.is_some_and(|due| due <= now);
                exchange.running.entry().filter(|_| over)
            });
            entry.flatten()
        };
        let entries: Vec<_> = keys.iter().filter_map(overdue).collect();
        if !entries.is_empty() {
            self.service.report_overdue(&entries);
        }
        for key in keys {
            let task = self.with(key, |exchange| self.expire(exchange, now)).flatten();
            self.refresh(py, key)?;
            if let Some(task) = task {
                task.call_method0(py, intern!(py, "cancel"))?;
            }
        }
        let next = self.with_each(|exchange| exchange.next_due()).into_iter().flatten().min();
        next.into_iter().for_each(|next| self.look_by(next));
        Ok(())
    }

    /// Returns the task that is to be cancelled.
    fn expire(&self, exchange: &mut Exchange, now: Instant) -> Option<Py<PyAny>> {
        let over = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if over(exchange.due) {
            exchange.due = None;
            self.time_out(exchange);
            return exchange.dismiss();
        }
        if over(exchange.body_due) {
            let error = io::Error::new(io::ErrorKind::TimedOut, "the body stopped arriving");
            self.give_up_body(exchange, error);
        }
        if over(exchange.job.as_ref().and_then(|job| job.connection.deadline())) {
            self.lose(exchange, io::ErrorKind::TimedOut.into());
        }
        if let Talk::WebSocket(socket) = &mut exchange.talk {
            socket.expire(now);
            exchange.wake_receivers();
        }
        None
    }

    fn time_out(&self, exchange: &mut Exchange) {
        exchange.outbound = Outbound::Nowhere;
        exchange.client = Client::Gone;
        let Some(mut job) = exchange.job.take() else { return };
        exchange.running = oxicorn_core::serve::Running::NONE;
        let step = job.connection.time_out(&mut self.scratch.borrow_mut());
        self.reactor.borrow_mut().settle(job.ticket, Some((job.connection, step)));
        self.let_go(exchange);
    }

    /// A handler has returned.
    pub(super) fn returned(&self, py: Python<'_>, key: Key) -> PyResult<()> {
        let task = self.with(key, |exchange| {
            if !matches!(exchange.handler, Handler::Dismissed) {
                match (&mut exchange.talk, &exchange.outbound) {
                    (Talk::WebSocket(socket), _) => socket.close(1000, ""),
                    // Who has heard that the client has gone need not answer it.
                    (_, Outbound::Nothing | Outbound::Head(_) | Outbound::Body(_))
                        if exchange.client != Client::Here =>
                    {
                        self.lose(exchange, io::ErrorKind::ConnectionReset.into());
                    }
                    (_, Outbound::Nothing | Outbound::Head(_)) => {
                        self.fail(exchange, &Rule::NoResponse.line());
                    }
                    (_, Outbound::Body(_)) => self.fail(exchange, &Rule::Incomplete.line()),
                    (_, Outbound::Complete | Outbound::Nowhere) => {}
                }
            }
            exchange.finish()
        });
        drop(task);
        self.refresh(py, key)
    }

    /// A handler has failed.
    pub(super) fn raised(&self, py: Python<'_>, key: Key, error: &PyErr) -> PyResult<()> {
        let name = self.with(key, |exchange| {
            let known = matches!(exchange.handler, Handler::Dismissed);
            let name = exchange.job.as_ref().map(|job| job.connection.request_name());
            (!known).then(|| name.unwrap_or_else(|| exchange.place.to_string()))
        });
        if let Some(name) = name.flatten() {
            // Somebody of the application's own, or the end of the loop, has cancelled it.
            if error.is_instance_of::<CancelledError>(py) {
                tracing::debug!("The handler of {name} was cancelled");
            } else {
                traceback::report(py, &format_args!("Error handling request {name}"), error);
            }
        }
        let task = self.with(key, |exchange| {
            self.break_off(exchange);
            exchange.finish()
        });
        drop(task);
        self.refresh(py, key)
    }
}

impl Exchange {
    /// Nobody listens to the handler any more. Returns its task.
    pub(super) fn dismiss(&mut self) -> Option<Py<PyAny>> {
        match std::mem::replace(&mut self.handler, Handler::Dismissed) {
            Handler::Runs(task) => task,
            Handler::Dismissed => None,
            Handler::Finished => {
                self.handler = Handler::Finished;
                None
            }
        }
    }

    /// The handler has come to its end. Returns its task, to be dropped where that may be.
    fn finish(&mut self) -> Option<Py<PyAny>> {
        self.due = None;
        match std::mem::replace(&mut self.handler, Handler::Finished) {
            Handler::Runs(task) => task,
            Handler::Dismissed | Handler::Finished => None,
        }
    }

    fn talk_is_free(&self) -> bool {
        matches!(&self.talk, Talk::WebSocket(socket) if !socket.is_behind())
    }
}
