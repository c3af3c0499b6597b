//! From the command line to a running master: what `server` does, and any program that links this
//! library.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use oxicorn_arbiter::zygote::{self, Host, Reader};
use oxicorn_arbiter::{Birth, Handover, Master, Reloaded};
use oxicorn_core::config::{Config, ConfigError, Environment, Origin, Reload};
use oxicorn_core::{App, Application, log, sys};

use crate::background::{self, Place};
use crate::configuration::{Hosted, Program};
use crate::embed::Server;
use crate::load::{Action, Loaded, Reading, Start, read};
use crate::plan::{
    Prepared, addresses_are_free, application_can_be_loaded, pidfile_is_possible, prepare,
};
use crate::registry::Registry;
use crate::{logs, print};

/// What a program serves.
///
/// ```no_run
/// use oxicorn::{Application, Applications, Request};
///
/// fn main() -> std::process::ExitCode {
///     let shop = Application::blocking("shop", |_request: Request| "hi\n");
///     oxicorn::run(Applications::Own(shop))
/// }
/// ```
#[derive(Clone, Debug)]
pub enum Applications {
    /// Its own application. Naming another on the command line is an error.
    Own(Application),
    /// Whatever the name on the command line means.
    Named(fn(Option<&str>) -> Result<Application, ConfigError>),
    /// Those of the program that have a name; any other is a Python application's, `module:callable`,
    /// `module`, or `package.module:factory()`.
    #[cfg(feature = "python")]
    Hosting(fn(Option<&str>) -> Option<Application>),
}

/// What was found by a name.
pub(crate) struct Found {
    pub(crate) app: Application,
    /// Those that can serve it.
    pub(crate) classes: Registry,
    /// Who hosts it, if this program cannot.
    pub(crate) host: Option<Arc<Host>>,
}

impl Applications {
    /// Whether the application of that name is one of another language.
    pub(crate) fn hosted(&self, name: Option<&str>) -> Hosted {
        match (self, name) {
            (Applications::Own(_) | Applications::Named(_), _) => Hosted::Never,
            #[cfg(feature = "python")]
            (Applications::Hosting(_), None) => Hosted::Perhaps,
            #[cfg(feature = "python")]
            (Applications::Hosting(find), Some(_)) if find(name).is_some() => Hosted::Never,
            #[cfg(feature = "python")]
            (Applications::Hosting(_), Some(_)) => Hosted::Surely,
        }
    }

    /// Who executes a configuration file.
    fn host(&self, program: &Program) -> Result<Host, ConfigError> {
        match self {
            Applications::Own(_) | Applications::Named(_) => Err(program.needs_python.clone()),
            #[cfg(feature = "python")]
            Applications::Hosting(_) => {
                crate::python::host().map_err(|error| program.failed(error))
            }
        }
    }

    #[cfg_attr(not(feature = "python"), expect(unused_variables, reason = "what Python needs"))]
    pub(crate) fn find(
        &self,
        name: Option<&str>,
        config: &Config,
        classes: Registry,
    ) -> Result<Found, ConfigError> {
        let own = |app: Application| Found { app, classes, host: None };
        match (self, name) {
            (Applications::Named(find), name) => find(name).map(own),
            #[cfg(feature = "python")]
            (Applications::Hosting(find), name) => match (find(name), name) {
                (Some(app), _) => Ok(own(app)),
                (None, name) => crate::python::hosted(name.unwrap_or_default(), config),
            },
            (Applications::Own(app), None) => Ok(own(app.clone())),
            (Applications::Own(app), Some(name)) => Err(ConfigError::message(format!(
                "{name:?} (command line): this program serves {:?} and takes no application",
                app.name()
            ))),
        }
    }
}

/// Makes this program a server of one blocking handler, with the whole command line of `server`.
///
/// The exit code is for `main` to return: 0 after a stop that was asked for, 1 or 2 when something is
/// wrong with the settings, 3 when no worker could start.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// fn main() -> ExitCode {
///     oxicorn::serve(|_request: oxicorn::Request| "hi\n")
/// }
/// ```
pub fn serve(handler: impl App) -> ExitCode {
    Server::new(handler).command_line().run()
}

/// Does what the command line says: serves until told to stop, or prints something. For programs
/// whose command line names one of several applications.
///
/// ```no_run
/// use oxicorn::{Applications, demo};
///
/// fn main() -> std::process::ExitCode {
///     oxicorn::run(Applications::Named(demo::by_name))
/// }
/// ```
pub fn run(applications: Applications) -> ExitCode {
    Server::of(applications).command_line().run()
}

/// Serves `applications` as `start` says; `argv` and `env` are those of this process, whatever the
/// settings come from: an upgrade starts it anew with the same.
pub(crate) fn enter(
    applications: &Applications,
    argv: Vec<OsString>,
    mut env: Environment,
    start: impl FnOnce(Vec<OsString>, Environment) -> Result<Start, ConfigError>,
) -> ExitCode {
    let handover = Handover::take(&mut env);
    sys::prepare_title();
    let done = handover.and_then(|from| {
        from.iter().for_each(|from| from.readdress(&mut env));
        let kin = Kin { birth: Birth::of(&argv, &env), handover: from };
        act(applications, start(argv, env)?, kin)
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            say(std::io::stderr(), &format!("Error: {error}\n"));
            ExitCode::from(error.exit_status())
        }
    }
}

/// What an upgrade needs: how this process began, and what an old master has left to it.
struct Kin {
    birth: Birth,
    handover: Option<Handover>,
}

