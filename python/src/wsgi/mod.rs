//! WSGI applications (PEP 3333). The server has its own idea of an application, [`oxicorn_core::App`],
//! and every rule of HTTP, every limit and every timeout is made for that one. So a Python callable is
//! hosted as an application like any other: here is what turns a request into an `environ`, and what a
//! callable gives back into a response. No worker class knows of it.
//!
//! Each request runs in a fresh copy of its thread's context (`contextvars`), from the call to
//! `close()`: what a handler sets there, the next request never sees.

mod answer;
mod app;
mod environ;
mod errors;
mod failure;
mod file;
mod head;
mod input;
mod names;
mod pieces;
mod rules;
mod start;
mod text;

use oxicorn_core::Application;
use oxicorn_core::config::Config;
use pyo3::prelude::*;

use app::Wsgi;

/// Whether there is one of something, or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Only one.
    One,
    /// Perhaps more.
    Many,
}

/// How a handler waits for what the client still has to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The thread waits, and other threads run Python meanwhile.
    Detached,
    /// The wait is itself done by Python code: a greenlet switches to its hub.
    Attached,
}

/// What an application is told of the worker that it runs in, and what the host has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// How many calls of the application there are at once in this process: `wsgi.multithread`.
    pub calls: Number,
    /// How many processes there are: `wsgi.multiprocess`.
    pub processes: Number,
    /// How it waits.
    pub waiting: Waiting,
}

impl Facts {
    /// Of a class whose workers have so many calls in hand at once.
    pub fn new(config: &Config, calls: Number, waiting: Waiting) -> Facts {
        let processes = match config.workers.count() {
            Some(0 | 1) => Number::One,
            Some(_) | None => Number::Many,
        };
        Facts { calls, processes, waiting }
    }
}

/// What the worker classes are to serve: `callable`, hosted.
///
/// # Errors
/// Python is out of memory.
pub fn application(
    py: Python<'_>,
    name: &str,
    callable: Py<PyAny>,
    facts: Facts,
) -> PyResult<Application> {
    Ok(Application::blocking(name, Wsgi::new(py, callable, facts)?))
}
