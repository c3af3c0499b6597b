//! Worker class `coroutine` for Python: gevent. The loop of the process is gevent's hub, and the reactor
//! is one descriptor in it: an epoll set is readable when something in it is. So the server's own work
//! takes no greenlet and no thread, and a greenlet is needed only while a request is in hand. The
//! greenlets are kept for the next requests: to make one costs more than to serve a small request.
//!
//! A greenlet that waits has Rust code on its stack: `serve::handle`, which has called the application.
//! That is sound as long as nothing there is borrowed from what the hub uses, no lock is held, and the
//! interpreter is never let go of: see [`crate::wsgi::Waiting::Attached`].

mod hub;
mod overdue;
mod requests;
mod waiting;

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::Reactor;
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Service};
use oxicorn_core::wait;
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use pyo3::prelude::*;

use crate::classes::PythonWorker;
use crate::wsgi::{self, Facts, Number, Waiting};

use hub::Hub;

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Gevent;

impl Worker for Gevent {
    fn names(&self) -> &'static [&'static str] {
        &["coroutine", "gevent"]
    }

    fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
        app.need_blocking("coroutine")
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        Python::attach(|py| serve(py, cx))
    }
}

impl PythonWorker for Gevent {
    /// Whatever the application imports, and the application itself, is to find a standard library that
    /// switches greenlets where it would block.
    fn before_import(&self, py: Python<'_>) -> Result<(), WorkerError> {
        let monkey = py.import("gevent.monkey").map_err(|error| missing(py, &error))?;
        monkey.call_method0("patch_all").map(drop).map_err(|error| failed("patch_all", &error))
    }

    fn application(
        &self,
        py: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        config: &Config,
    ) -> PyResult<Application> {
        let facts = Facts::new(config, Number::Many, Waiting::Attached);
        wsgi::application(py, name, callable, facts)
    }
}

fn serve(py: Python<'_>, cx: WorkerContext) -> Result<(), WorkerError> {
    let gevent = py.import("gevent").map_err(|error| missing(py, &error))?;
    // The hub was made before the fork, and has still the parent's descriptors.
    gevent.call_method0("reinit").map_err(|error| failed("reinit", &error))?;
    let at_once = u64::from(cx.config.worker_connections);
    let service = Service::new(&cx, Capacity(at_once), KeepPolicy::Always, Writers::One);
    let reactor = Reactor::new(cx, &service)?;
    let hub = Hub::install(py, &service, reactor).map_err(|error| failed("the hub", &error))?;
    wait::install(&waiting::Switching);
    Hub::run(&hub)
}

fn missing(py: Python<'_>, error: &PyErr) -> WorkerError {
    let executable = py.import("sys").and_then(|sys| sys.getattr("executable"));
    let executable = executable.map_or_else(|_| "this Python".to_owned(), |path| path.to_string());
    WorkerError::App(format!(
        "the worker class coroutine needs gevent, and {executable} cannot import it: {error}; \
         `pip install gevent` there, or use -k threaded"
    ))
}

fn failed(doing: &str, error: &PyErr) -> WorkerError {
    WorkerError::App(format!("gevent: {doing}: {error}"))
}
