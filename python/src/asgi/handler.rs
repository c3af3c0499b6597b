//! The coroutine of a request, as its task sees it: the application's own, with somebody beside it who
//! sees each step. So who holds the thread is known by name, and the end, good or bad, is known at
//! once, without a callback.

use pyo3::exceptions::PyStopIteration;
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use pyo3::types::iterator::PySendResult;

use super::awaitable::stop;
use super::exchange::Key;
use super::hub::Hub;

/// See the module.
#[pyclass(frozen, module = "oxicorn")]
pub(super) struct Coroutine {
    key: Key,
    inner: Py<PyAny>,
}

impl Coroutine {
    pub(super) fn new(key: Key, inner: Bound<'_, PyAny>) -> Coroutine {
        Coroutine { key, inner: inner.unbind() }
    }

    /// What the step has come to; `None`: to the end.
    fn after(
        &self,
        py: Python<'_>,
        hub: &Hub,
        step: PyResult<PySendResult<'_>>,
    ) -> PyResult<Option<Py<PyAny>>> {
        match step {
            Ok(PySendResult::Next(yielded)) => {
                // It may have computed for long, and others have their turn behind it.
                hub.scratch.borrow_mut().tick();
                Ok(Some(yielded.unbind()))
            }
            Ok(PySendResult::Return(_)) => hub.returned(py, self.key).map(|()| None),
            Err(error) => {
                let cancelled = error.is_instance_of::<CancelledError>(py);
                hub.raised(py, self.key, &error)?;
                // A task must know that it was cancelled; all the rest is in the log, and nobody
                // will ask the task for it.
                if cancelled { Err(error) } else { Ok(None) }
            }
        }
    }
}

/// `coroutine.send(value)`, for everything that has an `__await__`.
fn send<'py>(inner: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<PySendResult<'py>> {
    // SAFETY: a coroutine is no iterator, but all that is done with it is PyIter_Send, which takes any
    // object: it asks for am_send, then tp_iternext, then the method send.
    #[expect(unsafe_code, reason = "PyIter_Send has no other safe name")]
    let iterator = unsafe { inner.cast_unchecked::<PyIterator>() };
    iterator.send(value)
}

#[pymethods]
impl Coroutine {
    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let (hub, inner) = (Hub::of_this_thread()?, self.inner.bind(py));
        let none = py.None().into_bound(py);
        let step = {
            hub.has_turn(self.key);
            hub.in_handler(self.key, || send(inner, &none))
        };
        self.after(py, &hub, step)
    }

    fn send(&self, py: Python<'_>, value: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let (hub, inner) = (Hub::of_this_thread()?, self.inner.bind(py));
        let step = {
            hub.has_turn(self.key);
            hub.in_handler(self.key, || send(inner, &value))
        };
        self.after(py, &hub, step)?.ok_or_else(|| stop(py.None()))
    }

    #[pyo3(signature = (kind, value=None, traceback=None))]
    fn throw(
        &self,
        py: Python<'_>,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let (hub, inner) = (Hub::of_this_thread()?, self.inner.bind(py));
        let name = intern!(py, "throw");
        let step = hub.in_handler(self.key, || match (value, traceback) {
            // With three arguments it is deprecated.
            (None, None) => inner.call_method1(name, (kind,)),
            (value, traceback) => inner.call_method1(name, (kind, value, traceback)),
        });
        let step = match step {
            Ok(yielded) => Ok(PySendResult::Next(yielded)),
            Err(error) if error.is_instance_of::<PyStopIteration>(py) => {
                Ok(PySendResult::Return(py.None().into_bound(py)))
            }
            Err(error) => Err(error),
        };
        self.after(py, &hub, step)?.ok_or_else(|| stop(py.None()))
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.call_method0(py, intern!(py, "close")).map(drop)
    }

    /// What tools want to know of a coroutine (its frame, its name, ...) the application's own says.
    fn __getattr__(&self, py: Python<'_>, name: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.inner.bind(py).getattr(name.cast::<pyo3::types::PyString>()?).map(Bound::unbind)
    }
}
