//! The classes whose handlers have a thread for themselves while they run: those of Rust as they are.
//! Their threads are not attached to the interpreter but in a handler, so whoever waits for a client
//! keeps nobody from running Python.

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use pyo3::prelude::*;

use super::PythonWorker;
use crate::wsgi::{self, Facts, Number, Waiting};

/// One request at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sync;

/// `--threads` at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threaded;

fn run_detached(class: &dyn Worker, cx: WorkerContext) -> Result<(), WorkerError> {
    Python::attach(|py| py.detach(|| class.run(cx)))
}

impl Worker for Sync {
    fn names(&self) -> &'static [&'static str] {
        oxicorn_sync::Sync.names()
    }

    fn check(&self, config: &Config, app: &Application) -> Result<(), ConfigError> {
        oxicorn_sync::Sync.check(config, app)
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        run_detached(&oxicorn_sync::Sync, cx)
    }
}

impl PythonWorker for Sync {
    fn application(
        &self,
        py: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        config: &Config,
    ) -> PyResult<Application> {
        let facts = Facts::new(config, Number::One, Waiting::Detached);
        wsgi::application(py, name, callable, facts)
    }
}

impl Worker for Threaded {
    fn names(&self) -> &'static [&'static str] {
        oxicorn_threaded::Threaded.names()
    }

    fn check(&self, config: &Config, app: &Application) -> Result<(), ConfigError> {
        oxicorn_threaded::Threaded.check(config, app)
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        run_detached(&oxicorn_threaded::Threaded, cx)
    }
}

impl PythonWorker for Threaded {
    fn application(
        &self,
        py: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        config: &Config,
    ) -> PyResult<Application> {
        // With one thread there is still the main one, which calls nothing of the application's.
        let calls = if config.threads > 1 { Number::Many } else { Number::One };
        let facts = Facts::new(config, calls, Waiting::Detached);
        wsgi::application(py, name, callable, facts)
    }
}
