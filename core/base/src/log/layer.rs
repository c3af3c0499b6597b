//! From a `tracing` event to a line. A layer of its own rather than `tracing_subscriber::fmt`: that
//! one prints to standard error when its writer fails, and panics when this fails too.

use std::fmt::{self, Write};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::counts::Complaint;
use super::entry::{Entry, Message};
use super::outlets::Outlets;
use crate::config::LogLevel;

/// The target that makes an error critical.
const CRITICAL: &str = "critical";

/// The target of an error that stands for a failure of the application.
const EXCEPTION: &str = "exception";

/// The log: where it goes, and from which level on.
pub(super) struct ErrorLog {
    level: LogLevel,
    outlets: Mutex<Outlets>,
}

impl ErrorLog {
    pub(super) fn new(outlets: Outlets, level: LogLevel) -> ErrorLog {
        let outlets = Mutex::new(outlets);
        ErrorLog { level, outlets }
    }

    /// A thread that panicked while it held them has left at worst a wrong count.
    fn outlets(&self) -> MutexGuard<'_, Outlets> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn reopen(&self) -> io::Result<()> {
        self.outlets().sink.reopen()
    }

    pub(super) fn pump(&self) {
        self.outlets().pump();
    }

    pub(super) fn redirect(&mut self, outlets: Outlets, level: LogLevel) {
        self.level = level;
        self.outlets().replace(outlets);
    }
}

/// None: too small to be shown at any level.
fn level_of(metadata: &Metadata<'_>) -> Option<LogLevel> {
    match *metadata.level() {
        tracing::Level::ERROR if metadata.target() == CRITICAL => Some(LogLevel::Critical),
        tracing::Level::ERROR => Some(LogLevel::Error),
        tracing::Level::WARN => Some(LogLevel::Warning),
        tracing::Level::INFO => Some(LogLevel::Info),
        tracing::Level::DEBUG => Some(LogLevel::Debug),
        tracing::Level::TRACE => None,
    }
}

impl<S: Subscriber> Layer<S> for ErrorLog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && level_of(metadata).is_some_and(|level| level >= self.level)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.level {
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Warning => LevelFilter::WARN,
            LogLevel::Error | LogLevel::Critical => LevelFilter::ERROR,
        })
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let Some(level) = level_of(metadata) else {
            return;
        };
        let complaint = match metadata.target() {
            EXCEPTION => Some(Complaint::Exception),
            _ => Complaint::of(level),
        };
        complaint.into_iter().for_each(Complaint::count);
        let mut message = Message::default();
        event.record(&mut Text(&mut message));
        event.record(&mut Fields(&mut message));
        let target = metadata.module_path().unwrap_or(metadata.target());
        self.outlets().write(&Entry { level, target, message: &message.0 });
    }
}

const MESSAGE: &str = "message";

/// Writes the message of an event. What the writing of a [`Message`] returns says only whether it is
/// full.
struct Text<'a>(&'a mut Message);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            let _ = write!(self.0, "{value:?}");
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Writes everything but the message.
struct Fields<'a>(&'a mut Message);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != MESSAGE {
            let _ = write!(self.0, " {}={value:?}", field.name());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
