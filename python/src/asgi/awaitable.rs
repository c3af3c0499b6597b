//! What `receive()` and `send()` return. Most often there is nothing to wait for, so these are no
//! coroutines of Python's: what is ready costs no frame and no future. They have all methods of one,
//! because some wrap them in tasks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;
use pyo3::types::iterator::PySendResult;
use pyo3::types::{PyIterator, PyType};

use super::channel::Protocol;
use super::exchange::Key;
use super::hub::Hub;
use super::receive::Received;

/// The exception that `throw(kind, value)` means.
pub(super) fn thrown(kind: &Bound<'_, PyAny>, value: Option<Bound<'_, PyAny>>) -> PyErr {
    match kind.cast::<PyType>() {
        Err(_) => PyErr::from_value(kind.clone()),
        Ok(class) => match value.filter(|value| !value.is_none()) {
            Some(value) if value.is_instance(class).unwrap_or(false) => PyErr::from_value(value),
            Some(value) => PyErr::from_type(class.clone(), (value.unbind(),)),
            None => PyErr::from_type(class.clone(), ()),
        },
    }
}

/// The end of a coroutine, with its value.
pub(super) fn stop(value: Py<PyAny>) -> PyErr {
    PyStopIteration::new_err((value,))
}

/// Nothing to wait for, and no value.
#[pyclass(frozen, module = "oxicorn")]
pub(super) struct Done {
    gives_way: AtomicBool,
}

impl Done {
    /// One that was there from the beginning; it can be returned any number of times.
    pub(super) fn at_once() -> Done {
        Done { gives_way: AtomicBool::new(false) }
    }

    /// One that gives way once. For who sends on and on: the loop is to get its turn.
    pub(super) fn after_others() -> Done {
        Done { gives_way: AtomicBool::new(true) }
    }
}

#[pymethods]
impl Done {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        let first = self.gives_way.load(Ordering::Relaxed);
        first.then(|| {
            self.gives_way.store(false, Ordering::Relaxed);
            py.None()
        })
    }

    fn send(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        self.__next__(py).ok_or_else(|| stop(py.None()))
    }

    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        Err(thrown(&kind, value))
    }

    fn close(&self) {}
}

/// The next event for the application. It is taken when it is there and somebody waits for it, never
/// before: who is cancelled while waiting has lost nothing.
#[pyclass(frozen, module = "oxicorn")]
pub(super) struct Receiving {
    key: Key,
    protocol: Protocol,
    /// What is being waited for.
    wait: Mutex<Option<Py<PyAny>>>,
}

/// How far a step has come.
enum Next {
    Waits(Py<PyAny>),
    Event(Py<PyAny>),
}

impl Receiving {
    pub(super) fn new(key: Key, protocol: Protocol) -> Receiving {
        Receiving { key, protocol, wait: Mutex::new(None) }
    }

    fn take_wait(&self) -> Option<Py<PyAny>> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn keep_wait(&self, wait: Py<PyAny>) {
        *self.wait.lock().unwrap_or_else(PoisonError::into_inner) = Some(wait);
    }

    fn step(&self, py: Python<'_>) -> PyResult<Next> {
        loop {
            if let Some(wait) = self.take_wait() {
                let iterator = wait.bind(py).cast::<PyIterator>()?;
                if let PySendResult::Next(yielded) = iterator.send(&py.None().into_bound(py))? {
                    self.keep_wait(wait);
                    return Ok(Next::Waits(yielded.unbind()));
                }
            }
            match Hub::of_this_thread()?.receive(py, self.key, self.protocol)? {
                Received::Event(event) => return Ok(Next::Event(event)),
                Received::Pause => return Ok(Next::Waits(py.None())),
                Received::Wait(future) => {
                    self.keep_wait(future.call_method0(pyo3::intern!(py, "__await__"))?.unbind());
                }
            }
        }
    }
}

#[pymethods]
impl Receiving {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match self.step(py)? {
            Next::Waits(yielded) => Ok(yielded),
            Next::Event(event) => Err(stop(event)),
        }
    }

    fn send(&self, py: Python<'_>, _value: Py<PyAny>) -> PyResult<Py<PyAny>> {
        self.__next__(py)
    }

    #[pyo3(signature = (kind, value=None, _traceback=None))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        _traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        self.take_wait();
        Err(thrown(&kind, value))
    }

    fn close(&self) {
        self.take_wait();
    }
}
