//! A worker: a copy of the zygote, which lives as every worker of this server lives
//! ([`oxicorn_arbiter::life`]) and only begins and ends as a Python process does.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use oxicorn_arbiter::life::{self, Engagement, Inheritance};
use oxicorn_arbiter::zygote::{Blame, Fork};
use oxicorn_core::config::Config;
use oxicorn_core::in_flight::InFlightTable;
use oxicorn_core::lifeline::Lifeline;
use oxicorn_core::listener::Listener;
use oxicorn_core::scoreboard::{Slot, Writers};
use oxicorn_core::worker::{Worker, WorkerError, WorkerExit};
use oxicorn_core::{log, sys};
use pyo3::prelude::*;

use crate::classes::PythonWorker;
use crate::folders;
use crate::fork::quit;
use crate::hooks::WorkerLife;
use crate::load;
use crate::speech;
use crate::traceback;
use crate::zygote::{Zygote, flush};

/// Lives it, in a process that was just forked and has all signals blocked. Does not return. `watched`: it
/// imports the application itself, and the master, at the other end of this socket, is to know from where.
pub(crate) fn live(
    py: Python<'_>,
    mut zygote: Zygote,
    order: Fork,
    descriptors: Vec<OwnedFd>,
    watched: Option<OwnedFd>,
) -> ! {
    let scene = zygote.scene.take();
    let hooks = scene.and_then(|scene| WorkerLife::new(py, scene, order.age));
    let exit = match inherit(&zygote, &order, descriptors) {
        Ok(inheritance) => {
            // The zygote's descriptor of the log may be that of a file which has been renamed since.
            if let Err(error) = log::reconfigure(&zygote.config) {
                tracing::error!("The error log could not be opened: {error}");
            }
            forget_handlers(py);
            sys::on_interrupt(run_handlers);
            let Zygote { class, application, callable, .. } = zygote;
            let slot = inheritance.slot.clone();
            let exit = life::live(inheritance, |config| {
                speech::settle(py, config).map_err(|error| WorkerError::App(error.to_string()))?;
                hooks.as_ref().map_or(Ok(()), |hooks| hooks.begin(py, slot))?;
                let given = Given { application, callable, watched };
                engage(py, class, given, config, hooks.as_ref())
            });
            hooks.iter().for_each(|hooks| hooks.end(py));
            exit
        }
        Err(error) => {
            tracing::error!("Exception in worker process: {error}");
            WorkerExit::BootFailed
        }
    };
    leave(py, exit)
}

fn inherit(
    zygote: &Zygote,
    order: &Fork,
    descriptors: Vec<OwnedFd>,
) -> std::io::Result<Inheritance> {
    let mut descriptors = descriptors.into_iter();
    let table = descriptors.next().ok_or(std::io::ErrorKind::InvalidInput)?;
    let listeners = order.addresses.iter().zip(descriptors).map(|(address, socket)| {
        let spec = address.parse().map_err(std::io::Error::other)?;
        Listener::inherit(&spec, socket, None)
    });
    Ok(Inheritance {
        config: zygote.config.clone(),
        listeners: listeners.collect(),
        slot: zygote.board.handle(Slot(order.slot), Writers::One),
        in_flight: InFlightTable::of(table.as_fd())?,
        lifeline: Lifeline::of(zygote.life.try_clone()?, zygote.bell.try_clone()?),
        title: zygote.worker_title.clone(),
    })
}

/// What the zygote has left of the application.
struct Given {
    application: String,
    callable: Option<Py<PyAny>>,
    watched: Option<OwnedFd>,
}

/// The application, imported now unless the zygote has done it.
fn engage(
    py: Python<'_>,
    class: &'static dyn PythonWorker,
    given: Given,
    config: &Arc<Config>,
    hooks: Option<&WorkerLife>,
) -> Result<Engagement, WorkerError> {
    let Given { application, callable, watched } = given;
    let application = application.as_str();
    let imported = match callable {
        Some(callable) => Ok(callable),
        None => load::load(py, application, class),
    };
    // A broken edit is mended in the same files.
    if let Some(socket) = watched {
        folders::tell(py, &socket);
    }
    let callable = imported.map_err(|refusal| {
        refusal.write(py, application);
        let line = "the application could not be imported".to_owned();
        match refusal.blame() {
            Blame::NotFound => WorkerError::AppNotFound(line),
            Blame::Broken | Blame::Ours => WorkerError::App(line),
        }
    })?;
    let callable = match hooks {
        Some(hooks) => hooks.initialise(py, callable, class.interface())?,
        None => callable,
    };
    let app = class.application(py, application, callable, config);
    let app = app.map_err(|error| WorkerError::App(error.to_string()))?;
    let worker: &'static dyn Worker = class;
    Ok(Engagement { worker, app })
}

/// The signals that the worker handles itself, from its first moment on. What Python knows of their
/// handlers, or the application has said while it was imported, holds no more: Python is told so.
const HANDLED: [&str; 10] = [
    "SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTTIN",
    "SIGTTOU", "SIGABRT",
];

fn forget_handlers(py: Python<'_>) {
    let forget = || -> PyResult<()> {
        let signal = py.import("signal")?;
        let default = signal.getattr("SIG_DFL")?;
        for name in HANDLED {
            signal.call_method1("signal", (signal.getattr(name)?, &default))?;
        }
        Ok(())
    };
    if let Err(error) = forget() {
        tracing::warn!("Python keeps its signal handlers: {error}");
    }
}

/// A signal has come while the main thread was waiting, outside of Python: the handler that the
/// application may have for it is a Python function, and would run when the next request comes.
fn run_handlers() {
    Python::attach(|py| {
        if let Err(error) = py.check_signals() {
            tracing::error!("A signal handler of the application has failed:");
            traceback::write(py, &error);
        }
    });
}

/// What a Python process does at its end, as far as it is the worker's: the functions of `atexit`, and
/// what is still buffered. The interpreter is not taken apart: threads may still be running in it, and
/// one that comes back to an interpreter that has gone ends the process by SIGABRT.
fn leave(py: Python<'_>, exit: WorkerExit) -> ! {
    let done = py.import("atexit").and_then(|atexit| atexit.call_method0("_run_exitfuncs"));
    if let Err(error) = done {
        tracing::error!("A function of atexit has failed:");
        traceback::write(py, &error);
    }
    flush(py);
    quit(exit as i32)
}
