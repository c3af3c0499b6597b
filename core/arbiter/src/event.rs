//! What can happen to the master, and what it can do about it. These two lists are the whole surface
//! between the decisions ([`crate::state`]) and the system (the driver): whoever reads them knows
//! what the master is able to do.

use std::ffi::c_int;
use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::config::Config;
use oxicorn_core::scoreboard::{Generation, Slot};

use crate::line::{BootFailure, Line};

macro_rules! signals {
    ($($name:ident = $number:path, $lower:literal, $meaning:literal;)*) => {
        /// The signals that mean something to the master or that it sends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Signal {
            $(#[doc = $meaning] $name,)*
        }

        impl Signal {
            /// All of them.
            pub const ALL: &'static [Signal] = &[$(Signal::$name),*];

            const fn row(self) -> (c_int, &'static str, &'static str) {
                match self {
                    $(Signal::$name => ($number, $lower, $meaning),)*
                }
            }
        }
    };
}

signals! {
    Term = libc::SIGTERM, "term", "Stop, after everything that was accepted is answered.";
    Int = libc::SIGINT, "int", "Stop now.";
    Quit = libc::SIGQUIT, "quit", "Stop now.";
    Hup = libc::SIGHUP, "hup", "Load the configuration again and replace the workers.";
    Ttin = libc::SIGTTIN, "ttin", "One worker more.";
    Ttou = libc::SIGTTOU, "ttou", "One worker fewer.";
    Usr1 = libc::SIGUSR1, "usr1", "Open the log files again by name.";
    Usr2 = libc::SIGUSR2, "usr2", "Start the new binary beside this one.";
    Winch = libc::SIGWINCH, "winch", "Stop all workers and stay, when daemonized.";
    Chld = libc::SIGCHLD, "chld", "A child has ended.";
    Abrt = libc::SIGABRT, "abrt", "Sent to a worker that is silent: show where you are, and end.";
    Kill = libc::SIGKILL, "kill", "Sent to a worker that does not leave.";
}

impl Signal {
    /// Those that the master handles; the others it only sends.
    pub const HANDLED: &'static [Signal] = &[
        Signal::Term,
        Signal::Int,
        Signal::Quit,
        Signal::Hup,
        Signal::Ttin,
        Signal::Ttou,
        Signal::Usr1,
        Signal::Usr2,
        Signal::Winch,
        Signal::Chld,
    ];

    /// Its number on this system.
    pub const fn number(self) -> c_int {
        self.row().0
    }

    /// Its name as the log has it: `term`.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// What it does, in a sentence.
    pub const fn meaning(self) -> &'static str {
        self.row().2
    }

    /// The signal of this number, if it is one of ours.
    pub fn from_number(number: c_int) -> Option<Signal> {
        Signal::ALL.iter().copied().find(|signal| signal.number() == number)
    }
}

/// Where the master is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No worker has been ready yet.
    Starting,
    /// Serving, with nothing to change.
    Running,
    /// Replacing the workers of older generations.
    Reloading,
    /// Leaving, once the workers have left.
    Stopping(Stop),
}

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Workers answer what was accepted; they have `graceful_timeout` for it.
    Graceful,
    /// Workers answer nothing more; they have a second.
    Quick,
}

/// Whether the master has a terminal, which sends it SIGWINCH when its window changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// It may have: SIGWINCH means nothing.
    Attached,
    /// It has none: SIGWINCH is the operator's.
    Daemonized,
}

/// What the decisions need to know of the configuration. A time of `None` is switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many workers; 0 is taken as 1.
    pub workers: usize,
    /// How long a worker may be silent.
    pub timeout: Option<Duration>,
    /// How long a worker may take to leave.
    pub graceful_timeout: Option<Duration>,
    /// How long a worker may take to be ready.
    pub boot_timeout: Option<Duration>,
    /// How long everything is still served after SIGTERM.
    pub drain_delay: Option<Duration>,
    /// Whether SIGWINCH counts.
    pub terminal: Terminal,
}

