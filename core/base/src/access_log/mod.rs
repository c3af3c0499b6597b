//! The access log: a line for each request, in gunicorn's format or as an object, that no request can
//! forge and no reader can slow down.
//!
//! The way of a line: [`AccessWriter::begin`] keeps of the request what the compiled [`Format`]
//! names, [`AccessWriter::finish`] formats it into the buffer of its thread,
//! [`AccessWriter::flush`] hands the buffer to the one thread of the process that writes. What may
//! wait between the two is bounded; where the destination does not keep up, lines are dropped, counted
//! ([`AccessLog::dropped`]) and reported in the error log once a second.
//!
//! One record is one line, whatever the client has sent: control characters, quotes, backslashes and
//! bytes beyond ASCII are escaped (`\"`, `\\`, `\xHH`).
//!
//! What statsd is told of requests ([`crate::statsd`]) is known at the same two moments, so it is
//! counted here too, with or without lines.

mod clock;
mod escape;
mod format;
mod line;
mod losses;
mod object;
mod outlets;
mod output;
mod queue;
mod record;
mod target;
mod thread;
mod user;
mod writer;

use std::io;
use std::sync::Arc;

use crate::config::Config;
use crate::log::fields::Syntax;
use crate::post::Lookups;
use crate::statsd::Reporter;
use crate::syslog::{self, Syslog};
use object::Room;
use outlets::{Messages, Outlets};
use output::Output;
use thread::Thread;
use writer::Lines;

pub use format::{ATOMS, AtomRow, Format};
pub use record::{Pending, RequestLine};
pub use writer::AccessWriter;

/// Why there can be no access log.
#[derive(Debug, thiserror::Error)]
pub enum AccessLogError {
    /// `access_log_format` is none.
    #[error("access_log_format: {0}")]
    Format(String),
    /// `accesslog` cannot be opened.
    #[error("accesslog: {0}")]
    Destination(io::Error),
}

impl From<AccessLogError> for io::Error {
    fn from(error: AccessLogError) -> io::Error {
        let kind = match &error {
            AccessLogError::Format(_) => io::ErrorKind::InvalidInput,
            AccessLogError::Destination(source) => source.kind(),
        };
        io::Error::new(kind, error)
    }
}

/// The log of one worker process, made after the fork. Clones are the same log.
///
/// When the last clone is dropped, what is queued is written; a destination that is blocked is
/// waited for at most one second. The writers are to be dropped before it: what they send later is
/// counted as dropped.
#[derive(Clone, Debug)]
pub struct AccessLog {
    format: Arc<Format>,
    lines: Option<(Arc<Thread>, Room)>,
    statsd: Option<Arc<Reporter>>,
}

/// What lines look like.
fn format(config: &Config) -> Result<Format, AccessLogError> {
    let pieces = Format::parse(&config.access_log_format).map_err(AccessLogError::Format)?;
    Ok(Syntax::of(config.log_format).map_or(pieces, Format::object))
}

impl AccessLog {
    /// Opens the log that the settings describe; None if they describe none, and no metrics either.
    /// Starts a thread for each of the two: never to be called in the master.
    ///
    /// # Errors
    /// Those of [`AccessLog::check`], and out of threads.
    pub fn open(config: &Config) -> io::Result<Option<AccessLog>> {
        let mut format = format(config)?;
        let output = config.accesslog.as_ref().map(Output::open).transpose();
        let output = output.map_err(AccessLogError::Destination)?;
        let syslog = Syslog::from_settings(config, syslog::Log::Access, Lookups::Always);
        let outlets = Outlets { output, syslog: syslog.map(Messages::new) };
        let statsd = Reporter::start(config)?.map(Arc::new);
        let lines = if outlets.is_empty() {
            format = Format::nothing();
            None
        } else {
            let room = outlets.room();
            Some((Arc::new(Thread::start(outlets)?), room))
        };
        let log = AccessLog { format: Arc::new(format), lines, statsd };
        Ok((log.lines.is_some() || log.statsd.is_some()).then_some(log))
    }

    /// Whether [`AccessLog::open`] could open it: in the master, before the fork. A file that is not
    /// there is created. The format is looked at even when there is no log.
    ///
    /// # Errors
    /// The format is bad, or the file cannot be opened to write; the message names the setting, and
    /// the piece or the path.
    pub fn check(config: &Config) -> Result<(), AccessLogError> {
        format(config)?;
        match &config.accesslog {
            Some(destination) => {
                Output::open(destination).map(drop).map_err(AccessLogError::Destination)
            }
            None => Ok(()),
        }
    }

    /// A writer for one thread.
    pub fn writer(&self) -> AccessWriter {
        let lines = self
            .lines
            .as_ref()
            .map(|(thread, room)| Lines::new(thread.queue.clone(), &self.format, *room));
        let meter = self.statsd.as_ref().map(|reporter| reporter.meter());
        AccessWriter::new(self.format.clone(), lines, meter)
    }

    /// Has the file opened again by its name, after somebody has renamed it. Waits for nothing; what
    /// is flushed from now on goes to the new file, and no line is lost. When the file cannot be
    /// opened the old one is kept, and the error log says so.
    pub fn reopen(&self) {
        if let Some((thread, _)) = &self.lines {
            thread.queue.reopen();
        }
    }

    /// Writes what is queued, sends what is counted, and ends the log, for all clones: a worker that leaves may have threads,
    /// or coroutines, that hold it still. A destination that is blocked is waited for at most one
    /// second.
    pub fn close(&self) {
        if let Some((thread, _)) = &self.lines {
            thread.end();
        }
        if let Some(reporter) = &self.statsd {
            reporter.end();
        }
    }

    /// Lines that have not reached the destination, in this process.
    pub fn dropped(&self) -> u64 {
        self.lines.as_ref().map_or(0, |(thread, _)| thread.queue.losses.total())
    }
}

#[cfg(test)]
mod tests;
