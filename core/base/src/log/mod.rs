//! The error log: what the server says about itself, in gunicorn's line format.
//!
//! The master writes it too, and the master has one thread and must never wait. So there is no
//! appender thread behind it: a line is one write(2) of at most [`LINE_LIMIT`] bytes, made only when
//! it cannot block; a line that would block is dropped and counted, and the count is reported before
//! the next line that goes through. Nothing here panics, whatever has become of the destination.
//!
//! Everything is logged with the macros of `tracing`; `error!` with the target `"critical"` is
//! CRITICAL, the one level that tracing lacks. Fields follow the message as ` key=value`. Control
//! characters are escaped wherever they come from, so that nobody can forge a line. Forging a
//! *field* inside a line remains possible for a value that is logged with `%`: log what a client has
//! sent with `?`, which quotes it. Spans add nothing to a line and are switched off.

mod layer;
mod line;
mod sink;
pub(crate) mod stamp;

use std::io;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, reload};

use crate::config::{Destination, LogLevel};
use layer::ErrorLog;
use sink::Sink;

pub use line::LINE_LIMIT;
pub(crate) use sink::open_append;

static INSTALLED: OnceLock<reload::Handle<ErrorLog, Registry>> = OnceLock::new();

/// Opens the log and makes it the destination of every `tracing` event of this process and of those
/// it forks. A second call is a [`reconfigure`].
///
/// # Errors
/// The file cannot be opened (the message begins with its name), or the process has a subscriber of
/// somebody else's already.
pub fn init(dest: &Destination, level: LogLevel) -> io::Result<()> {
    if INSTALLED.get().is_some() {
        return reconfigure(dest, level);
    }
    let (layer, handle) = reload::Layer::new(ErrorLog::new(Sink::open(dest)?, level));
    tracing::subscriber::set_global_default(Registry::default().with(layer))
        .map_err(io::Error::other)?;
    let _ = INSTALLED.set(handle);
    Ok(())
}

/// Whether [`init`] could open this destination. A file that is not there is created.
///
/// # Errors
/// The file cannot be opened; the message begins with its name.
pub fn check(dest: &Destination) -> io::Result<()> {
    Sink::open(dest).map(drop)
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
}

/// Goes on with another level and another destination; nothing happens before [`init`].
///
/// # Errors
/// The file cannot be opened (the message begins with its name); nothing has changed then.
pub fn reconfigure(dest: &Destination, level: LogLevel) -> io::Result<()> {
    let Some(handle) = INSTALLED.get() else {
        return Ok(());
    };
    let sink = Sink::open(dest)?;
    handle.modify(|log| log.redirect(sink, level)).map_err(io::Error::other)
}

/// Makes a panic a line of this log: for a worker process.
pub fn record_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}

#[cfg(test)]
mod tests;
