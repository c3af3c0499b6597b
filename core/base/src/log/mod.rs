//! The error log: what the server says about itself, in gunicorn's line format.
//!
//! The master writes it too, and the master has one thread and must never wait. So there is no
//! appender thread behind it: a line is one write(2) of at most [`LINE_LIMIT`] bytes, made only when
//! it cannot block; a line that would block is dropped and counted, and the count is reported before
//! the next line that goes through. Nothing here panics, whatever has become of the destination.
//!
//! Everything is logged with the macros of `tracing`; `error!` with the target `"critical"` is
//! CRITICAL, the one level that tracing lacks, and one with the target `"exception"` is counted as a
//! failure of the application. Fields follow the message as ` key=value`. Control
//! characters are escaped wherever they come from, so that nobody can forge a line. Forging a
//! *field* inside a line remains possible for a value that is logged with `%`: log what a client has
//! sent with `?`, which quotes it. Spans add nothing to a line and are switched off.

mod capture;
pub(crate) mod counts;
mod entry;
pub(crate) mod fields;
mod layer;
mod line;
mod outlets;
mod sink;
pub(crate) mod stamp;

use std::io;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, reload};

use crate::config::Config;
use layer::ErrorLog;
use outlets::Outlets;
use sink::Sink;

pub use capture::capture;
pub use line::LINE_LIMIT;
pub(crate) use sink::open_append;

static INSTALLED: OnceLock<reload::Handle<ErrorLog, Registry>> = OnceLock::new();

/// Opens the log that the settings describe and makes it the destination of every `tracing` event of
/// this process and of those it forks. A second call is a [`reconfigure`].
///
/// # Errors
/// The file cannot be opened (the message begins with its name), or the process has a subscriber of
/// somebody else's already.
pub fn init(config: &Config) -> io::Result<()> {
    if INSTALLED.get().is_some() {
        return reconfigure(config);
    }
    let log = ErrorLog::new(Outlets::open(config)?, config.loglevel);
    let (layer, handle) = reload::Layer::new(log);
    tracing::subscriber::set_global_default(Registry::default().with(layer))
        .map_err(io::Error::other)?;
    let _ = INSTALLED.set(handle);
    Ok(())
}

/// Whether [`init`] could open its file. A file that is not there is created.
///
/// # Errors
/// The file cannot be opened; the message begins with its name.
pub fn check(config: &Config) -> io::Result<()> {
    Sink::open(&config.errorlog, config.log_format).map(drop)
}

/// Opens the file again by its name, after somebody has renamed it. When that fails, the lines go
/// where they went before, the first of them an ERROR that says so.
pub fn reopen() {
    let Some(handle) = INSTALLED.get() else {
        return;
    };
    let reopened = handle.with_current(ErrorLog::reopen);
    if let Ok(Err(error)) = reopened {
        tracing::error!("The error log could not be reopened: {error}");
    }
    if let Err(error) = capture::recapture() {
        tracing::error!("The output could not be captured anew: {error}");
    }
}

/// Whether something waits for [`pump`]: a few bytes that syslog has not taken yet, a loss that has
/// not been reported.
pub fn has_unsent() -> bool {
    outlets::has_unsent()
}

/// Tries again to send what syslog has not taken, waiting for nothing: for whoever has a loop, about
/// once a second, while there is something.
pub fn pump() {
    if has_unsent()
        && let Some(handle) = INSTALLED.get()
    {
        // The only error is that the log is being replaced at this moment.
        let _ = handle.with_current(ErrorLog::pump);
    }
}

/// Goes on with other settings; nothing happens before [`init`].
///
/// # Errors
/// The file cannot be opened (the message begins with its name); nothing has changed then.
pub fn reconfigure(config: &Config) -> io::Result<()> {
    let Some(handle) = INSTALLED.get() else {
        return Ok(());
    };
    let outlets = Outlets::open(config)?;
    handle.modify(|log| log.redirect(outlets, config.loglevel)).map_err(io::Error::other)
}

/// Makes a panic a line of this log: for a worker process.
pub fn record_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

#[cfg(test)]
mod tests;
