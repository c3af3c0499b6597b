//! From settings to a plan: everything is looked at that a start needs, and nothing is started. The
//! same is done for `--check-config` and for a reload.

use std::sync::Arc;

use oxicorn_arbiter::zygote::{Host, Reader, rehearse};
use oxicorn_arbiter::{Plan, check_pidfile};
use oxicorn_core::access_log::{AccessLog, AccessLogError};
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::identity::{Identity, Owner};
use oxicorn_core::listener::{Listener, ListenerSpec, Terms};
use oxicorn_core::log;

use crate::load::Loaded;
use crate::server::{Applications, Found, say};

/// A plan, and what is to be said about it.
pub(crate) struct Prepared {
    pub(crate) plan: Plan,
    /// Lines for the log that tell what was decided.
    pub(crate) notes: Vec<String>,
}

/// Looks at everything.
///
/// # Errors
/// The first thing that would keep the server from starting.
pub(crate) fn prepare(apps: &Applications, loaded: Loaded) -> Result<Prepared, ConfigError> {
    let Loaded { mut config, app, classes, program, .. } = loaded;
    let Found { app, classes, host } = apps.find(app.as_deref(), &config, classes)?;
    if host.is_none() {
        refuse_what_is_for_python(&config)?;
    }
    let host = match (host, program) {
        (host, None) => host,
        (Some(host), program) => Some(Arc::new(Host { configuration: program, ..(*host).clone() })),
        (None, Some(program)) => {
            let reason = "it is a program, which is executed for a Python application, and none is \
                          named: module:callable on the command line, or wsgi_app in the file";
            return Err(ConfigError::message(format!("{program}: {reason}")));
        }
    };
    check_reload(&config)?;
    let worker = classes.find(&config)?;
    config.check_class(worker.names())?;
    let mut notes: Vec<String> = config.effective_class().note.into_iter().collect();
    if let Some((workers, how)) = config.automatic_workers() {
        config.workers = workers;
        notes.push(format!("Workers: {how}"));
    }
    worker.check(&config, &app)?;
    Identity::of(&config)?;
    check_addresses(&config)?;
    AccessLog::check(&config).map_err(|error| match error {
        AccessLogError::Format(reason) => config.refuse("access_log_format", reason),
        AccessLogError::Destination(error) => config.refuse("accesslog", error),
    })?;
    log::check(&config).map_err(|error| config.refuse("errorlog", error))?;
    Ok(Prepared { plan: Plan { config: Arc::new(config), worker, app, host }, notes })
}

/// What means something to a Python application, and nothing to one in Rust.
const FOR_PYTHON: [&str; 7] = [
    "preload_app",
    "pythonpath",
    "root_path",
    "asgi_loop",
    "asgi_lifespan",
    "websocket_max_message_size",
    "websocket_ping_interval",
];

fn refuse_what_is_for_python(config: &Config) -> Result<(), ConfigError> {
    match FOR_PYTHON.iter().find(|name| config.explicit(name)) {
        Some(name) => Err(config.refuse(name, "no effect, but with a Python application")),
        None => Ok(()),
    }
}

/// What is to be watched has to be there.
fn check_reload(config: &Config) -> Result<(), ConfigError> {
    let is_pattern = |text: &str| text.contains(['*', '?', '[']);
    let missing = config.reload_extra_files.0.iter().find(|file| !file.exists());
    if let Some(file) = missing {
        let reason = match is_pattern(&file.to_string_lossy()) {
            true => "a pattern is not expanded: name the folder",
            false => "there is no such file",
        };
        return Err(config.refuse("reload_extra_files", format!("{}: {reason}", file.display())));
    }
    Ok(())
}

/// What can be known about the addresses without binding them.
fn check_addresses(config: &Config) -> Result<(), ConfigError> {
    for spec in &config.bind {
        let only_tcp = format!("only a TCP address can be shared, and {spec} is none");
        match spec {
            ListenerSpec::Tcp { .. } => {}
            _ if config.reuse_port => return Err(config.refuse("reuse_port", only_tcp)),
            ListenerSpec::Unix(socket) => socket
                .owner(Owner::default())
                .map(drop)
                .map_err(|reason| config.refuse("bind", format!("{spec}: {reason}")))?,
            ListenerSpec::Abstract(_) | ListenerSpec::Fd(_) => {}
        }
    }
    Ok(())
}

/// For `--check-config`: binds and lets go.
pub(crate) fn addresses_are_free(config: &Config) -> Result<(), ConfigError> {
    let terms = Terms::of(config)?;
    for spec in &config.bind {
        let listener = Listener::bind(spec, &terms)
            .map_err(|error| config.refuse("bind", format!("{spec}: {error}")))?;
        listener.remove_file();
    }
    Ok(())
}

/// For `--check-config`: an application of this program is loaded by now, another is not.
pub(crate) fn application_can_be_loaded(
    plan: &Plan,
    reader: Option<Reader>,
) -> Result<(), ConfigError> {
    let loaded = plan.host.as_ref().map(|host| rehearse(plan, host, reader));
    loaded.transpose().map(drop).map_err(|unread| {
        unread.traceback.iter().for_each(|line| say(std::io::stderr(), &format!("{line}\n")));
        ConfigError::message(unread.reason)
    })
}

/// For `--check-config`.
pub(crate) fn pidfile_is_possible(config: &Config) -> Result<(), ConfigError> {
    let checked = config.pidfile.as_deref().map(check_pidfile).transpose();
    checked.map(drop).map_err(|error| config.refuse("pidfile", error))
}
