//! The two callables that an application gets with its scope.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::awaitable::{Done, Receiving};
use super::event::{self, Unusable};
use super::exchange::Key;
use super::hub::Hub;
use super::respond::Sent;

/// See the module: its methods are `receive` and `send`.
#[pyclass(frozen, module = "oxicorn")]
pub(super) struct Channel {
    pub(super) key: Key,
    pub(super) protocol: Protocol,
}

/// Which events these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    WebSocket,
}

#[pymethods]
impl Channel {
    fn receive(&self) -> Receiving {
        Receiving::new(self.key, self.protocol)
    }

    fn send(&self, py: Python<'_>, event: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let hub = Hub::of_this_thread()?;
        let sent = match event::read(event) {
            Ok(event) => hub.send(py, self.key, self.protocol, event)?,
            Err(Unusable::Python(error)) => return Err(error),
            Err(Unusable::Rule(rule)) => Sent::Refused(hub.refuse(py, self.key, rule)?),
        };
        match sent {
            Sent::Done => Ok(hub.done.clone_ref(py)),
            Sent::Wait(future) => Ok(future.unbind()),
            Sent::Pause | Sent::Nowhere => Ok(Py::new(py, Done::after_others())?.into_any()),
            Sent::Gone(error) => Err(error),
            Sent::Refused(rule) => Err(PyRuntimeError::new_err(rule.line())),
        }
    }
}
