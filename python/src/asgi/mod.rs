//! ASGI 3 applications (<https://asgi.readthedocs.io>): the worker class that runs them on an event
//! loop of Python's.
//!
//! The reactor of every other class does the reading, the limits, the timeouts of clients and the
//! accepting here, too. It stands in the event loop as one descriptor: when that is readable, a
//! callback takes what there is to do and makes a task of each request. Nothing runs on another thread
//! and nothing is handed over, so a request costs its task and little else.
//!
//! What is known of a request lies in `hub::Hub`, by number. The objects that Python holds on to
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
mod websocket;

use std::time::{Duration, Instant};

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::Reactor;
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Posture, Service};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use pyo3::prelude::*;

use crate::classes::{Interface, PythonWorker};

use host::Host;
use hub::Hub;
use lifespan::Lifespan;

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Asgi;

/// An ASGI 3 application: `async def app(scope, receive, send)`, or what behaves like one.
struct Callable(Py<PyAny>);

impl PythonWorker for Asgi {
    fn application(
        &self,
        _: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        _: &Config,
    ) -> PyResult<Application> {
        Ok(Application::foreign(name, Callable(callable)))
    }

    fn interface(&self) -> Interface {
        Interface::Asgi
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
        let app = cx.app.clone();
        let Some(Callable(callable)) = app.as_foreign() else {
            return Err(WorkerError::App("it is no application of Python's".to_owned()));
        };
        Python::attach(|py| {
            let callable = callable.clone_ref(py);
            serve(py, &callable, cx)
        })
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
