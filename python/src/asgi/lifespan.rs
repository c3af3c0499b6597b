//! The lifespan of an application in this worker (<https://asgi.readthedocs.io/en/latest/specs/lifespan.html>):
//! it is told before the first request and behind the last one. With the setting `auto` an application
//! that knows nothing of this is served without it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use oxicorn_core::config::AsgiLifespan;
use oxicorn_core::worker::WorkerError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::exceptions::asyncio::TimeoutError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::host::{Host, failed};
use crate::traceback;

/// How far it is.
#[derive(Debug)]
enum Stage {
    Starting,
    Started,
    StartFailed(String),
    Stopping,
    Stopped,
    StopFailed(String),
}

/// How the start has gone.
enum Begun {
    Well,
    Badly(String),
    NotAtAll,
}

/// What an application sends.
#[derive(Clone, Copy)]
enum Word {
    StartComplete,
    StartFailed,
    StopComplete,
    StopFailed,
}

const WORDS: [(&str, Word); 4] = [
    ("lifespan.startup.complete", Word::StartComplete),
    ("lifespan.startup.failed", Word::StartFailed),
    ("lifespan.shutdown.complete", Word::StopComplete),
    ("lifespan.shutdown.failed", Word::StopFailed),
];

/// The two callables that the application gets.
#[pyclass(frozen, module = "oxicorn")]
struct Lane {
    stage: Mutex<Stage>,
    /// What `receive()` has to give, the last first.
    events: Mutex<Vec<Py<PyAny>>>,
    /// Done when the application has answered, first the one, then the other.
    started: Py<PyAny>,
    stopped: Py<PyAny>,
}

