//! The body that an application yields piece by piece. Each piece is sent as it comes, and whatever
//! happens on the way (the client leaves, an exception, a HEAD that wants no body) the iterable's
//! `close()` is called: frameworks commit, roll back and return connections there.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use pyo3::exceptions::{PyAttributeError, PyStopIteration};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::failure::{Asked, Failure, Raised};
use super::rules::{Rule, type_of};
use super::start::{self, StartResponse};

/// The context (`contextvars`) of a request, in which everything of it runs.
pub(super) struct Context(Py<PyAny>);

impl Context {
    /// A new one, by `contextvars.copy_context`.
    pub(super) fn new(copy_context: &Bound<'_, PyAny>) -> PyResult<Context> {
        let run = copy_context.call0()?.getattr(intern!(copy_context.py(), "run"))?;
        Ok(Context(run.unbind()))
    }

    /// Calls the application.
    pub(super) fn call<'py>(
        &self,
        application: &Bound<'py, PyAny>,
        environ: &Bound<'py, PyDict>,
        start: &Bound<'py, StartResponse>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(application.py()).call1((application, environ, start))
    }

    fn call0<'py>(&self, callable: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(callable.py()).call1((callable,))
    }

    fn call1<'py>(
        &self,
        callable: &Bound<'py, PyAny>,
        argument: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(callable.py()).call1((callable, argument))
    }
}

/// See the module.
pub(super) struct Pieces {
    iterable: Py<PyAny>,
    /// Its iterator's `__next__`.
    next: Option<Py<PyAny>>,
    context: Context,
    start: Py<StartResponse>,
    asked: Asked,
    ahead: VecDeque<Bytes>,
}

impl Pieces {
    /// Begins with `iterable`. From now on it will be closed.
    pub(super) fn begin(
        iterable: &Bound<'_, PyAny>,
        context: Context,
        start: &Bound<'_, StartResponse>,
        asked: Asked,
    ) -> Result<Pieces, Failure> {
        let py = iterable.py();
        let mut pieces = Pieces {
            iterable: iterable.clone().unbind(),
            next: None,
            context,
            start: start.clone().unbind(),
            asked,
            ahead: VecDeque::new(),
        };
        if !iterable.hasattr("__iter__")? && !iterable.hasattr("__getitem__")? {
            return Err(Rule::NotIterable(type_of(iterable)).into());
        }
        let iter = py.import("builtins")?.getattr("iter")?;
        let iterator = pieces.context.call1(&iter, iterable)?;
        pieces.next = Some(iterator.getattr("__next__")?.unbind());
        Ok(pieces)
    }

    /// Goes on up to the first piece that has any bytes. `Nothing`: there is none.
    pub(super) fn go_to_first(&mut self, py: Python<'_>) -> Result<First, Failure> {
        while self.ahead.is_empty() {
            let piece = self.pull(py)?;
            self.ahead.extend(self.start.get().take_written());
            match piece {
                Some(piece) if piece.is_empty() => {}
                Some(piece) => self.ahead.push_back(piece),
                None if self.ahead.is_empty() => return Ok(First::Nothing),
                None => self.next = None,
            }
        }
        Ok(First::Here)
    }

    /// The next piece as the iterator gives it.
    fn pull(&self, py: Python<'_>) -> Result<Option<Bytes>, Failure> {
        let Some(next) = &self.next else { return Ok(None) };
        match self.context.call0(next.bind(py)) {
            Ok(piece) => Ok(Some(start::piece(&piece)?)),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn go_on(&mut self, py: Python<'_>) -> io::Result<Option<Bytes>> {
        match self.go_to_first(py) {
            Ok(First::Here) => Ok(self.ahead.pop_front()),
            Ok(First::Nothing) => Ok(None),
            Err(Failure::Raised(error)) => {
                let raised = Raised::of(py, &error);
                raised.trace();
                Err(io::Error::other(raised.summary))
            }
            Err(Failure::Broken(rule)) => Err(io::Error::other(rule.to_string())),
            Err(Failure::NotMounted { .. }) => Ok(None),
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let close = match self.iterable.bind(py).getattr("close") {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => return Ok(()),
            close => close?,
        };
        self.context.call0(&close).map(drop)
    }
}

/// Whether a body has anything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    Here,
    Nothing,
}

impl Iterator for Pieces {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if let Some(piece) = self.ahead.pop_front() {
            return Some(Ok(piece));
        }
        let next = Python::try_attach(|py| self.go_on(py));
        next.unwrap_or_else(|| Err(io::Error::other("Python has ended"))).transpose()
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        Python::try_attach(|py| {
            if let Err(error) = self.close(py) {
                let raised = Raised::of(py, &error);
                tracing::error!(
                    target: "exception",
                    "Error closing the response to {}: {}",
                    self.asked,
                    raised.summary
                );
                raised.trace();
            }
        });
    }
}
