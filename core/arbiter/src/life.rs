//! The life of a worker process, from its first step to its exit code, whoever made the process: the
//! master by a fork, or the zygote of a program that hosts the application. What both must see to
//! (the user, the environment, the signals, the logs, what is said and returned in the end) is
//! written here once.

use std::any::Any;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use oxicorn_core::Application;
use oxicorn_core::access_log::AccessLog;
use oxicorn_core::config::Config;
use oxicorn_core::in_flight::InFlightTable;
use oxicorn_core::lifeline::Lifeline;
use oxicorn_core::listener::{Listener, passed};
use oxicorn_core::scoreboard::{SlotHandle, State};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError, WorkerExit};
use oxicorn_core::{log, sys};

use crate::identity;
use crate::signals;

/// What the process takes over from the one that it was forked from.
#[derive(Debug)]
pub struct Inheritance {
    /// The settings of its generation.
    pub config: Arc<Config>,
    /// Its copies of the master's sockets, or why there are none.
    pub listeners: io::Result<Vec<Listener>>,
    /// Its row of the scoreboard.
    pub slot: SlotHandle,
    /// Its table of requests.
    pub in_flight: InFlightTable,
    /// Its ends of the pipes to the master.
    pub lifeline: Lifeline,
    /// What `ps` is to show.
    pub title: String,
}

/// What it serves, and how.
pub struct Engagement {
    /// The class.
    pub worker: &'static dyn Worker,
    /// The application.
    pub app: Application,
}

impl std::fmt::Debug for Engagement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engagement").field("app", &self.app).finish_non_exhaustive()
    }
}

/// Lives it, in a process that was just forked and still has all signals blocked. `engage` finds the
/// application when the process is what the settings say, and before it is ready. The process is to
/// end with the exit code that comes back, and to do nothing else.
pub fn live(
    inheritance: Inheritance,
    engage: impl FnOnce(&Arc<Config>) -> Result<Engagement, WorkerError>,
) -> WorkerExit {
    // Whatever happens, no frame of whoever forked is ever returned to.
    let exit = catch_unwind(AssertUnwindSafe(|| work(inheritance, engage)));
    exit.unwrap_or(WorkerExit::BootFailed)
}

fn work(
    inheritance: Inheritance,
    engage: impl FnOnce(&Arc<Config>) -> Result<Engagement, WorkerError>,
) -> WorkerExit {
    let Inheritance { config, listeners, slot, in_flight, lifeline, title } = inheritance;
    let pid = std::process::id();
    sys::set_title(&title);
    slot.booted(pid);
    tracing::info!("Booting worker with pid: {pid}");
    log::record_panics();
    if let Err(error) = settle_in(&config) {
        tracing::error!("Exception in worker process: {error}");
        return WorkerExit::BootFailed;
    }
    let taken_over = listeners.and_then(|listeners| {
        let orders = signals::handle_as_worker()?;
        let access_log = AccessLog::open(&config)?;
        // Last: the access log keeps the standard output that there was before.
        log::capture(&config)?;
        Ok((listeners, orders, access_log))
    });
    let (listeners, orders, access_log) = match taken_over {
        Ok(all) => all,
        Err(error) => {
            tracing::error!(target: "exception", "Exception in worker process: {error}");
            return WorkerExit::BootFailed;
        }
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let Engagement { worker, app } = engage(&config)?;
        worker.run(WorkerContext {
            config,
            app,
            listeners,
            slot: slot.clone(),
            in_flight,
            lifeline,
            orders,
            access_log: access_log.clone(),
        })
    }));
    access_log.iter().for_each(AccessLog::close);
    let served = slot.row().state != State::Booting;
    let (error, early) = match outcome {
        Ok(Ok(())) => {
            tracing::info!("Worker exiting (pid: {pid})");
            return WorkerExit::Done;
        }
        Ok(Err(error)) => (error.to_string(), error.exit()),
        Err(panic) => (panic_message(panic.as_ref()), WorkerExit::BootFailed),
    };
    tracing::error!(target: "exception", "Exception in worker process: {error}");
    tracing::info!("Worker exiting (pid: {pid})");
    if served { WorkerExit::Failed } else { early }
}

/// The environment and the user that are the application's. What whoever started the master has to
/// say to the master alone is taken away, or a program that a worker starts would take it for its own.
fn settle_in(config: &Config) -> Result<(), Box<dyn std::error::Error>> {
    let variables = config.raw_env.0.iter();
    let given = variables.map(|v| (v.name.clone().into(), Some(v.value.clone().into())));
    let taken = passed::VARIABLES.iter().map(|name| (OsString::from(name), None));
    sys::set_environment(&taken.chain(given).collect::<Vec<_>>())?;
    Ok(identity::assume(config)?)
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("with something that is no text"))
}
