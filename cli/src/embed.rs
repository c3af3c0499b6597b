//! A server that is put together by a program instead of a command line: for programs that have a
//! command line of their own, or that know better than their users how they are to be served.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};
use std::process::ExitCode;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use oxicorn_core::app::IntoApplication;
use oxicorn_core::config::layers::by_program;
use oxicorn_core::config::{ConfigError, Environment, Given};
use oxicorn_core::worker::Worker;

use crate::load::Start;
use crate::registry::Registry;
use crate::server::{Applications, enter};

/// What the settings come from, besides the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reads {
    Nothing,
    CommandLine,
}

/// A server, before it runs.
///
/// It reads nothing that the program has not given it: no arguments, no environment, no file, unless
/// [`Server::command_line`] says so. Several may be described in one process; one can run, because
/// these things belong to a process as a whole and are the server's from [`Server::run`] on:
///
/// - the signals that a master handles (TERM, INT, QUIT, HUP, USR1, USR2, TTIN, TTOU, WINCH, CHLD);
/// - fork(2): the process must have one thread when the server starts, and its workers are copies of
///   it. Runtimes, threads and connections are made in the handler, or on its first call;
/// - the subscriber of `tracing`, the umask, the title that `ps` shows, and the folder and the
///   environment if a setting is about them.
///
/// ```no_run
/// use std::net::TcpListener;
/// use std::process::ExitCode;
///
/// use oxicorn::{Request, Server};
///
/// fn main() -> ExitCode {
///     let Ok(listener) = TcpListener::bind("127.0.0.1:0") else { return ExitCode::FAILURE };
///     Server::new(|_request: Request| "hi\n")
///         .settings([("workers", "2"), ("threads", "8"), ("timeout", "5s")])
///         .worker_class("threaded")
///         .listener(listener)
///         .run()
/// }
/// ```
#[derive(Debug)]
pub struct Server {
    applications: Applications,
    classes: Registry,
    settings: Vec<(String, String)>,
    listeners: Vec<OwnedFd>,
    reads: Reads,
}

impl Server {
    /// A server of this application: a blocking handler, or an [`crate::Application`], which may be an
    /// asynchronous one.
    ///
    /// ```
    /// use oxicorn::{Application, Request, Server};
    ///
    /// Server::new(|_request: Request| "a handler\n");
    /// Server::new(Application::blocking("shop", |_request: Request| "an application\n"));
    /// ```
    pub fn new(application: impl IntoApplication) -> Server {
        Server::of(Applications::Own(application.into_application()))
    }

    /// A server of one of several applications.
    ///
    /// ```
    /// use oxicorn::{Applications, Server, demo};
    ///
    /// Server::of(Applications::Named(demo::by_name)).command_line();
    /// ```
    pub fn of(applications: Applications) -> Server {
        Server {
            applications,
            classes: Registry::OURS,
            settings: Vec::new(),
            listeners: Vec::new(),
            reads: Reads::Nothing,
        }
    }

