//! Every line that the master writes to the log, as data: the state machine stays free of text, the
//! simulator can count lines, and whoever greps for one finds it here. The spelling of the lines that
//! gunicorn has too is gunicorn's.

use std::ffi::c_int;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::scoreboard::Generation;

use crate::event::{Ending, Signal};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For whoever looks for a fault.
    Debug,
    /// The course of things.
    Info,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
    /// A worker had to be killed.
    Critical,
}

/// Why a first generation that cannot boot ends the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootFailure {
    /// The application failed.
    Failed,
    /// There is no such application.
    NotFound,
}

/// Whether a new master serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// A worker of it is ready.
    Ready,
    /// None is.
    NotReady,
}

/// The other of two masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherMaster {
    /// The one that has started this one.
    Old {
        /// Its process.
        pid: Pid,
    },
    /// The one that this one has started.
    New {
        /// Its process, if it has one yet.
        pid: Option<Pid>,
    },
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described by its text, below")]
pub enum Line {
    Handling(Signal),
    HangUp,
    Changed { path: PathBuf },
    ProgramChanged { path: PathBuf },
    ReloadRefused { reason: String },
    AppFailed { reason: String },
    ReloadFailed { failed: Generation, stays: Generation },
    Reloaded { generation: Generation },
    QuickShutdown,
    StopsIn { time: Duration },
    TooLate(Signal),
    NotDaemonized,
    NoWorkers,
    FirstProcess,
    UpgradeRefused(OtherMaster),
    UpgradeFailed { reason: String },
    Upgrading { pid: Pid, patience: Option<Duration> },
    SuccessorReady { pid: Pid },
    SuccessorTooSlow { pid: Pid },
    SuccessorEnded { pid: Pid, how: Ending, was: Readiness },
    LeavesToNew { pid: Option<Pid>, is: Readiness },
    LeavesToOld { pid: Pid },
    LastCall,
    TakesOver { pid: Pid },
    Promoted { pid: Pid },
    MostWorkers { most: usize },
    SpawnFailed { reason: String },
    BootFailed { pid: Pid, retry: Duration },
    BootTooSlow { pid: Pid },
    Silent { pid: Pid },
    LeavesTooSlowly { pid: Pid },
    Ended { pid: Pid, how: Ending },
    Stranger { pid: Pid },
    WasAsleep { time: Duration },
    ShuttingDown,
    GivingUp,
    Reason(BootFailure),
}

impl Line {
    /// How much it matters. A worker that ended with code 0 is not worth a line at any level but
    /// debug.
    pub fn level(&self) -> Level {
        match self {
            Line::Handling(Signal::Chld)
            | Line::NotDaemonized
            | Line::Stranger { .. }
            | Line::Ended { how: Ending::Code(0), .. } => Level::Debug,
            Line::Handling(_)
            | Line::HangUp
            | Line::Changed { .. }
            | Line::ProgramChanged { .. }
            | Line::Reloaded { .. }
            | Line::QuickShutdown
            | Line::StopsIn { .. }
            | Line::NoWorkers
            | Line::WasAsleep { .. }
            | Line::Upgrading { .. }
            | Line::SuccessorReady { .. }
            | Line::SuccessorEnded { how: Ending::Code(0), was: Readiness::Ready, .. }
            | Line::LeavesToNew { is: Readiness::Ready, .. }
            | Line::LeavesToOld { .. }
            | Line::LastCall
            | Line::TakesOver { .. }
            | Line::Promoted { .. }
            | Line::ShuttingDown
            | Line::Ended { how: Ending::Signal(libc::SIGTERM), .. } => Level::Info,
            Line::Ended {
                how: Ending::Code(_) | Ending::Signal(libc::SIGKILL) | Ending::OutOfMemory,
                ..
            } => Level::Error,
            Line::Ended { how: Ending::Signal(_), .. }
            | Line::FirstProcess
            | Line::UpgradeRefused(_)
            | Line::LeavesToNew { is: Readiness::NotReady, .. }
            | Line::TooLate(_)
            | Line::MostWorkers { .. }
            | Line::BootFailed { .. }
            | Line::LeavesTooSlowly { .. } => Level::Warning,
            Line::ReloadRefused { .. }
            | Line::AppFailed { .. }
            | Line::ReloadFailed { .. }
            | Line::SpawnFailed { .. }
            | Line::UpgradeFailed { .. }
            | Line::SuccessorTooSlow { .. }
            | Line::SuccessorEnded { .. }
            | Line::BootTooSlow { .. }
            | Line::GivingUp
            | Line::Reason(_) => Level::Error,
            Line::Silent { .. } => Level::Critical,
        }
    }