impl From<&Config> for Settings {
    fn from(config: &Config) -> Settings {
        Settings {
            // Whoever has made the plan has found out the number already.
            workers: config.workers.count().map_or(1, |count| count as usize),
            timeout: config.timeout.get(),
            graceful_timeout: config.graceful_timeout.get(),
            boot_timeout: config.boot_timeout.get(),
            drain_delay: config.drain_delay.get(),
            terminal: match config.daemon {
                true => Terminal::Daemonized,
                false => Terminal::Attached,
            },
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this exit code.
    Code(c_int),
    /// By the signal of this number.
    Signal(c_int),
    /// By SIGKILL, while the kernel counted a process killed for want of memory.
    OutOfMemory,
}

/// Whether there are clients that nobody has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queues {
    /// There are none, and there will be none: the queues are closed.
    Empty,
    /// There are.
    Waiting,
}

/// What happens to the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The sockets listen; time to fork.
    Start,
    /// A signal came.
    Signal(Signal),
    /// The answer to [`Action::LoadConfig`]: what the new configuration says, or what is wrong.
    ConfigLoaded(Result<Settings, String>),
    /// The answer to [`Action::Spawn`]. It comes before the [`Event::Exited`] of the same process.
    Spawned {
        /// The place that was asked for.
        slot: Slot,
        /// The process in it.
        pid: Pid,
    },
    /// The other answer to [`Action::Spawn`].
    SpawnFailed {
        /// The place that was asked for.
        slot: Slot,
        /// Why there is no process in it.
        reason: String,
    },
    /// The application of the generation that new workers are started with could not be loaded. The
    /// workers that were asked for are answered by [`Event::SpawnFailed`] besides.
    AppFailed {
        /// What is wrong with it.
        reason: BootFailure,
    },
    /// The worker in this place says that it can serve.
    Ready {
        /// Its place.
        slot: Slot,
    },
    /// The worker in this place says that it has done its share: it serves until it is replaced.
    Weary {
        /// Its place.
        slot: Slot,
    },
    /// The worker in this place says that it accepts no more and is about to leave.
    Draining {
        /// Its place.
        slot: Slot,
    },
    /// A child was reaped: a worker, or a stranger.
    Exited {
        /// Which.
        pid: Pid,
        /// How.
        how: Ending,
    },
    /// The answer to [`Action::Upgrade`]: the process that is to become the new master.
    Upgraded {
        /// Its number. It comes before the [`Event::Exited`] of the same process.
        pid: Pid,
    },
    /// The other answer to [`Action::Upgrade`]; or the process says, after [`Event::Upgraded`], that
    /// it cannot become a master.
    UpgradeFailed {
        /// Why.
        reason: String,
    },
    /// The new master says that a worker of its own is ready.
    SuccessorReady,
    /// The new master says that it was told to stop: it leaves the clients to this one.
    SuccessorLeaves,
    /// The old master, which has started this one, has ended, however that came about.
    PredecessorGone,
    /// The answer to [`Action::LookAtQueues`].
    QueuesSeen(Queues),
    /// [`crate::state::Arbiter::next_deadline`] has come.
    Tick {
        /// For how long each worker has been silent.
        ages: Vec<(Slot, Duration)>,
    },
}

/// What the master does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a worker. Answered by [`Event::Spawned`] or [`Event::SpawnFailed`], at any later time.
    Spawn {
        /// Its place: one that is free.
        slot: Slot,
        /// With which configuration.
        generation: Generation,
    },
    /// A worker that was asked for is not needed any more. If nothing has been done for it yet, it is
    /// answered by [`Event::SpawnFailed`] at once; if not, as if this had not been said.
    Unspawn {
        /// Its place.
        slot: Slot,
    },
    /// Send a signal to a worker.
    Kill {
        /// A worker that has not been reaped.
        pid: Pid,
        /// Which signal.
        signal: Signal,
    },
    /// Name in the log the requests that the worker in this place has in hand, or had when it died.
    ShowInFlight {
        /// The place.
        slot: Slot,
    },
    /// Nobody is in this place any more.
    Release {
        /// The place.
        slot: Slot,
    },
    /// Collect one child that has ended, if there is one. Answered by [`Event::Exited`] before any
    /// other event, so that nothing is sent to a pid that is free again.
    Reap,
    /// Load the configuration again. Answered by [`Event::ConfigLoaded`].
    LoadConfig,
    /// The configuration loaded last is this generation's.
    AdoptConfig {
        /// Its number.
        generation: Generation,
    },
    /// No worker will be started with this generation's configuration any more.
    DropConfig {
        /// Its number.
        generation: Generation,
    },
    /// Start the binary anew, as a second master with the same sockets. Answered by
    /// [`Event::Upgraded`] or [`Event::UpgradeFailed`]. Never while there are two masters.
    Upgrade,
    /// The new master has been reaped: this one is alone again.
    ForgetSuccessor,
    /// Tell the old master that this one serves.
    TellReady,
    /// Tell the old master that this one was told to stop, and leaves the clients to it.
    TellLeaving,
    /// The old master has gone: what belonged to both, the files of sockets and of the process
    /// number, is this one's.
    Promote,
    /// The whole server will end, and everybody serves until then: say so through the scoreboard.
    StopSoon,
    /// The whole server ends, and no other master serves from its sockets: take no new clients, tell
    /// the workers through the scoreboard that nobody will be there after them, and close the
    /// master's copies of the sockets as soon as nobody waits to be accepted.
    EndServer,
    /// All workers have left: see whether somebody still waits to be accepted. Answered by
    /// [`Event::QueuesSeen`].
    LookAtQueues,
    /// Open the master's own log files again by name; the workers are told by [`Action::Kill`].
    ReopenLogs,
    /// Write a line to the log.
    Log(Line),
    /// Leave, with this exit code. It comes once, and nothing comes after it.
    Exit {
        /// 0 to 4, see [`oxicorn_core::worker::WorkerExit`].
        code: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signal_table_is_consistent() {
        for &signal in Signal::ALL {
            assert_eq!(Signal::from_number(signal.number()), Some(signal));
            let system = nix::sys::signal::Signal::try_from(signal.number()).unwrap();
            assert_eq!(system.as_str(), format!("SIG{}", signal.name().to_uppercase()));
            assert!(signal.meaning().ends_with('.'));
        }
        assert_eq!(Signal::from_number(libc::SIGSEGV), None);
        assert!(!Signal::HANDLED.contains(&Signal::Kill));
        assert!(!Signal::HANDLED.contains(&Signal::Abrt));
        assert_eq!(Signal::HANDLED.len() + 2, Signal::ALL.len());
    }
}
