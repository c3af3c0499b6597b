//! From the command line to a running master: what `server` does, and any program that links this
//! library.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use oxicorn_arbiter::{Birth, Handover, Master, Plan, check_pidfile};
use oxicorn_core::access_log::{AccessLog, AccessLogError};
use oxicorn_core::config::{ConfigError, Environment};
use oxicorn_core::listener::Listener;
use oxicorn_core::{App, Application, log, sys};

use crate::load::{Action, Loaded, load};
use crate::{print, registry};

/// What a program serves.
#[derive(Clone, Debug)]
pub enum Applications {
    /// Its own application. Naming another on the command line is an error.
    Own(Application),
    /// Whatever the name on the command line means.
    Named(fn(Option<&str>) -> Result<Application, ConfigError>),
}

impl Applications {
    fn find(&self, name: Option<&str>) -> Result<Application, ConfigError> {
        match (self, name) {
            (Applications::Named(find), name) => find(name),
            (Applications::Own(app), None) => Ok(app.clone()),
            (Applications::Own(app), Some(name)) => Err(ConfigError::message(format!(
                "{name:?} (command line): this program serves {:?} and takes no application",
                app.name()
            ))),
        }
    }
}

/// Makes this program a server of one blocking handler.
pub fn serve(handler: impl App) -> ExitCode {
    let path = std::env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy());
    run(Applications::Own(Application::blocking(name.as_deref().unwrap_or("app"), handler)))
}

/// Does what the command line says: serves until told to stop, or prints something.
pub fn run(applications: Applications) -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    let mut env: Environment = std::env::vars_os().collect::<BTreeMap<_, _>>();
    let handover = Handover::take(&mut env);
    let birth = Birth::of(&argv, &env);
    sys::prepare_title();
    let done =
        handover.and_then(|from| act(&applications, argv, env, Kin { birth, handover: from }));
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
fn say(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
}

fn act(
    applications: &Applications,
    argv: Vec<OsString>,
    env: Environment,
    kin: Kin,
) -> Result<ExitCode, ConfigError> {
    let loaded = load(&argv, &env)?;
    match &loaded.action {
        Action::Help(text) | Action::Print(text) => say(std::io::stdout(), text),
        Action::Version => say(std::io::stdout(), &format!("{}\n", crate::VERSION)),
        Action::PrintConfig => {
            warn(&loaded);
            say(std::io::stdout(), &print::print_config(&loaded.config));
        }
        Action::CheckConfig => {
            warn(&loaded);
            let plan = plan(applications, loaded)?;
            addresses_are_free(&plan)?;
            pidfile_is_possible(&plan)?;
        }
        Action::Run => return start(applications, loaded, argv, env, kin),
    }
    Ok(ExitCode::SUCCESS)
}

/// For those who only look: there is no log yet.
fn warn(loaded: &Loaded) {
    for warning in &loaded.warnings {
        say(std::io::stderr(), &format!("Warning: {warning}\n"));
    }
}

fn start(
    applications: &Applications,
    loaded: Loaded,
    argv: Vec<OsString>,
    env: Environment,
    kin: Kin,
) -> Result<ExitCode, ConfigError> {
    let warnings = loaded.warnings.clone();
    let plan = plan(applications, loaded)?;
    let config = &plan.config;
    log::init(&config.errorlog, config.loglevel)
        .map_err(|error| config.refuse("errorlog", error))?;
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    if let Some(note) = &config.effective_class().note {
        tracing::info!("{note}");
    }
    let applications = applications.clone();
    let reload = move || {
        let plan = load(&argv, &env).and_then(|loaded| self::plan(&applications, loaded))?;
        let config = &plan.config;
        log::reconfigure(&config.errorlog, config.loglevel)
            .map_err(|error| config.refuse("errorlog", error))?;
        Ok(plan)
    };
    let Kin { birth, handover } = kin;
    let (reload, reopen_logs) = (Box::new(reload), Box::new(log::reopen));
    Ok(Master { plan, reload, reopen_logs, birth, handover }.run())
}

/// Looks at everything that a start needs, and starts nothing.
fn plan(applications: &Applications, loaded: Loaded) -> Result<Plan, ConfigError> {
    let Loaded { config, app, .. } = loaded;
    let worker = registry::find(&config)?;
    config.check_class(worker.names())?;
    let app = applications.find(app.as_deref())?;
    worker.check(&config, &app)?;
    AccessLog::check(&config).map_err(|error| match error {
        AccessLogError::Format(reason) => config.refuse("access_log_format", reason),
        AccessLogError::Destination(error) => config.refuse("accesslog", error),
    })?;
    log::check(&config.errorlog).map_err(|error| config.refuse("errorlog", error))?;
    Ok(Plan { config: Arc::new(config), worker, app })
}

/// For `--check-config`.
fn pidfile_is_possible(plan: &Plan) -> Result<(), ConfigError> {
    let checked = plan.config.pidfile.as_deref().map(check_pidfile).transpose();
    checked.map(drop).map_err(|error| plan.config.refuse("pidfile", error))
}

/// For `--check-config`: binds and lets go.
fn addresses_are_free(plan: &Plan) -> Result<(), ConfigError> {
    for spec in &plan.config.bind {
        let listener = Listener::bind(spec, plan.config.backlog)
            .map_err(|error| plan.config.refuse("bind", format!("{spec}: {error}")))?;
        listener.remove_file();
    }
    Ok(())
}
