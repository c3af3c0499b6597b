//! A master whose workers serve nobody: what the whole-process tests start, and the shortest answer
//! to how [`Master`] is used. Its only argument is a configuration file, read again on SIGHUP; the
//! worker class says which way of living, or of failing to, is to be watched.
//!
//! ```text
//! echo 'worker_class = "idle"' > /tmp/idle.toml
//! cargo run -p oxicorn-arbiter --example idle_master /tmp/idle.toml
//! ```

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use oxicorn_arbiter::{Birth, Handover, Herald, Master, Plan, Reloaded};
use oxicorn_core::config::{Config, ConfigError, Environment, LogLevel, file};
use oxicorn_core::orders::Order;
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use oxicorn_core::{Application, Request, log, sys};

/// What becomes of the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Does what it is told.
    Idle,
    /// Cannot boot: the application fails.
    Fails,
    /// Cannot boot: there is no application.
    Missing,
    /// Panics before it is ready.
    Panics,
    /// Is ready, and does nothing more.
    Mute,
    /// Beats, and does not leave.
    Stubborn,
    /// Never is ready.
    Slow,
    /// Says what is in its environment, and does what it is told.
    Tells,
}

struct Class {
    names: [&'static str; 1],
    life: Life,
}

const fn class(name: &'static str, life: Life) -> Class {
    Class { names: [name], life }
}

static CLASSES: [Class; 8] = [
    class("idle", Life::Idle),
    class("fails", Life::Fails),
    class("missing", Life::Missing),
    class("panics", Life::Panics),
    class("mute", Life::Mute),
    class("stubborn", Life::Stubborn),
    class("slow", Life::Slow),
    class("tells", Life::Tells),
];

impl Worker for Class {
    fn names(&self) -> &'static [&'static str] {
        CLASSES.iter().find(|class| class.life == self.life).map_or(&[], |class| &class.names)
    }

    fn check(&self, _: &Config, _: &Application) -> Result<(), ConfigError> {
        Ok(())
    }

    #[expect(clippy::panic, reason = "it is one of the ways to fail")]
    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        match self.life {
            Life::Fails => return Err(WorkerError::App("it does not work".to_owned())),
            Life::Missing => return Err(WorkerError::AppNotFound("nobody knows it".to_owned())),
            Life::Panics => panic!("it went wrong"),
            Life::Tells => tell_the_environment(),
            Life::Slow | Life::Idle | Life::Mute | Life::Stubborn => {}
        }
        // Said first: the master acts on readiness, and the tests read the two in this order.
        tracing::info!("Living (pid: {}): {:?}", std::process::id(), self.life);
        if self.life != Life::Slow {
            cx.ready();
        }
        wait_for_orders(&cx, self.life).map_err(|error| WorkerError::io("poll")(error.into()))
    }
}

fn tell_the_environment() {
    let variables = std::env::vars().collect::<std::collections::BTreeMap<_, _>>();
    tracing::info!("Environment: {variables:?}");
}

fn wait_for_orders(cx: &WorkerContext, life: Life) -> Result<(), Errno> {
    loop {
        let mut fds =
            [cx.orders.as_fd(), cx.lifeline.fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let polled = match life {
            // It must end with its master all the same: nobody else would end it.
            Life::Mute => poll(&mut fds[1..], PollTimeout::NONE),
            _ => poll(&mut fds, PollTimeout::from(100_u16)),
        };
        match polled {
            Err(Errno::EINTR) => continue,
            polled => polled?,
        };
        cx.slot.beat();
        if fds[1].any() == Some(true) {
            tracing::info!("The master has died (pid: {})", std::process::id());
            return Ok(());
        }
        match cx.orders.next() {
            Some(Order::Graceful) if life == Life::Stubborn => {}
            Some(Order::Graceful | Order::Quick) => return Ok(()),
            Some(Order::Reopen) => tracing::info!("Reopened (pid: {})", std::process::id()),
            None => {}
        }
    }
}

fn plan(path: &Path) -> Result<Plan, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(ConfigError::message)?;
    let config = Config::resolve(file::parse(path, &text)?)?;
    let found = CLASSES.iter().find(|class| class.names[0] == config.worker_class);
    let unknown = || ConfigError::message("worker_class: there is no such class");
    let worker = found.ok_or_else(unknown)?;
    let app = Application::blocking("nothing", |_: Request| "never asked for");
    Ok(Plan { config: Arc::new(config), worker, app, host: None })
}

fn main() -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    let mut env: Environment = std::env::vars_os().collect();
    let path = PathBuf::from(argv.get(1).cloned().unwrap_or_default());
    let handover = Handover::take(&mut env);
    let birth = Birth::of(&argv, &env);
    sys::prepare_title();
    let started = log::init(&Config { loglevel: LogLevel::Debug, ..Config::default() });
    let plan = plan(&path);
    let (plan, handover) = match (started, plan, handover) {
        (Ok(()), Ok(plan), Ok(handover)) => (plan, handover),
        (log, plan, handover) => {
            tracing::error!("{log:?} {:?} {:?}", plan.err(), handover.err());
            return ExitCode::FAILURE;
        }
    };
    // The master refuses to fork beside a second thread: with this name, there is one.
    let threaded = plan.config.proc_name.as_deref() == Some("threaded");
    let idler = std::thread::Builder::new().name("idler".to_owned());
    let idler = threaded.then(|| idler.spawn(std::thread::park));
    if let Some(Err(error)) = idler {
        tracing::error!("{error}");
    }
    let reload = move |_| self::plan(&path).map(|plan| Reloaded::Plan(Box::new(plan)));
    let reload = Box::new(reload);
    let reopen_logs = Box::new(|| tracing::info!("Reopened: Master"));
    let herald = Herald::default();
    let restore = Box::new(|_: &Config| {});
    Master { plan, reload, reader: None, restore, reopen_logs, birth, handover, herald }.run()
}
