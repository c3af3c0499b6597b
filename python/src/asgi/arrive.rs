//! From a request in hand to its handler.

use http::StatusCode;
use oxicorn_core::Body;
use oxicorn_core::connection::{Opened, Step, Wish, assemble};
use oxicorn_core::reactor::Job;
use oxicorn_core::{Request, connection::Readiness};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;

use super::channel::{Channel, Protocol};
use super::exchange::{Begun, Client, Exchange, Handler, Key, Talk};
use super::handler::Coroutine;
use super::hub::Hub;
use super::receive::Inbound;
use super::respond::Outbound;
use super::websocket::handshake::{self, Opening};

impl Hub {
    /// A request has come: makes a task of it.
    pub(super) fn begin(&self, py: Python<'_>, mut job: Job) -> PyResult<()> {
        let connection = &mut job.connection;
        let (running, place) = (connection.running(), connection.place());
        let limit = self.service.config().timeout.get();
        let due = limit.and_then(|limit| Some(connection.started()? + limit));
        let upgrades = connection.wish() == Wish::Upgrade;
        let (mut request, inbound) = match connection.open() {
            Some(Opened::Whole(mut request)) => {
                // All of it is there: no error, no wait.
                let body = request.body_mut().next_chunk().ok().flatten().unwrap_or_default();
                (request, Inbound::Whole(body))
            }
            Some(Opened::Incoming(head, _)) => {
                let info = connection.info().clone();
                (assemble(head, info, Body::empty()), Inbound::Streaming)
            }
            None => {
                let outcome = Some((job.connection, Step::Close));
                self.reactor.borrow_mut().settle(job.ticket, outcome);
                return Ok(());
            }
        };
        let talk = match upgrades.then(|| handshake::opening(&request)) {
            None | Some(Opening::SomethingElse) => Ok(Talk::Http),
            Some(Opening::Asked(asked)) => Ok(Talk::Asked(asked)),
            Some(Opening::Wrong(status)) => Err(status),
        };
        let (talk, wrong) =
            talk.map_or_else(|status| (Talk::Http, Some(status)), |talk| (talk, None));
        let protocol = match &talk {
            Talk::Http => Protocol::Http,
            Talk::Asked(_) | Talk::WebSocket(_) => Protocol::WebSocket,
        };
        let key = self.enter(|key| Exchange {
            key,
            job: Some(job),
            running,
            place,
            handler: Handler::Runs(None),
            due,
            talk,
            inbound,
            outbound: Outbound::Nothing,
            client: Client::Here,
            body_due: None,
            begun: Begun::No,
            at_once: 0,
            receivers: Vec::new(),
            senders: Vec::new(),
            woken: Vec::new(),
            watched: Readiness::NONE,
        });
        if let Some(status) = wrong {
            return self.turn_away(py, key, status);
        }
        match self.call(py, key, protocol, &mut request) {
            Ok(()) => Ok(()),
            Err(error) => self.raised(py, key, &error),
        }
    }

    /// Calls the application, which may run up to its first wait, or to its end.
    fn call(
        &self,
        py: Python<'_>,
        key: Key,
        protocol: Protocol,
        request: &mut Request,
    ) -> PyResult<()> {
        let scope = self.scopes.scope(py, protocol, request)?;
        let channel = Bound::new(py, Channel { key, protocol })?;
        let receive = channel.getattr(intern!(py, "receive"))?;
        let send = channel.getattr(intern!(py, "send"))?;
        let called =
            self.in_handler(key, || self.callable.bind(py).call1((scope, receive, send)))?;
        let coroutine = Bound::new(py, Coroutine::new(key, self.awaited(called)?))?;
        let task = self.host.task(py, coroutine.into_any())?;
        self.keep_task(key, task.unbind());
        Ok(())
    }

    /// The client has asked for something that it cannot get.
    fn turn_away(&self, py: Python<'_>, key: Key, status: StatusCode) -> PyResult<()> {
        self.with(key, |exchange| {
            exchange.handler = Handler::Finished;
            self.answer(exchange, status);
        });
        self.refresh(py, key)
    }

    /// What can be stepped through: the coroutine itself, or what its like gives.
    fn awaited<'py>(&self, called: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if self.host.is_coroutine(&called) {
            return Ok(called);
        }
        called.call_method0(intern!(called.py(), "__await__")).map_err(|_| {
            let kind = called.get_type();
            PyTypeError::new_err(format!(
                "the application is no ASGI 3 application: it has returned {kind}, which cannot be \
                 awaited"
            ))
        })
    }
}