    /// Writes it to the log.
    ///
    /// `tracing` has no level above ERROR: an ERROR with the target `critical` is CRITICAL, by a
    /// convention with the log of `oxicorn_core`.
    pub fn write(&self) {
        match self.level() {
            Level::Debug => tracing::debug!("{self}"),
            Level::Info => tracing::info!("{self}"),
            Level::Warning => tracing::warn!("{self}"),
            Level::Error => tracing::error!("{self}"),
            Level::Critical => tracing::error!(target: "critical", "{self}"),
        }
    }
}

fn signal_name(number: c_int) -> String {
    nix::sys::signal::Signal::try_from(number)
        .map_or_else(|_| format!("signal {number}"), |s| s.as_str().to_owned())
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::Code(code) => write!(f, "exited with code {code}"),
            Ending::Signal(number) => write!(f, "was sent {}", signal_name(*number)),
            Ending::OutOfMemory => f.write_str("was sent SIGKILL"),
        }
    }
}

impl fmt::Display for OtherMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OtherMaster::Old { pid } => write!(f, "the old master (pid:{pid})"),
            OtherMaster::New { pid: Some(pid) } => write!(f, "the new master (pid:{pid})"),
            OtherMaster::New { pid: None } => write!(f, "the new master"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Handling(signal) => write!(f, "Handling signal: {}", signal.name()),
            Line::HangUp => write!(f, "Hang up: Master"),
            Line::Changed { path } => write!(f, "{} has changed: reloading", path.display()),
            Line::ProgramChanged { path } => {
                write!(f, "{} has changed: on SIGUSR2 it takes over", path.display())
            }
            Line::ReloadRefused { reason } => {
                write!(f, "Reload refused, nothing has changed: {reason}")
            }
            Line::AppFailed { reason } => f.write_str(reason),
            Line::ReloadFailed { failed, stays } => write!(
                f,
                "Reload ended: a worker of generation {} failed to boot; the other workers stay, \
                 new ones will be of generation {}",
                failed.0, stays.0
            ),
            Line::Reloaded { generation } => {
                write!(f, "Reloaded: all workers are of generation {}", generation.0)
            }
            Line::QuickShutdown => write!(f, "Quick shutdown requested"),
            Line::StopsIn { time } => write!(
                f,
                "Stopping in {:.1} s: until then everything is served, and readiness fails",
                time.as_secs_f64()
            ),
            Line::TooLate(signal) => write!(
                f,
                "SIG{} ignored: the server is stopping",
                signal.name().to_ascii_uppercase()
            ),
            Line::NoWorkers => {
                write!(f, "Graceful stop of workers; SIGHUP or SIGTTIN brings them back")
            }
            Line::NotDaemonized => write!(f, "SIGWINCH ignored. Not daemonized"),
            Line::FirstProcess => write!(
                f,
                "This master is process 1: when it ends, its container ends with it, and the new \
                 master too"
            ),
            Line::UpgradeRefused(other) => write!(f, "SIGUSR2 ignored: {other} is still there"),
            Line::UpgradeFailed { reason } => {
                write!(f, "Upgrade failed, this master goes on: {reason}")
            }
            Line::Upgrading { pid, patience: Some(time) } => write!(
                f,
                "Booting the new master (pid:{pid}): it has {} s to be ready",
                time.as_secs_f64()
            ),
            Line::Upgrading { pid, patience: None } => {
                write!(f, "Booting the new master (pid:{pid})")
            }
            Line::SuccessorReady { pid } => write!(
                f,
                "The new master (pid:{pid}) is ready: TERM this one (pid:{}) to finish the \
                 upgrade, or TERM {pid} to go back",
                std::process::id()
            ),
            Line::SuccessorTooSlow { pid } => write!(
                f,
                "Upgrade failed, this master goes on: the new master (pid:{pid}) is told to stop, \
                 it was not ready within boot_timeout"
            ),
            Line::SuccessorEnded { pid, how, was: Readiness::NotReady } => write!(
                f,
                "Upgrade failed, this master goes on: the new master (pid:{pid}) {how} before it \
                 was ready"
            ),
            Line::SuccessorEnded { pid, how, was: Readiness::Ready } => {
                write!(f, "The new master (pid:{pid}) {how}, this one goes on")
            }
            Line::LeavesToNew { pid, is } => {
                write!(f, "Leaving: {} goes on serving", OtherMaster::New { pid: *pid })?;
                match is {
                    Readiness::Ready => Ok(()),
                    Readiness::NotReady => {
                        write!(f, ", but is not ready yet: until it is, clients wait in the queue")
                    }
                }
            }
            Line::LeavesToOld { pid } => {
                write!(f, "Leaving: {} goes on serving", OtherMaster::Old { pid: *pid })
            }
            Line::LastCall => {
                write!(f, "All workers have left, and clients wait: another worker answers them")
            }
            Line::TakesOver { pid } => {
                write!(f, "This is an upgrade of the master with pid: {pid}")
            }
            Line::Promoted { pid } => {
                write!(f, "Master has been promoted: the old one (pid:{pid}) has gone")
            }
            Line::MostWorkers { most } => write!(f, "There are never more than {most} workers"),
            Line::SpawnFailed { reason } => write!(f, "Cannot fork a worker: {reason}"),
            Line::BootFailed { pid, retry } => write!(
                f,
                "Worker (pid:{pid}) failed to boot; the next try is in {:.1} s",
                retry.as_secs_f64()
            ),
            Line::BootTooSlow { pid } => {
                write!(f, "Worker (pid:{pid}) is killed: not ready within boot_timeout")
            }
            Line::Silent { pid } => write!(f, "WORKER TIMEOUT (pid:{pid})"),
            Line::LeavesTooSlowly { pid } => {
                write!(f, "Worker (pid:{pid}) is killed: told to leave, and still there")
            }
            Line::Ended { pid, how } => match how {
                Ending::Code(_) => write!(f, "Worker (pid:{pid}) {how}."),
                Ending::Signal(_) => write!(f, "Worker (pid:{pid}) {how}!"),
                Ending::OutOfMemory => {
                    write!(f, "Worker (pid:{pid}) {how}! Perhaps out of memory?")
                }
            },
            Line::Stranger { pid } => write!(f, "Reaped a process that is no worker (pid:{pid})"),
            Line::WasAsleep { time } => write!(
                f,
                "The master could not run for {:.1} s: the workers' silence is not held against them",
                time.as_secs_f64()
            ),
            Line::ShuttingDown | Line::GivingUp => write!(f, "Shutting down: Master"),
            Line::Reason(BootFailure::Failed) => write!(f, "Reason: Worker failed to boot."),
            Line::Reason(BootFailure::NotFound) => write!(f, "Reason: App failed to load."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_gunicorns_users_grep_for() {
        let pid = Pid::from_raw(7);
        let ended = |how| Line::Ended { pid, how };
        for (line, level, text) in [
            (Line::Handling(Signal::Term), Level::Info, "Handling signal: term"),
            (Line::Handling(Signal::Chld), Level::Debug, "Handling signal: chld"),
            (Line::HangUp, Level::Info, "Hang up: Master"),
            (Line::Silent { pid }, Level::Critical, "WORKER TIMEOUT (pid:7)"),
            (
                ended(Ending::Signal(libc::SIGKILL)),
                Level::Error,
                "Worker (pid:7) was sent SIGKILL!",
            ),
            (
                ended(Ending::OutOfMemory),
                Level::Error,
                "Worker (pid:7) was sent SIGKILL! Perhaps out of memory?",
            ),
            (
                ended(Ending::Signal(libc::SIGSEGV)),
                Level::Warning,
                "Worker (pid:7) was sent SIGSEGV!",
            ),
            (ended(Ending::Signal(libc::SIGTERM)), Level::Info, "Worker (pid:7) was sent SIGTERM!"),
            (ended(Ending::Signal(40)), Level::Warning, "Worker (pid:7) was sent signal 40!"),
            (ended(Ending::Code(3)), Level::Error, "Worker (pid:7) exited with code 3."),
            (Line::ShuttingDown, Level::Info, "Shutting down: Master"),
            (Line::GivingUp, Level::Error, "Shutting down: Master"),
            (Line::Reason(BootFailure::Failed), Level::Error, "Reason: Worker failed to boot."),
        ] {
            assert_eq!((line.level(), line.to_string().as_str()), (level, text));
        }
    }
}
