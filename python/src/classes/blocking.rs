//! The classes whose handlers have a thread for themselves while they run: those of Rust as they are.
//! Their threads are not attached to the interpreter but in a handler, so whoever waits for a client
//! keeps nobody from running Python.

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use pyo3::prelude::*;

use super::PythonWorker;
use crate::wsgi::{self, Facts, Number, Waiting};

/// A class of Rust's, and how many calls of an application it has at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocking<W> {
    class: W,
    calls: fn(&Config) -> Number,
}

/// One request at a time.
pub(crate) static SYNC: Blocking<oxicorn_sync::Sync> =
    Blocking { class: oxicorn_sync::Sync, calls: |_| Number::One };

/// `--threads` at a time. With one thread there is still the main one, which calls nothing of the
/// application's.
pub(crate) static THREADED: Blocking<oxicorn_threaded::Threaded> = Blocking {
    class: oxicorn_threaded::Threaded,
    calls: |config| if config.threads > 1 { Number::Many } else { Number::One },
};

impl<W: Worker> Worker for Blocking<W> {
    fn names(&self) -> &'static [&'static str] {
        self.class.names()
    }

    fn check(&self, config: &Config, app: &Application) -> Result<(), ConfigError> {
        self.class.check(config, app)
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        Python::attach(|py| py.detach(|| self.class.run(cx)))
    }
}

impl<W: Worker> PythonWorker for Blocking<W> {
    fn application(
        &self,
        py: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        config: &Config,
    ) -> PyResult<Application> {
        let facts = Facts::new(config, (self.calls)(config), Waiting::Detached);
        wsgi::application(py, name, callable, facts)
    }
}
