//! The event loop that the reactor is a guest of, and what is asked of it often.

use oxicorn_core::config::AsgiLoop;
use oxicorn_core::worker::WorkerError;
use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict, PyTuple};

use crate::traceback;

/// How tasks are made.
#[derive(Debug)]
enum Tasks {
    /// By the class itself, which spares two calls.
    Class { class: Py<PyAny>, options: Py<PyDict> },
    /// As the loop does it: the application has said how.
    Loop,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) event_loop: Py<PyAny>,
    create_future: Py<PyAny>,
    call_soon: Py<PyAny>,
    call_later: Py<PyAny>,
    /// The context of all callbacks (contextvars): otherwise it would be a copy of what the one that asks
    /// for them runs in, a request perhaps.
    context: Py<PyDict>,
    tasks: Tasks,
    /// types.CoroutineType
    coroutine: Py<PyAny>,
}

/// What Python's failure means before there is anything to serve.
pub(super) fn failed(py: Python<'_>) -> impl Fn(PyErr) -> WorkerError + '_ {
    move |error| WorkerError::App(traceback::summary(py, &error))
}

impl Host {
    pub(super) fn new(py: Python<'_>, which: AsgiLoop) -> Result<Host, WorkerError> {
        let event_loop = new_loop(py, which)?;
        let method = |name: &str| event_loop.getattr(name).map(Bound::unbind).map_err(failed(py));
        Ok(Host {
            create_future: method("create_future")?,
            call_soon: method("call_soon")?,
            call_later: method("call_later")?,
            context: fresh_context(py).map_err(failed(py))?,
            event_loop: event_loop.unbind(),
            tasks: Tasks::Loop,
            coroutine: coroutine_type(py).map_err(failed(py))?,
        })
    }

    /// Settles how tasks are made from now on.
    pub(super) fn look_at_tasks(&mut self, py: Python<'_>) -> PyResult<()> {
        if !self.event_loop.bind(py).call_method0("get_task_factory")?.is_none() {
            self.tasks = Tasks::Loop;
            return Ok(());
        }
        let options = PyDict::new(py);
        options.set_item("loop", &self.event_loop)?;
        if py.version_info() >= (3, 12) {
            // It runs at once up to its first wait: most requests end there.
            options.set_item("eager_start", true)?;
        } else {
            // Otherwise each gets a number in its name, which costs more than all its other fields.
            options.set_item("name", "request")?;
        }
        let class = py.import("asyncio")?.getattr("Task")?.unbind();
        self.tasks = Tasks::Class { class, options: options.unbind() };
        Ok(())
    }

    /// A task for a coroutine.
    pub(super) fn task<'py>(
        &self,
        py: Python<'py>,
        coroutine: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match &self.tasks {
            Tasks::Class { class, options } => {
                class.bind(py).call((coroutine,), Some(options.bind(py)))
            }
            Tasks::Loop => {
                self.event_loop.bind(py).call_method1(intern!(py, "create_task"), (coroutine,))
            }
        }
    }

    /// Whether it is what an `async def` gives.
    pub(super) fn is_coroutine(&self, object: &Bound<'_, PyAny>) -> bool {
        object.get_type().is(&self.coroutine)
    }

    pub(super) fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.create_future.bind(py).call0()
    }

    pub(super) fn soon(&self, py: Python<'_>, callback: &Py<PyAny>) -> PyResult<()> {
        self.call_soon.bind(py).call((callback,), Some(self.context.bind(py))).map(drop)
    }

    /// Returns the handle, which cancels it.
    pub(super) fn later(
        &self,
        py: Python<'_>,
        seconds: f64,
        callback: &Py<PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let options = self.context.bind(py);
        self.call_later.bind(py).call((seconds, callback), Some(options)).map(Bound::unbind)
    }

    pub(super) fn stop(&self, py: Python<'_>) {
        // It fails only for a loop that does not run.
        let _ = self.event_loop.bind(py).call_method0("stop");
    }

    /// Cancels what is left and closes the loop. Errors are nobody's any more: the process ends.
    pub(super) fn close(&self, py: Python<'_>) {
        let close = || -> PyResult<()> {
            let (asyncio, event_loop) = (py.import("asyncio")?, self.event_loop.bind(py));
            let left: Vec<Bound<'_, PyAny>> = asyncio
                .call_method1("all_tasks", (event_loop,))?
                .try_iter()?
                .collect::<PyResult<_>>()?;
            for task in &left {
                task.call_method0("cancel")?;
            }
            if !left.is_empty() {
                // They get the time to notice, not the time to finish.
                let options = [("timeout", 1.0)].into_py_dict(py)?;
                let all = PyTuple::new(py, [left])?;
                let wait = asyncio.getattr("wait")?.call(all, Some(&options))?;
                event_loop.call_method1("run_until_complete", (wait,))?;
            }
            let generators = event_loop.call_method0("shutdown_asyncgens")?;
            event_loop.call_method1("run_until_complete", (generators,))?;
            event_loop.call_method0("close").map(drop)
        };
        if let Err(error) = close() {
            tracing::debug!("The event loop did not end well: {error}");
        }
    }
}

fn coroutine_type(py: Python<'_>) -> PyResult<Py<PyAny>> {
    Ok(py.import("types")?.getattr("CoroutineType")?.unbind())
}

/// `context=`, for the methods of a loop that take it.
fn fresh_context(py: Python<'_>) -> PyResult<Py<PyDict>> {
    let context = py.import("contextvars")?.call_method0("copy_context")?;
    Ok([("context", context)].into_py_dict(py)?.unbind())
}

fn new_loop(py: Python<'_>, which: AsgiLoop) -> Result<Bound<'_, PyAny>, WorkerError> {
    let make = |module: &str| {
        let module = py.import(module)?;
        let event_loop = module.call_method0("new_event_loop")?;
        py.import("asyncio")?.call_method1("set_event_loop", (&event_loop,))?;
        Ok(event_loop)
    };
    let made: PyResult<Bound<'_, PyAny>> = match which {
        AsgiLoop::Asyncio => make("asyncio"),
        AsgiLoop::Uvloop => make("uvloop"),
        AsgiLoop::Auto => match make("uvloop") {
            Err(error) if error.is_instance_of::<PyModuleNotFoundError>(py) => make("asyncio"),
            made => made,
        },
    };
    made.map_err(|error| match which {
        AsgiLoop::Uvloop if error.is_instance_of::<PyModuleNotFoundError>(py) => WorkerError::App(
            "asgi_loop = uvloop: it is not installed (pip install uvloop)".to_owned(),
        ),
        _ => failed(py)(error),
    })
}