/// Writing fails when nobody reads: no reason to panic.
pub(crate) fn say(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
}

fn act(applications: &Applications, start: Start, kin: Kin) -> Result<ExitCode, ConfigError> {
    let (loaded, reader) = first_load(applications, &start)?;
    match &loaded.action {
        Action::Help(text) | Action::Print(text) => say(std::io::stdout(), text),
        Action::Version => say(std::io::stdout(), &format!("{}\n", crate::VERSION)),
        Action::PrintConfig => {
            warn(&loaded);
            say(std::io::stdout(), &print::print_config(&loaded.config));
        }
        Action::CheckConfig => {
            warn(&loaded);
            background::settle(&loaded.config)?;
            let prepared = prepare(applications, loaded)?;
            addresses_are_free(&prepared.plan.config)?;
            pidfile_is_possible(&prepared.plan.config)?;
            application_can_be_loaded(&prepared.plan, reader)?;
        }
        Action::Run => return begin(applications, loaded, reader, start, kin),
    }
    Ok(ExitCode::SUCCESS)
}

/// The settings, and whoever has executed the file that they come from, if somebody had to.
fn first_load(
    applications: &Applications,
    start: &Start,
) -> Result<(Loaded, Option<Reader>), ConfigError> {
    let program = match read(start, |name| applications.hosted(name), None)? {
        Reading::All(loaded) => return Ok((*loaded, None)),
        Reading::Program(program) => program,
    };
    let host = applications.host(&program)?;
    let (reader, names) = zygote::read(&host, &program.file).map_err(|unread| {
        let text: String = unread.traceback.iter().map(|line| format!("{line}\n")).collect();
        say(std::io::stderr(), &text);
        program.failed(unread.reason)
    })?;
    match read(start, |name| applications.hosted(name), Some(names))? {
        Reading::All(loaded) => Ok((*loaded, Some(reader))),
        Reading::Program(program) => Err(program.needs_python),
    }
}

/// For those who only look: there is no log yet.
fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        say(std::io::stderr(), &format!("Warning: {warning}\n"));
    }
}

fn begin(
    applications: &Applications,
    loaded: Loaded,
    reader: Option<Reader>,
    start: Start,
    kin: Kin,
) -> Result<ExitCode, ConfigError> {
    background::settle(&loaded.config)?;
    let warnings = loaded.warnings.clone();
    let Prepared { plan, notes } = prepare(applications, loaded)?;
    let config = plan.config.clone();
    log::init(&config).map_err(|error| config.refuse("errorlog", error))?;
    logs::give(&config)?;
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    notes.iter().for_each(|note| tracing::info!("{note}"));
    if config.origin("bind") == &Origin::Passed {
        tracing::info!("Sockets were passed by {}: {}", Origin::Passed, start.passed);
    }
    let herald = match background::place(&config, &start.env, kin.handover.as_ref())? {
        Place::Here(herald) => herald,
        Place::Elsewhere(code) => return Ok(code),
    };
    // A daemon is another process, and no child of its own executed anything.
    let reader = reader.filter(|_| !config.daemon || kin.handover.is_some());
    let current = Rc::new(RefCell::new(config.clone()));
    let (applications, reloaded) = (applications.clone(), current.clone());
    let restored = current.clone();
    let reload = move |names| {
        let loaded = match read(&start, |name| applications.hosted(name), names)? {
            Reading::All(loaded) => *loaded,
            Reading::Program(program) => {
                let host = Arc::new(applications.host(&program)?);
                return Ok(Reloaded::Program { host, file: program.file });
            }
        };
        // An application that is made here shall see what its workers will.
        background::set_environment(&loaded.config)?;
        let prepared = prepare(&applications, loaded)
            .and_then(|prepared| take_over(&config, &prepared).map(|()| prepared));
        if prepared.is_err() {
            background::set_environment(&reloaded.borrow())?;
        }
        let plan = prepared?.plan;
        reloaded.replace(plan.config.clone());
        Ok(Reloaded::Plan(Box::new(plan)))
    };
    let restore = move |config: &Config| {
        // What was possible when it was loaded is possible now, or the log says what is not.
        let log = log::reconfigure(config).map_err(|error| config.refuse("errorlog", error));
        if let Err(error) = log.and_then(|()| background::set_environment(config)) {
            tracing::error!("{error}");
        }
        restored.replace(Arc::new(config.clone()));
    };
    let Kin { birth, handover } = kin;
    let reopen_logs = move || logs::reopen(&current.borrow());
    let (reload, restore) = (Box::new(reload), Box::new(restore));
    let reopen_logs = Box::new(reopen_logs);
    Ok(Master { plan, reload, reader, restore, reopen_logs, birth, handover, herald }.run())
}

/// On a reload: what of the new settings is the master's own business. `started` are those that it
/// was started with.
fn take_over(started: &Config, prepared: &Prepared) -> Result<(), ConfigError> {
    let config = &prepared.plan.config;
    log::reconfigure(config).map_err(|error| config.refuse("errorlog", error))?;
    logs::give(config)?;
    prepared.notes.iter().for_each(|note| tracing::info!("{note}"));
    for setting in started.changed(config) {
        match setting.reload {
            Reload::Restart => {
                tracing::warn!("{} has changed: it takes effect after a restart", setting.name)
            }
            Reload::Live | Reload::Generation => {}
        }
    }
    Ok(())
}
