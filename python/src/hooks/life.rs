//! The hooks of a worker, in the order of its life.

use std::ffi::CStr;

use oxicorn_arbiter::zygote::child;
use oxicorn_core::config::gunicorn::Hook;
use oxicorn_core::orders::{self, Order};
use oxicorn_core::scoreboard::SlotHandle;
use oxicorn_core::worker::WorkerError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyModule, PyTuple};

use super::Scene;
use crate::classes::Interface;
use crate::traceback;

/// The code around an application.
const REQUESTS: &CStr = {
    let code = concat!(include_str!("requests.py"), "\0").as_bytes();
    match CStr::from_bytes_with_nul(code) {
        Ok(code) => code,
        Err(_) => c"",
    }
};

/// A worker, and what it is called with.
pub(crate) struct WorkerLife {
    scene: Scene,
    worker: Py<PyAny>,
}

fn failed(error: PyErr) -> WorkerError {
    WorkerError::App(format!("hooks: {error}"))
}

impl WorkerLife {
    /// That of the worker of this age.
    pub(crate) fn new(py: Python<'_>, scene: Scene, age: u64) -> Option<WorkerLife> {
        let worker = scene.worker(py, age)?;
        Some(WorkerLife { scene, worker })
    }

    /// It is a process, and has not begun anything yet.
    ///
    /// # Errors
    /// What `post_fork` raises.
    pub(crate) fn begin(&self, py: Python<'_>, slot: SlotHandle) -> Result<(), WorkerError> {
        let worker = self.worker.bind(py);
        worker.setattr("pid", std::process::id()).map_err(failed)?;
        self.connect(py, slot).map_err(failed)?;
        self.heed_abort(py).map_err(failed)?;
        self.heed_quick(py);
        let arguments = [self.scene.server(py), self.worker.clone_ref(py)];
        self.scene.call(py, Hook::PostFork, &arguments).map_err(WorkerError::App)
    }

    /// What it shows of itself is in its row of the scoreboard.
    fn connect(&self, py: Python<'_>, slot: SlotHandle) -> PyResult<()> {
        let worker = self.worker.bind(py);
        let row = slot.clone();
        let served = PyCFunction::new_closure(py, None, None, move |_: &Bound<'_, PyTuple>, _| {
            row.requests()
        })?;
        let beat = PyCFunction::new_closure(py, None, None, move |_: &Bound<'_, PyTuple>, _| {
            slot.beat();
        })?;
        worker.setattr("_served", served)?;
        worker.setattr("_beat", beat)
    }

    /// The application, with the hooks of its requests around it, if there are any.
    ///
    /// # Errors
    /// What `post_worker_init` raises.
    pub(crate) fn initialise(
        &self,
        py: Python<'_>,
        callable: Py<PyAny>,
        interface: Interface,
    ) -> Result<Py<PyAny>, WorkerError> {
        let worker = self.worker.bind(py);
        worker.setattr("wsgi", &callable).map_err(failed)?;
        self.scene.imported(py, &callable).map_err(failed)?;
        worker.setattr("booted", true).map_err(failed)?;
        let hooked = self.around(py, callable, interface).map_err(failed)?;
        let arguments = [self.worker.clone_ref(py)];
        self.scene.call(py, Hook::PostWorkerInit, &arguments).map_err(WorkerError::App)?;
        Ok(hooked)
    }

    fn around(
        &self,
        py: Python<'_>,
        callable: Py<PyAny>,
        interface: Interface,
    ) -> PyResult<Py<PyAny>> {
        let pre = self.scene.function(py, Hook::PreRequest);
        let post = self.scene.function(py, Hook::PostRequest);
        if pre.is_none() && post.is_none() {
            return Ok(callable);
        }
        let code = PyModule::from_code(py, REQUESTS, c"<oxicorn>", c"_oxicorn_requests")?;
        let log = self.scene.server(py).getattr(py, "log")?;
        let takes = self.scene.takes(Hook::PostRequest);
        let hooks = code.getattr("Hooks")?.call1((&self.worker, log, pre, post, takes))?;
        let around = match interface {
            Interface::Wsgi => code.getattr("wsgi")?,
            Interface::Asgi => code.getattr("asgi")?,
        };
        Ok(around.call1((callable, hooks))?.unbind())
    }

    /// It has served, and is about to end.
    pub(crate) fn end(&self, py: Python<'_>) {
        let arguments = [self.scene.server(py), self.worker.clone_ref(py)];
        self.scene.tell(py, Hook::WorkerExit, &arguments);
    }

    /// An order to leave at once is an order to the server's own loop: it is told of it first.
    fn heed_quick(&self, py: Python<'_>) {
        let Some(function) = self.scene.function(py, Hook::WorkerInt) else { return };
        let worker = self.worker.clone_ref(py);
        orders::witness(move |order| {
            if order == Order::Quick {
                Python::attach(|py| {
                    if let Err(error) = function.call1(py, (&worker,)) {
                        tracing::error!("the hook worker_int has failed:");
                        traceback::write(py, &error);
                    }
                });
            }
        });
    }

    /// The master's last word to a worker that does not answer is a signal, and Python's code is what
    /// keeps it from answering: so the hook runs as a signal's handler of Python, between two
    /// instructions of that code.
    fn heed_abort(&self, py: Python<'_>) -> PyResult<()> {
        let Some(function) = self.scene.function(py, Hook::WorkerAbort) else { return Ok(()) };
        let worker = self.worker.clone_ref(py);
        let handler = move |arguments: &Bound<'_, PyTuple>,
                            _: Option<&Bound<'_, pyo3::types::PyDict>>| {
            let py = arguments.py();
            let called = worker.setattr(py, "aborted", true);
            if let Err(error) = called.and_then(|()| function.call1(py, (&worker,)).map(drop)) {
                tracing::error!("the hook worker_abort has failed:");
                traceback::write(py, &error);
            }
            child::abort().map_err(PyErr::from)
        };
        let handler = PyCFunction::new_closure(py, None, None, handler)?;
        let signal = py.import("signal")?;
        signal.call_method1("signal", (signal.getattr("SIGABRT")?, handler)).map(drop)
    }
}
