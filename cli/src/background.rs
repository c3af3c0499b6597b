//! The process before it is a master: its folder, its umask, its environment, and whether it goes into
//! the background. All of it happens once; a reload changes nothing of it but the environment that
//! workers get.

use std::ffi::OsString;
use std::process::ExitCode;

use nix::sys::stat::{Mode, umask};
use oxicorn_arbiter::daemon::{Side, detach};
use oxicorn_arbiter::{Handover, Herald, Notify};
use oxicorn_core::config::{Config, ConfigError, Destination, Environment};
use oxicorn_core::sys;

/// Makes the process what the settings say, before anything is looked at that depends on it.
///
/// # Errors
/// The folder cannot be changed to; a second thread.
pub(crate) fn settle(config: &Config) -> Result<(), ConfigError> {
    if let Some(folder) = &config.chdir {
        let reason = |error| format!("cannot change to it: {error}");
        std::env::set_current_dir(folder).map_err(|e| config.refuse("chdir", reason(e)))?;
    }
    umask(Mode::from_bits_truncate(config.umask.0));
    set_environment(config)
}

/// Gives the process the application's variables, in place of those of an earlier call.
///
/// # Errors
/// A second thread.
pub(crate) fn set_environment(config: &Config) -> Result<(), ConfigError> {
    let variables = config.raw_env.0.iter();
    let variables: Vec<(OsString, Option<OsString>)> =
        variables.map(|v| (v.name.clone().into(), Some(v.value.clone().into()))).collect();
    sys::set_environment(&variables).map_err(|error| config.refuse("raw_env", error))
}

/// Where the process goes on.
pub(crate) enum Place {
    /// Here, with these to be told what becomes of it.
    Here(Herald),
    /// In another process; this one ends.
    Elsewhere(ExitCode),
}

/// Goes into the background, if the settings say so. Whoever has been handed the sockets of a master
/// that is being replaced is there already, and says nothing before that one has gone.
///
/// # Errors
/// The system does not let us.
pub(crate) fn place(
    config: &Config,
    env: &Environment,
    handover: Option<&Handover>,
) -> Result<Place, ConfigError> {
    // The number of the process that systemd has started: another than the daemon's.
    let notify = Notify::of(std::process::id(), env);
    if handover.is_some() {
        return Ok(Place::Here(Herald::second(notify)));
    }
    if !config.daemon {
        return Ok(Place::Here(Herald::new(notify, None)));
    }
    warn_about_lost_logs(config);
    match detach().map_err(|error| config.refuse("daemon", error))? {
        Side::Daemon(launcher) => Ok(Place::Here(Herald::new(notify, Some(launcher)))),
        Side::Starter(0) => Ok(Place::Elsewhere(ExitCode::SUCCESS)),
        Side::Starter(code) => {
            if let Destination::File(path) = &config.errorlog {
                let line =
                    format!("Error: the server has not started: {} says why\n", path.display());
                crate::server::say(std::io::stderr(), &line);
            }
            Ok(Place::Elsewhere(ExitCode::from(code)))
        }
    }
}

fn warn_about_lost_logs(config: &Config) {
    let standard = |log: Option<&Destination>| log == Some(&Destination::Standard);
    for (name, log) in
        [("errorlog", Some(&config.errorlog)), ("accesslog", config.accesslog.as_ref())]
    {
        if standard(log) {
            tracing::warn!("{name} is -, and a daemon has no standard streams: its lines are lost");
        }
    }
}
