//! `start_response`, and the `write` that it returns. Both look at the same beginning of a response, and
//! both are Python objects, which cost more than what they do; so a pair that nobody holds any more
//! serves the next request.
//!
//! What is written is with the client before `write` returns: the connection is lent to this pair as long
//! as the application runs. Once it has returned, its body is what is sent, and what an application
//! writes from within its own body, against the rule, goes out before the piece that it yields next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyTuple};

use oxicorn_core::connection::Unsendable;
use oxicorn_core::serve::Early;

use super::rules::{Rule, type_of};
use super::{Waiting, head};
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
    client: Client,
    /// What was written too late to be sent at once.
    written: Vec<Bytes>,
}

/// Where the connection to the client is.
#[derive(Debug, Default)]
enum Client {
    /// With the server: the application is not running, or has returned.
    #[default]
    Away,
    /// To be written to.
    Here(Early),
    /// Somebody is writing.
    Busy,
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
    waiting: Waiting,
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
    /// Sends `data`, and the head before it if it is the first.
    fn __call__(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = piece(data)?;
        let Some(mut sending) = self.turn(data)? else { return Ok(()) };
        let written = match self.waiting {
            Waiting::Detached => py.detach(|| sending.send()),
            Waiting::Attached => sending.send(),
        };
        self.give_back(sending.client);
        written.map_err(raise)
    }
}

/// A piece that is sent now.
struct Sending {
    client: Early,
    /// Of the first piece.
    head: Option<(StatusCode, HeaderMap)>,
    data: Bytes,
}

impl Sending {
    fn send(&mut self) -> Result<(), Unsendable> {
        if let Some((status, headers)) = self.head.take() {
            self.client.begin(status, &headers)?;
        }
        self.client.write(std::mem::take(&mut self.data))
    }
}

impl Write {
    /// What is to be done with a piece. `None`: nothing, it waits for what is yielded next.
    fn turn(&self, data: Bytes) -> PyResult<Option<Sending>> {
        let mut beginning = self.shared.lock();
        if beginning.stage == Stage::Silent {
            return Err(Rule::WrittenFirst.into());
        }
        match std::mem::replace(&mut beginning.client, Client::Busy) {
            Client::Here(client) if beginning.stage == Stage::Begun || client.has_begun() => {
                let head = (beginning.stage == Stage::Begun)
                    .then(|| (beginning.status, beginning.headers.clone()));
                Ok(Some(Sending { client, head, data }))
            }
            Client::Busy => Err(PyRuntimeError::new_err("somebody else is writing")),
            other => {
                beginning.client = other;
                if !data.is_empty() {
                    beginning.written.push(data);
                }
                Ok(None)
            }
        }
    }

    /// If nobody has waited for it, it is dropped, and the connection with it.
    fn give_back(&self, client: Early) {
        let mut beginning = self.shared.lock();
        if let Client::Busy = beginning.client {
            if client.has_begun() {
                beginning.stage = Stage::Sent;
            }
            beginning.client = Client::Here(client);
        }
    }
}

/// A client that has gone is an `OSError`; a head that breaks a rule of HTTP is not sent, and can be
/// replaced.
fn raise(error: Unsendable) -> PyErr {
    match error {
        Unsendable::Gone(error) | Unsendable::Source(error) => error.into(),
        Unsendable::Invalid(error) => PyValueError::new_err(error.to_string()),
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
    pub(super) fn new(py: Python<'_>, waiting: Waiting) -> PyResult<Bound<'_, StartResponse>> {
        let shared = Shared::default();
        let write = Py::new(py, Write { shared: shared.clone(), waiting })?;
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

    /// The application is about to run, and `write` sends to this client meanwhile.
    pub(super) fn lend(&self, client: Early) {
        self.shared.lock().client = Client::Here(client);
    }

    /// It has returned. Empty: somebody is still writing.
    pub(super) fn take_back(&self) -> Early {
        match std::mem::take(&mut self.shared.lock().client) {
            Client::Here(client) => client,
            Client::Away | Client::Busy => Early::default(),
        }
    }

    /// Whether the client has got nothing yet.
    pub(super) fn has_sent_nothing(&self) -> bool {
        self.shared.lock().stage != Stage::Sent
    }

    /// What was written too late since this was last asked.
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
