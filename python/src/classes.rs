//! The worker classes that run Python applications, as a table. The master knows the same names and
//! none of this: it looks at the settings before any Python is there.

mod blocking;

use oxicorn_core::Application;
use oxicorn_core::config::Config;
use oxicorn_core::worker::{Worker, WorkerError};
use pyo3::prelude::*;

use crate::asgi::Asgi;
use crate::gevent::Gevent;

/// A worker class for Python applications. [`Worker::run`] is called by the main thread, attached.
pub trait PythonWorker: Worker {
    /// What has to be done to the interpreter before the application is imported.
    ///
    /// # Errors
    /// This Python lacks something that the class needs.
    fn before_import(&self, _py: Python<'_>) -> Result<(), WorkerError> {
        Ok(())
    }

    /// The imported `callable` in the form that the class serves; `name` is what logs call it.
    ///
    /// # Errors
    /// Python is out of memory.
    fn application(
        &self,
        py: Python<'_>,
        name: &str,
        callable: Py<PyAny>,
        config: &Config,
    ) -> PyResult<Application>;

    /// How an application that it can serve is called.
    fn interface(&self) -> Interface {
        Interface::Wsgi
    }
}

/// How an application is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// PEP 3333.
    Wsgi,
    /// ASGI 3.
    Asgi,
}

/// All of them.
pub static CLASSES: &[&dyn PythonWorker] = &[&blocking::SYNC, &blocking::THREADED, &Gevent, &Asgi];

/// The class of this name or alias.
pub fn find(name: &str) -> Option<&'static dyn PythonWorker> {
    CLASSES.iter().copied().find(|class| class.names().contains(&name))
}