impl Lane {
    fn set(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn look<T>(&self, look: impl FnOnce(&Stage) -> T) -> T {
        look(&self.stage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn settle(py: Python<'_>, future: &Py<PyAny>) -> PyResult<()> {
    let future = future.bind(py);
    if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
        future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}

/// An event, for who waits for it.
fn tell(py: Python<'_>, future: &Py<PyAny>, kind: &str) -> PyResult<()> {
    let event = PyDict::new(py);
    event.set_item("type", PyString::new(py, kind))?;
    future.call_method1(py, intern!(py, "set_result"), (event,)).map(drop)
}

#[pymethods]
impl Lane {
    fn receive(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let next = self.events.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match next {
            Some(event) => Ok(event),
            // Nothing will ever come behind the last one.
            None => {
                let event_loop = self.stopped.call_method0(py, "get_loop")?;
                event_loop.call_method0(py, "create_future")
            }
        }
    }

    fn send<'py>(
        &self,
        py: Python<'py>,
        event: &Bound<'py, PyDict>,
    ) -> PyResult<super::awaitable::Done> {
        let kind = event.get_item("type")?.map(|kind| kind.to_string()).unwrap_or_default();
        let message = || -> PyResult<String> {
            let message = event.get_item("message")?;
            Ok(message.map(|message| message.to_string()).unwrap_or_default())
        };
        let word = WORDS.iter().find(|(name, _)| *name == kind).map(|(_, word)| *word);
        let starting = self.look(|stage| matches!(stage, Stage::Starting));
        let stopping = self.look(|stage| matches!(stage, Stage::Stopping));
        match word {
            Some(Word::StartComplete) if starting => self.set(Stage::Started),
            Some(Word::StartFailed) if starting => self.set(Stage::StartFailed(message()?)),
            Some(Word::StopComplete) if stopping => self.set(Stage::Stopped),
            Some(Word::StopFailed) if stopping => self.set(Stage::StopFailed(message()?)),
            _ => {
                let line = format!("ASGI: there is no event {kind:?} to send now");
                return Err(PyRuntimeError::new_err(line));
            }
        }
        settle(py, if starting { &self.started } else { &self.stopped })?;
        Ok(super::awaitable::Done::at_once())
    }

    /// The application has come to its end, whichever.
    fn ended(&self, py: Python<'_>, _task: Py<PyAny>) -> PyResult<()> {
        settle(py, &self.started)?;
        settle(py, &self.stopped)
    }
}

/// See the module.
pub(super) struct Lifespan(Option<Running>);

struct Running {
    lane: Py<Lane>,
    task: Py<PyAny>,
    /// What `receive()` gives last.
    shutdown: Py<PyAny>,
    state: Py<PyDict>,
}

impl Lifespan {
    /// Tells the application that it is to begin, and waits until it has.
    pub(super) fn start(
        py: Python<'_>,
        host: &Host,
        callable: &Py<PyAny>,
        wish: AsgiLifespan,
    ) -> Result<Lifespan, WorkerError> {
        if wish == AsgiLifespan::Off {
            return Ok(Lifespan(None));
        }
        let begun = begin(py, host, callable);
        let unsupported = |error: &PyErr| match wish {
            AsgiLifespan::On => {
                traceback::report(py, &"The application's lifespan has failed", error);
                Err(WorkerError::App(format!(
                    "asgi_lifespan = on, and the application does not support it: {}",
                    traceback::summary(py, error)
                )))
            }
            AsgiLifespan::Auto | AsgiLifespan::Off => {
                let why = traceback::summary(py, error);
                tracing::info!("The application has no lifespan ({why}): it is served without");
                Ok(Lifespan(None))
            }
        };
        let running = match begun {
            Ok(running) => running,
            Err(error) => return unsupported(&error),
        };
        let lane = running.lane.bind(py).get();
        let begun = lane.look(|stage| match stage {
            Stage::Starting => Begun::NotAtAll,
            Stage::StartFailed(message) => Begun::Badly(message.clone()),
            Stage::Started | Stage::Stopping | Stage::Stopped | Stage::StopFailed(_) => Begun::Well,
        });
        match begun {
            Begun::Well => Ok(Lifespan(Some(running))),
            Begun::Badly(message) => {
                message.lines().for_each(|line| tracing::error!("{line}"));
                let last = message.lines().rev().find(|line| !line.trim().is_empty());
                let why = last.unwrap_or("it does not say why");
                Err(WorkerError::App(format!("the application could not start: {why}")))
            }
            Begun::NotAtAll => {
                let error = running.task.bind(py).call_method0("exception").map_err(failed(py))?;
                let error = match error.is_none() {
                    true => PyRuntimeError::new_err("it has returned without an answer"),
                    false => PyErr::from_value(error),
                };
                unsupported(&error)
            }
        }
    }

    /// What it has left for the requests.
    pub(super) fn state(&self, py: Python<'_>) -> Option<Py<PyDict>> {
        self.0.as_ref().map(|running| running.state.clone_ref(py))
    }

    /// Tells the application that it is over, and waits for so long at most (`None`: for ever).
    pub(super) fn stop(self, py: Python<'_>, host: &Host, limit: Option<Duration>) {
        let Some(running) = self.0 else { return };
        if limit == Some(Duration::ZERO) {
            return;
        }
        if let Err(error) = running.end(py, host, limit) {
            traceback::report(py, &"The application's lifespan has failed", &error);
        }
    }
}

fn begin(py: Python<'_>, host: &Host, callable: &Py<PyAny>) -> PyResult<Running> {
    let event_loop = host.event_loop.bind(py);
    let (startup, shutdown) = (host.future(py)?.unbind(), host.future(py)?.unbind());
    tell(py, &startup, "lifespan.startup")?;
    let lane = Bound::new(
        py,
        Lane {
            stage: Mutex::new(Stage::Starting),
            events: Mutex::new(vec![shutdown.clone_ref(py), startup]),
            started: host.future(py)?.unbind(),
            stopped: host.future(py)?.unbind(),
        },
    )?;
    let state = PyDict::new(py);
    let asgi = PyDict::new(py);
    asgi.set_item("version", "3.0")?;
    asgi.set_item("spec_version", "2.0")?;
    let scope = PyDict::new(py);
    scope.set_item("type", "lifespan")?;
    scope.set_item("asgi", asgi)?;
    scope.set_item("state", &state)?;
    let coroutine =
        callable.bind(py).call1((scope, lane.getattr("receive")?, lane.getattr("send")?))?;
    let task = event_loop.call_method1("create_task", (coroutine,))?;
    task.call_method1("add_done_callback", (lane.getattr("ended")?,))?;
    let started = lane.get().started.clone_ref(py);
    event_loop.call_method1("run_until_complete", (started,))?;
    Ok(Running { lane: lane.unbind(), task: task.unbind(), shutdown, state: state.unbind() })
}

impl Running {
    fn end(&self, py: Python<'_>, host: &Host, limit: Option<Duration>) -> PyResult<()> {
        let lane = self.lane.bind(py).get();
        let event_loop = host.event_loop.bind(py);
        lane.set(Stage::Stopping);
        tell(py, &self.shutdown, "lifespan.shutdown")?;
        let wait = py
            .import("asyncio")?
            .call_method1("wait_for", (&lane.stopped, limit.map(|limit| limit.as_secs_f64())))?;
        match event_loop.call_method1("run_until_complete", (wait,)) {
            Ok(_) => {}
            Err(error) if error.is_instance_of::<TimeoutError>(py) => {
                tracing::warn!("The application's lifespan does not end: it is left behind");
            }
            Err(error) => return Err(error),
        }
        lane.look(|stage| {
            if let Stage::StopFailed(message) = stage {
                message.lines().for_each(|line| tracing::error!("{line}"));
            }
        });
        let task = self.task.bind(py);
        if task.call_method0("done")?.is_truthy()?
            && !task.call_method0("cancelled")?.is_truthy()?
        {
            let error = task.call_method0("exception")?;
            if !error.is_none() {
                return Err(PyErr::from_value(error));
            }
        }
        Ok(())
    }
}
