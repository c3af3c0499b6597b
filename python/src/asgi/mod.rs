//! ASGI 3 applications (<https://asgi.readthedocs.io>): the worker class that runs them on an event
//! loop of Python's.
//!
//! The reactor of every other class does the reading, the limits, the timeouts of clients and the
//! accepting here, too. It stands in the event loop as one descriptor: when that is readable, a
//! callback takes what there is to do and makes a task of each request. Nothing runs on another thread
//! and nothing is handed over, so a request costs its task and little else.
//!
//! What is known of a request lies in [`hub::Hub`], by number. The objects that Python holds on to
//! have the number only: an application may keep them for as long as it likes, and drop them where it
//! likes, without keeping a connection open or touching it from a foreign thread.

mod arrive;
mod awaitable;
mod channel;
mod event;
mod exchange;
mod handler;
mod host;
mod hub;
mod lifespan;
mod look;
mod receive;
mod respond;
mod rule;
mod scope;
mod traceback;
mod websocket;

use std::time::{Duration, Instant};

use oxicorn_core::Application;
use oxicorn_core::app::{IntoResponse, ResponseFuture};
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::Reactor;
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Posture, Service};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use oxicorn_core::{AsyncApp, Request};
use pyo3::prelude::*;

use host::Host;
use hub::Hub;
use lifespan::Lifespan;

/// The class, with the application that it serves.
#[derive(Debug)]
pub struct Asgi(Py<PyAny>);

impl Asgi {
    /// `callable`: an ASGI 3 application, `async def app(scope, receive, send)` or what behaves like
    /// one.
    pub fn new(callable: Py<PyAny>) -> Asgi {
        Asgi(callable)
    }
}

/// What stands in a worker's context for an application that only [`Asgi`] can call.
pub fn application(name: &str) -> Application {
    Application::asynchronous(name, Elsewhere)
}

struct Elsewhere;

impl AsyncApp for Elsewhere {
    fn call(&self, _: Request) -> ResponseFuture {
        Box::pin(async { http::StatusCode::INTERNAL_SERVER_ERROR.into_response() })
    }
}

impl Worker for Asgi {
    fn names(&self) -> &'static [&'static str] {
        &["tokio", "async"]
    }

    fn check(&self, _: &Config, _: &Application) -> Result<(), ConfigError> {
        Ok(())
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        Python::attach(|py| serve(py, &self.0, cx))
    }
}

fn serve(py: Python<'_>, callable: &Py<PyAny>, cx: WorkerContext) -> Result<(), WorkerError> {
    let config = cx.config.clone();
    let at_once = Capacity(config.worker_connections.into());
    let service = Service::new(&cx, at_once, KeepPolicy::Always, Writers::One);
    let mut host = Host::new(py, config.asgi_loop)?;
    let lifespan = Lifespan::start(py, &host, callable, config.asgi_lifespan)?;
    // A factory for tasks may have been set by now.
    host.look_at_tasks(py).map_err(host::failed(py))?;
    let reactor = Reactor::new(cx, &service)?;
    let hub = Hub::install(py, &service, reactor, host, callable, lifespan.state(py))?;
    let served = hub.serve(py);
    lifespan.stop(py, &hub.host, time_left(&service));
    hub.host.close(py);
    served
}

/// How long a worker that has served may take to end.
fn time_left(service: &Service) -> Option<Duration> {
    let Posture::Leaving(since) = service.posture() else { return Some(Duration::ZERO) };
    let limit = service.config().graceful_timeout.get()?;
    Some((since + limit).saturating_duration_since(Instant::now()))
}