    /// Settings, by their names in a configuration file, with the values that a command line takes; a
    /// list is separated by commas. Of a setting that is given twice the later value counts. A name
    /// that there is not, or a value that is none, ends [`Server::run`] with one line.
    ///
    /// ```
    /// # use oxicorn::{Request, Server};
    /// Server::new(|_request: Request| "hi\n")
    ///     .settings([("bind", "127.0.0.1:8000, unix:/run/shop.sock"), ("workers", "4")])
    ///     .settings([("timeout", format!("{}s", 2 * 5))]);
    /// ```
    #[must_use]
    pub fn settings<N: Into<String>, V: Into<String>>(
        mut self,
        settings: impl IntoIterator<Item = (N, V)>,
    ) -> Server {
        self.settings.extend(settings.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// The worker class, as `-k` takes it: the setting `worker_class`.
    ///
    /// ```
    /// # use oxicorn::{Request, Server};
    /// Server::new(|_request: Request| "hi\n").worker_class("coroutine");
    /// ```
    #[must_use]
    pub fn worker_class(self, name: &str) -> Server {
        self.settings([("worker_class", name)])
    }

    /// A worker class of the program's own, to be chosen by its name; its name must be no other's.
    ///
    /// ```
    /// use oxicorn::worker::{Worker, WorkerContext, WorkerError};
    /// use oxicorn::{Application, Config, ConfigError, Request, Server};
    ///
    /// struct Mine;
    ///
    /// impl Worker for Mine {
    ///     fn names(&self) -> &'static [&'static str] {
    ///         &["mine"]
    ///     }
    ///
    ///     fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
    ///         app.need_blocking("mine")
    ///     }
    ///
    ///     fn run(&self, _cx: WorkerContext) -> Result<(), WorkerError> {
    ///         Ok(()) // see examples/own_worker_class
    ///     }
    /// }
    ///
    /// Server::new(|_request: Request| "hi\n").with_worker(&Mine).worker_class("mine");
    /// ```
    #[must_use]
    pub fn with_worker(self, worker: &'static dyn Worker) -> Server {
        Server { classes: self.classes.with(worker), ..self }
    }

    /// A socket that listens, TCP or unix, in place of the setting `bind`; it may be called again for
    /// a further one. The server closes it when it ends.
    ///
    /// An upgrade (USR2) starts the program anew, which then makes its socket again: give it
    /// `SO_REUSEPORT`, or leave the address to `bind`, if you want to upgrade.
    ///
    /// ```no_run
    /// # use oxicorn::{Request, Server};
    /// # fn main() -> std::io::Result<()> {
    /// let listener = std::os::unix::net::UnixListener::bind("/run/shop.sock")?;
    /// Server::new(|_request: Request| "hi\n").listener(listener);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn listener(mut self, socket: impl Into<OwnedFd>) -> Server {
        self.listeners.push(socket.into());
        self
    }

    /// Reads the command line, the environment and the configuration file as `server` does; each
    /// overrules what the program has given, which is a default then. With it the program has
    /// `--help`, `--check-config` and all the other options.
    ///
    /// ```no_run
    /// # use oxicorn::{Request, Server};
    /// # fn main() -> std::process::ExitCode {
    /// Server::new(|_request: Request| "hi\n").settings([("workers", "auto")]).command_line().run()
    /// # }
    /// ```
    #[must_use]
    pub fn command_line(self) -> Server {
        Server { reads: Reads::CommandLine, ..self }
    }

    /// Serves until it is told to stop by a signal. The exit code is 0 then; 1 or 2 when something is
    /// wrong with the settings or an address, of which standard error or the error log tells in one
    /// line; 3 or 4 when no worker could start.
    ///
    /// To be called in a process of one thread: it forks. In the workers it does not return.
    pub fn run(self) -> ExitCode {
        let Server { applications, classes, settings, listeners, reads } = self;
        let argv: Vec<OsString> = std::env::args_os().collect();
        let env: Environment = std::env::vars_os().collect::<BTreeMap<_, _>>();
        enter(&applications, argv, env, |argv, env| {
            let mut start = reads.start(argv, env)?;
            start.classes = classes;
            start.own.extend(given(&settings)?);
            if !listeners.is_empty() {
                start.own.push(by_program("bind", &passed_on(listeners)?)?);
            }
            Ok(start)
        })
    }
}

impl Reads {
    fn start(self, mut argv: Vec<OsString>, env: Environment) -> Result<Start, ConfigError> {
        match self {
            Reads::CommandLine => Start::of_this_process(argv, env),
            Reads::Nothing => {
                argv.truncate(1);
                let mut start = Start::of_this_process(argv, Environment::new())?;
                start.own.push(by_program("config", "none")?);
                Ok(start)
            }
        }
    }
}

/// The last value of each.
fn given(settings: &[(String, String)]) -> Result<Vec<Given>, ConfigError> {
    settings.iter().map(|(name, value)| by_program(name, value)).collect()
}

/// The sockets as addresses. A descriptor that a program hands to a server looks like one that was
/// handed to the program: open, and not close-on-exec until the server has it.
fn passed_on(listeners: Vec<OwnedFd>) -> Result<String, ConfigError> {
    let mut addresses = Vec::new();
    for listener in listeners {
        let reason = |error| ConfigError::message(format!("a listener: {error}"));
        fcntl(listener.as_fd(), FcntlArg::F_SETFD(FdFlag::empty())).map_err(reason)?;
        addresses.push(format!("fd://{}", listener.into_raw_fd()));
    }
    Ok(addresses.join(","))
}
