//! The way in: what a master is made of, and its start-up. Nothing is forked before everything that
//! can be wrong has been looked at: the addresses are bound and the signals are handled first.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use oxicorn_core::app::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::lifeline::MasterLifeline;
use oxicorn_core::listener::Terms;
use oxicorn_core::scoreboard::Scoreboard;
use oxicorn_core::worker::Worker;

use crate::driver::Driver;
use crate::driver::lineage::{Lineage, rank};
use crate::event::Signal;
use crate::handover::Handover;
use crate::herald::Herald;
use crate::line::Line;
use crate::pidfile::{Pidfile, PidfileError, Rank};
use crate::reexec::Birth;
use crate::signals::Signals;
use crate::sockets::Sockets;
use crate::zygote::words::{Stage, VERSION};
use crate::zygote::{ConfigurationFile, Host, Letter, Names, Reader};

/// How often an address in use is tried, and how long it is waited in between.
const TRIES: u32 = 5;
const BETWEEN: Duration = Duration::from_secs(1);

/// One generation: what its workers are started with.
#[derive(Clone)]
pub struct Plan {
    /// The settings.
    pub config: Arc<Config>,
    /// The worker class, whose `check` has been asked.
    pub worker: &'static dyn Worker,
    /// What is served.
    pub app: Application,
    /// Who makes the workers, if they are no copies of this process: then `worker` has the class' name
    /// only, and `app` the application's.
    pub host: Option<Arc<Host>>,
}

/// See [`Master::reload`].
pub type Reload = Box<dyn FnMut(Option<Names>) -> Result<Reloaded, ConfigError>>;

/// What a reload comes to at first.
pub enum Reloaded {
    /// All of it.
    Plan(Box<Plan>),
    /// The configuration file has to be executed.
    Program {
        /// By whom.
        host: Arc<Host>,
        /// Which.
        file: ConfigurationFile,
    },
}

impl Plan {
    /// What a zygote of it is told.
    pub(crate) fn letter(&self, host: &Host, stage: Stage) -> Letter {
        Letter {
            version: VERSION.to_owned(),
            config: self.config.portable(),
            configuration: host.configuration.clone(),
            // A folder that was removed has no name; nobody can be there either.
            folder: std::env::current_dir().unwrap_or_default(),
            stage,
            application: host.application.clone(),
            loads: host.loads,
            class: self.worker.names().first().copied().unwrap_or_default().to_owned(),
            title: self.title("zygote"),
            worker_title: self.title("worker"),
        }
    }

    /// The scoreboard that suits it, and its descriptor, if workers are to map it by that.
    fn scoreboard(&self) -> io::Result<(Scoreboard, Option<OwnedFd>)> {
        match self.host {
            None => Ok((Scoreboard::new()?, None)),
            Some(_) => Scoreboard::in_file().map(|(board, file)| (board, Some(file))),
        }
    }

    /// What `ps` shows of a process of this server, where the caller of [`Master::run`] has made
    /// room for it: [`oxicorn_core::sys::prepare_title`].
    pub(crate) fn title(&self, process: &str) -> String {
        let name = self.config.proc_name.as_deref().unwrap_or_else(|| self.app.name());
        format!("server: {process} [{name}]")
    }
}

/// The master process, before it runs.
pub struct Master {
    /// What to start with.
    pub plan: Plan,
    /// Makes the plan anew on SIGHUP: resolves the settings, finds the worker class, asks its
    /// `check`. An error leaves everything as it is. Called once more, with what the names in the
    /// configuration file stand for, where that is a program.
    pub reload: Reload,
    /// The process that has executed the configuration file of the plan.
    pub reader: Option<Reader>,
    /// What was loaded last cannot be used: has everything of this process be again what these
    /// settings say.
    pub restore: Box<dyn FnMut(&Config)>,
    /// Opens the master's own log files again by name.
    pub reopen_logs: Box<dyn FnMut()>,
    /// How to do this start again, on SIGUSR2.
    pub birth: Birth,
    /// What the master has left that started this one, if one did.
    pub handover: Option<Handover>,
    /// Who is told what becomes of the server.
    pub herald: Herald,
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Master").field("app", &self.plan.app).finish_non_exhaustive()
    }
}

/// How the wait for an address ended.
enum Bound {
    Yes,
    Stopped,
    No,
}

