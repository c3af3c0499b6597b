//! `start_response`, and the `write` that it returns. Both look at the same beginning of a response, and
//! both are Python objects, which cost more than what they do; so a pair that nobody holds any more
//! serves the next request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyTuple};

use super::head;
use super::rules::{Rule, type_of};
use crate::boundary::references;

/// How far a response has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nobody has said anything.
    #[default]
    Silent,
    /// Its status and headers are known, and can still be replaced.
    Begun,
    /// They are on their way.
    Sent,
}

/// The beginning of a response.
#[derive(Debug, Default)]
struct Beginning {
    stage: Stage,
    status: StatusCode,
    headers: HeaderMap,
    written: Vec<Bytes>,
}

#[derive(Clone, Debug, Default)]
struct Shared(Arc<Mutex<Beginning>>);

impl Shared {
    /// Nothing of Python runs while this is held: another thread may need the interpreter to give it
    /// back.
    fn lock(&self) -> MutexGuard<'_, Beginning> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The callable that an application is given.
#[pyclass(frozen, name = "start_response", module = "oxicorn")]
pub(super) struct StartResponse {
    shared: Shared,
    write: Py<Write>,
}

/// The callable that it gets back.
#[pyclass(frozen, name = "write", module = "oxicorn")]
pub(super) struct Write {
    shared: Shared,
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, response_headers, exc_info = None))]
    fn __call__(
        &self,
        py: Python<'_>,
        status: &Bound<'_, PyAny>,
        response_headers: &Bound<'_, PyAny>,
        exc_info: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Py<Write>> {
        let stage = self.shared.lock().stage;
        match (stage, exc_info) {
            (Stage::Sent, Some(exc_info)) => return Err(reraised(exc_info)),
            (Stage::Begun | Stage::Sent, None) => return Err(Rule::StartedTwice.into()),
            (Stage::Silent, _) | (Stage::Begun, Some(_)) => {}
        }
        let status = head::status(status)?;
        let headers = head::headers(response_headers)?;
        let mut beginning = self.shared.lock();
        beginning.stage = Stage::Begun;
        beginning.status = status;
        beginning.headers = headers;
        Ok(self.write.clone_ref(py))
    }
}

/// The exception that the application wants to answer for, when it is too late for an answer.
fn reraised(exc_info: &Bound<'_, PyAny>) -> PyErr {
    let bad = || PyErr::from(Rule::ExcInfo(type_of(exc_info)));
    let Ok(tuple) = exc_info.cast::<PyTuple>() else { return bad() };
    match tuple.get_item(1) {
        Ok(value) if !value.is_none() => PyErr::from_value(value),
        _ => bad(),
    }
}

#[pymethods]
impl Write {
    /// What is written goes out before what the application returns, once it has returned.
    fn __call__(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = piece(data)?;
        let mut beginning = self.shared.lock();
        if beginning.stage == Stage::Silent {
            return Err(Rule::WrittenFirst.into());
        }
        if !data.is_empty() {
            beginning.written.push(data);
        }
        Ok(())
    }
}

/// A piece of a body. One of some size stays where it is, in Python's memory.
pub(super) fn piece(given: &Bound<'_, PyAny>) -> Result<Bytes, Rule> {
    const WORTH_KEEPING: usize = 32 * 1024;
    let bytes = given.cast::<PyBytes>().map_err(|_| Rule::Piece(type_of(given)))?;
    Ok(match bytes.as_bytes() {
        short if short.len() < WORTH_KEEPING => Bytes::copy_from_slice(short),
        _ => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
    })
}

impl StartResponse {
    /// A new pair.
    pub(super) fn new(py: Python<'_>) -> PyResult<Bound<'_, StartResponse>> {
        let shared = Shared::default();
        let write = Py::new(py, Write { shared: shared.clone() })?;
        Bound::new(py, StartResponse { shared, write })
    }

    /// The status and the headers, which can no longer be replaced then.
    pub(super) fn send(&self) -> Result<(StatusCode, HeaderMap), Rule> {
        let mut beginning = self.shared.lock();
        if beginning.stage == Stage::Silent {
            return Err(Rule::NotStarted);
        }
        beginning.stage = Stage::Sent;
        Ok((beginning.status, std::mem::take(&mut beginning.headers)))
    }

    /// Whether `write` was not used since [`StartResponse::take_written`].
    pub(super) fn has_written_nothing(&self) -> bool {
        self.shared.lock().written.is_empty()
    }

    /// What was written since this was last asked.
    pub(super) fn take_written(&self) -> Vec<Bytes> {
        std::mem::take(&mut self.shared.lock().written)
    }

    /// Whether the pair can serve another request: nobody else has either of them. It is as new then.
    pub(super) fn renew(this: &Bound<'_, StartResponse>) -> Reuse {
        let own = this.get();
        if references(this) != 1 || references(own.write.bind(this.py())) != 1 {
            return Reuse::No;
        }
        *own.shared.lock() = Beginning::default();
        Reuse::Yes
    }
}

/// See [`StartResponse::renew`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Yes,
    No,
}
