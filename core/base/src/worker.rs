//! The contract between the master and a worker class.

use std::sync::Arc;

use crate::access_log::AccessLog;
use crate::app::Application;
use crate::config::{Config, ConfigError};
use crate::in_flight::InFlightTable;
use crate::lifeline::Lifeline;
use crate::listener::Listener;
use crate::orders::Orders;
use crate::scoreboard::SlotHandle;

/// A worker class: how a handler runs while it waits. Everything else (limits, timeouts, keep-alive,
/// logs, statistics) it takes from this crate, so that it means the same in every class.
pub trait Worker: Sync {
    /// The class' name for `-k`, then its aliases.
    fn names(&self) -> &'static [&'static str];

    /// Looks at the settings and the application in the master, before any fork.
    ///
    /// # Errors
    /// Something that this class cannot serve.
    fn check(&self, config: &Config, app: &Application) -> Result<(), ConfigError>;

    /// Serves until told to leave. Called once, in the forked child, which ends when it returns:
    /// every runtime, thread, epoll set and random generator is made here and nowhere earlier.
    ///
    /// # Errors
    /// What makes it impossible to serve. Before the worker has said that it is ready
    /// ([`announce`]) this is a failed boot.
    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError>;
}

/// What a worker process is given to work with.
#[derive(Debug)]
pub struct WorkerContext {
    /// The settings of its generation.
    pub config: Arc<Config>,
    /// What it serves.
    pub app: Application,
    /// Its copies of the master's sockets.
    pub listeners: Vec<Listener>,
    /// Its row of the scoreboard.
    pub slot: SlotHandle,
    /// Its table of requests, which the master can read.
    pub in_flight: InFlightTable,
    /// How it learns of the master's death, and wakes it.
    pub lifeline: Lifeline,
    /// What it is told to do.
    pub orders: Orders,
    /// The access log, unless it is off.
    pub access_log: Option<AccessLog>,
}

impl WorkerContext {
    /// Says that the worker can serve from now on. Only now does the master retire the one that it
    /// replaces.
    pub fn ready(&self) {
        announce(&self.slot, &self.lifeline);
    }
}

/// Says that a worker can serve from now on.
pub fn announce(slot: &SlotHandle, lifeline: &Lifeline) {
    slot.state(crate::scoreboard::State::Ready);
    lifeline.ring();
}

/// How a worker ends, as its exit code: a small protocol with the master, the same as gunicorn's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WorkerExit {
    /// It was told to, or had done its share.
    Done = 0,
    /// It failed while serving.
    Failed = 1,
    /// It could not boot.
    BootFailed = 3,
    /// The application was not found.
    AppNotFound = 4,
}

/// Why a worker cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// A system call failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The application could not be started.
    #[error("{0}")]
    App(String),
    /// The application was not found.
    #[error("{0}")]
    AppNotFound(String),
}

impl WorkerError {
    /// Says what was being done when a system call failed: for `map_err`.
    pub fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> WorkerError {
        move |source| WorkerError::Io { doing, source }
    }

    /// The exit code when it happens before the worker was ready.
    pub fn exit(&self) -> WorkerExit {
        match self {
            WorkerError::Io { .. } | WorkerError::App(_) => WorkerExit::BootFailed,
            WorkerError::AppNotFound(_) => WorkerExit::AppNotFound,
        }
    }
}