impl Master {
    /// Listens, forks the workers and looks after them until it is told to stop. To be called from
    /// the only thread of the process: it forks, and in the children it does not return.
    ///
    /// The exit code is 0 after a stop that was asked for, 3 or 4 if no worker of the first
    /// generation could boot, 1 if an address could not be listened at or the pidfile could not be
    /// written.
    pub fn run(mut self) -> ExitCode {
        let started = Instant::now();
        self.herald.starting();
        tracing::info!("Starting oxicorn {}", env!("CARGO_PKG_VERSION"));
        let system = Signals::handle().and_then(|signals| {
            let lifeline = MasterLifeline::new()?;
            Ok((signals, lifeline, self.plan.scoreboard()?))
        });
        let (signals, lifeline, board) = match system {
            Ok(system) => system,
            Err(error) => {
                tracing::error!("Cannot start: {error}");
                return ExitCode::FAILURE;
            }
        };
        let (inherited, predecessor) = match self.handover.take() {
            Some(Handover { sockets, predecessor }) => (sockets, Some(predecessor)),
            None => (Vec::new(), None),
        };
        if let Some(predecessor) = &predecessor {
            Line::TakesOver { pid: predecessor.pid }.write();
        }
        let rank = rank(predecessor.as_ref());
        // Said before the addresses are tried, which are in use then as well.
        if let Err(error) = pidfile(&self.plan.config, rank, Pidfile::is_free) {
            tracing::error!("{error}");
            return ExitCode::FAILURE;
        }
        let mut sockets = match Sockets::inherit(inherited, &self.plan.config.bind) {
            Ok(sockets) => sockets,
            Err(error) => {
                tracing::error!("Invalid address: {error}");
                return ExitCode::FAILURE;
            }
        };
        match listen(&mut sockets, &self.plan.config, &signals) {
            Bound::Yes => {}
            Bound::Stopped => return ExitCode::SUCCESS,
            Bound::No => return ExitCode::FAILURE,
        }
        let pidfile = match pidfile(&self.plan.config, rank, Pidfile::claim) {
            Ok(pidfile) => pidfile,
            Err(error) => {
                tracing::error!("{error}");
                sockets.close();
                sockets.remove_files();
                return ExitCode::FAILURE;
            }
        };
        let birth = self.birth.clone();
        let lineage = Lineage { birth, predecessor, successor: None, pidfile };
        Driver::new(self, started, signals, lifeline, board, sockets, lineage).run()
    }
}

/// Does something about the pidfile, if there is to be one.
fn pidfile<T>(
    config: &Config,
    rank: Rank,
    what: fn(&Path, Rank) -> Result<T, PidfileError>,
) -> Result<Option<T>, ConfigError> {
    let done = config.pidfile.as_deref().map(|path| what(path, rank));
    done.transpose().map_err(|error| config.refuse("pidfile", error))
}

/// Binds, and waits for an address that is in use, as long as nobody says stop.
fn listen(sockets: &mut Sockets, config: &Config, signals: &Signals) -> Bound {
    let terms = match Terms::of(config) {
        Ok(terms) => terms,
        Err(error) => {
            tracing::error!("Cannot start: {error}");
            return Bound::No;
        }
    };
    for left in (0..TRIES).rev() {
        let error = match sockets.add(&config.bind, &terms) {
            Ok(()) => return Bound::Yes,
            Err(error) => error,
        };
        if error.source.kind() != io::ErrorKind::AddrInUse {
            tracing::error!("Invalid address: {error}");
            return Bound::No;
        }
        tracing::error!("Connection in use: {}", error.spec);
        if left == 0 {
            tracing::error!("Can't connect to {}", error.spec);
            return Bound::No;
        }
        if stopped_within(BETWEEN, signals) {
            Line::ShuttingDown.write();
            return Bound::Stopped;
        }
    }
    Bound::No
}

/// Waits, and says whether a signal has ended the wait for good. The others mean nothing yet.
fn stopped_within(time: Duration, signals: &Signals) -> bool {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let mut fds = [PollFd::new(signals.fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, poll_timeout(left));
        for signal in signals.take() {
            Line::Handling(signal).write();
            if matches!(signal, Signal::Term | Signal::Int | Signal::Quit) {
                return true;
            }
        }
    }
}

/// Rounded up to the millisecond, so that a deadline has come when the wait for it ends.
pub(crate) fn poll_timeout(time: Duration) -> PollTimeout {
    let millis = time.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis)
        .ok()
        .and_then(|millis| PollTimeout::try_from(millis).ok())
        .unwrap_or(PollTimeout::MAX)
}
