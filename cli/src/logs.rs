//! The log files of a server whose workers are another user than its master: they are made by the
//! master, and given to that user, so that a worker can open them again on USR1.

use oxicorn_core::access_log::AccessLog;
use oxicorn_core::config::{Config, ConfigError, Destination};
use oxicorn_core::identity::Owner;
use oxicorn_core::log;

/// Gives the log files of these settings, which are there, to the workers' user.
///
/// # Errors
/// Somebody else than the master's user is to have them, and the system does not let us.
pub(crate) fn give(config: &Config) -> Result<(), ConfigError> {
    let owner = Owner::of(config)?;
    let logs = [("errorlog", Some(&config.errorlog)), ("accesslog", config.accesslog.as_ref())];
    for (name, log) in logs {
        if let Some(Destination::File(path)) = log {
            let reason = |error| format!("it cannot be given to the workers' user: {error}");
            owner.give_log(path).map_err(|error| config.refuse(name, reason(error)))?;
        }
    }
    Ok(())
}

/// Opens the error log again by its name. The workers open the access log, but in a folder where they
/// may not make it: so it is made here, before they are told.
pub(crate) fn reopen(config: &Config) {
    log::reopen();
    let made = AccessLog::check(config).map_err(|error| error.to_string());
    let given = made.and_then(|()| give(config).map_err(|error| error.to_string()));
    if let Err(error) = given {
        tracing::error!("The logs could not be made for the workers: {error}");
    }
}
