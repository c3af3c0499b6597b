//! The fork, and the life of a worker process from there to its exit. A child of fork(2) is a copy of
//! everything, and most of it is not its own: it must not run the master's handlers, hold the
//! master's ends of pipes, flush the master's buffers or unwind into the master's frames. This file
//! is where that is seen to, once for every worker class.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::OsString;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::unistd::{ForkResult, Pid};
use oxicorn_core::access_log::AccessLog;
use oxicorn_core::config::Config;
use oxicorn_core::in_flight::InFlightTable;
use oxicorn_core::lifeline::MasterLifeline;
use oxicorn_core::listener::{Listener, passed};
use oxicorn_core::scoreboard::{SlotHandle, State};
use oxicorn_core::worker::{WorkerContext, WorkerExit};
use oxicorn_core::{log, sys};

use crate::event::Ending;
use crate::identity;
use crate::master::Plan;
use crate::signals;

/// On which side of the fork we are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forked {
    Master(Pid),
    Child,
}

/// Why there was no fork.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForkError {
    /// A lock that a second thread holds at the moment of the fork is never released in the child.
    #[error("the master has a second thread: {0}")]
    Threads(String),
    #[error("fork: {0}")]
    System(io::Error),
}

/// The names of the threads beside this one. Where there is no /proc, none are known.
fn other_threads() -> Vec<String> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let own = nix::unistd::gettid().to_string();
    let others = tasks.flatten().filter(|task| task.file_name() != *own);
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    others
        .map(|task| name(task).map_or_else(|_| "unnamed".to_owned(), |n| n.trim_end().to_owned()))
        .collect()
}

/// Forks. The child comes back with all signals blocked, see [`signals::handle_as_worker`] and
/// [`signals::reset`].
///
/// # Errors
/// This process has more than one thread, or fork(2) says no.
#[expect(clippy::disallowed_methods, reason = "this is the one place that forks")]
pub(crate) fn fork() -> Result<Forked, ForkError> {
    let others = other_threads();
    if !others.is_empty() {
        return Err(ForkError::Threads(others.join(", ")));
    }
    flush();
    signals::block();
    // SAFETY: this process has one thread, so the child may do whatever its parent may.
    let forked = unsafe { nix::unistd::fork() };
    if !matches!(forked, Ok(ForkResult::Child)) {
        signals::unblock();
    }
    match forked {
        Ok(ForkResult::Child) => Ok(Forked::Child),
        Ok(ForkResult::Parent { child }) => Ok(Forked::Master(child)),
        Err(error) => Err(ForkError::System(error.into())),
    }
}

/// Collects one child that has ended, if there is one. (nix cannot: of a child that a real-time
/// signal ended it makes an error, and the child is gone by then.)
pub(crate) fn reap() -> Option<(Pid, Ending)> {
    let mut status = 0;
    // SAFETY: the status is a live local of the right type.
    let pid = unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) };
    if pid <= 0 {
        return None;
    }
    let how = if libc::WIFSIGNALED(status) {
        Ending::Signal(libc::WTERMSIG(status))
    } else {
        Ending::Code(libc::WEXITSTATUS(status))
    };
    Some((Pid::from_raw(pid), how))
}

/// What is buffered would be written by both sides of a fork.
fn flush() {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
}

/// What the child takes over; everything else of the master it has dropped.
pub(crate) struct Inheritance {
    pub(crate) plan: Plan,
    pub(crate) listeners: io::Result<Vec<Listener>>,
    pub(crate) slot: SlotHandle,
    pub(crate) in_flight: InFlightTable,
    pub(crate) lifeline: MasterLifeline,
    pub(crate) title: String,
}

/// The rest of the child's life.
pub(crate) fn live(inheritance: Inheritance) -> ! {
    // Whatever happens, no frame of the master is ever returned to.
    let exit = catch_unwind(AssertUnwindSafe(|| work(inheritance)));
    let exit = exit.unwrap_or(WorkerExit::BootFailed);
    flush();
    // SAFETY: _exit ends the process and runs nothing of the master's.
    unsafe { libc::_exit(exit as i32) }
}

fn work(inheritance: Inheritance) -> WorkerExit {
    let Inheritance { plan, listeners, slot, in_flight, lifeline, title } = inheritance;
    let pid = std::process::id();
    sys::set_title(&title);
    slot.booted(pid);
    tracing::info!("Booting worker with pid: {pid}");
    let lifeline = lifeline.into_worker();
    log::record_panics();
    if let Err(error) = settle_in(&plan.config) {
        tracing::error!("Exception in worker process: {error}");
        return WorkerExit::BootFailed;
    }
    let taken_over = listeners.and_then(|listeners| {
        let orders = signals::handle_as_worker()?;
        let access_log = AccessLog::open(&plan.config)?;
        // Last: the access log keeps the standard output that there was before.
        log::capture(&plan.config)?;
        Ok((listeners, orders, access_log))
    });
    let (listeners, orders, access_log) = match taken_over {
        Ok(all) => all,
        Err(error) => {
            tracing::error!(target: "exception", "Exception in worker process: {error}");
            return WorkerExit::BootFailed;
        }
    };
    let worker = plan.worker;
    let cx = WorkerContext {
        config: plan.config,
        app: plan.app,
        listeners,
        slot: slot.clone(),
        in_flight,
        lifeline,
        orders,
        access_log: access_log.clone(),
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| worker.run(cx)));
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
