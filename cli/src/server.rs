//! From the command line to a running master: what `server` does, and any program that links this
//! library.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use oxicorn_arbiter::{Master, Plan};
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
    let env: Environment = std::env::vars_os().collect::<BTreeMap<_, _>>();
    sys::prepare_title();
    match act(&applications, argv, env) {
        Ok(code) => code,
        Err(error) => {
            say(std::io::stderr(), &format!("Error: {error}\n"));
            ExitCode::from(error.exit_status())
        }
    }
}

/// Writing fails when nobody reads: no reason to panic.
fn say(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
}

fn act(
    applications: &Applications,
    argv: Vec<OsString>,
    env: Environment,
) -> Result<ExitCode, ConfigError> {
    let loaded = load(&argv, &env)?;
    match &loaded.action {
        Action::Help(text) => say(std::io::stdout(), text),
        Action::Version => say(std::io::stdout(), &format!("{}\n", crate::VERSION)),
        Action::PrintConfig => say(std::io::stdout(), &print::print_config(&loaded.config)),
        Action::CheckConfig => {
            let plan = plan(applications, loaded)?;
            addresses_are_free(&plan)?;
        }
        Action::Run => return start(applications, loaded, argv, env),
    }
    Ok(ExitCode::SUCCESS)
}

fn start(
    applications: &Applications,
    loaded: Loaded,
    argv: Vec<OsString>,
    env: Environment,
) -> Result<ExitCode, ConfigError> {
    let plan = plan(applications, loaded)?;
    let config = &plan.config;
    log::init(config).map_err(|error| config.refuse("errorlog", error))?;
    if let Some(note) = &config.effective_class().note {
        tracing::info!("{note}");
    }
    let applications = applications.clone();
    let reload = move || {
        let plan = load(&argv, &env).and_then(|loaded| self::plan(&applications, loaded))?;
        let config = &plan.config;
        log::reconfigure(config).map_err(|error| config.refuse("errorlog", error))?;
        Ok(plan)
    };
    let master = Master { plan, reload: Box::new(reload), reopen_logs: Box::new(log::reopen) };
    Ok(master.run())
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
    log::check(&config).map_err(|error| config.refuse("errorlog", error))?;
    Ok(Plan { config: Arc::new(config), worker, app })
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
