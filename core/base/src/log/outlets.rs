//! The places that an entry of the error log goes to: always a file or the standard stream, and
//! syslog if the settings say so. Neither is waited for.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::entry::Entry;
use super::sink::Sink;
use crate::config::{Config, LogFormat, LogLevel};
use crate::post::Lookups;
use crate::sys;
use crate::syslog::{self, Syslog};

/// Milliseconds between two reports of what syslog has not taken.
const INTERVAL: u64 = 1000;

/// Whether [`Outlets::pump`] has something to do, for whoever does not want to take a lock to know.
static UNSENT: AtomicBool = AtomicBool::new(false);

/// See [`super::has_unsent`].
pub(super) fn has_unsent() -> bool {
    UNSENT.load(Ordering::Relaxed)
}

/// What has not reached syslog and has not been reported.
#[derive(Debug, Default)]
struct Lost {
    count: u64,
    why: String,
    reported: u64,
}

/// See the module.
pub(super) struct Outlets {
    pub(super) sink: Sink,
    format: LogFormat,
    syslog: Option<Syslog>,
    lost: Lost,
}

impl Outlets {
    /// # Errors
    /// The file cannot be opened; the message begins with its name.
    pub(super) fn open(config: &Config) -> io::Result<Outlets> {
        Ok(Outlets {
            sink: Sink::open(&config.errorlog, config.log_format)?,
            format: config.log_format,
            syslog: Syslog::from_settings(config, syslog::Log::Error, Lookups::First),
            lost: Lost::default(),
        })
    }

    /// Goes on with other places.
    pub(super) fn replace(&mut self, other: Outlets) {
        // What the old daemon has not taken by now it will not get.
        self.pump();
        self.sink.replace(other.sink);
        (self.format, self.syslog) = (other.format, other.syslog);
    }

    pub(super) fn write(&mut self, entry: &Entry<'_>) {
        self.sink.write(&entry.line(self.format));
        let Some(syslog) = &mut self.syslog else { return };
        let message = entry.message(self.format);
        if let Err(error) = syslog.send(entry.level.into(), &message, Duration::ZERO) {
            self.lost.count += 1;
            self.lost.why = error.to_string();
        }
        self.pump();
    }

    /// Sends what syslog has not taken yet, and reports what is lost.
    pub(super) fn pump(&mut self) {
        let Some(syslog) = &mut self.syslog else { return };
        syslog.flush();
        let now = sys::coarse_millis();
        let is_due = self.lost.reported == 0 || now >= self.lost.reported + INTERVAL;
        if self.lost.count > 0 && is_due {
            let Lost { count, why, .. } = std::mem::take(&mut self.lost);
            self.lost.reported = now;
            let message = format!("Error log: {count} lines did not reach syslog: {why}");
            let level = LogLevel::Warning;
            self.sink.write(
                &Entry { level, target: module_path!(), message: &message }.line(self.format),
            );
        }
        UNSENT.store(syslog.has_unsent() || self.lost.count > 0, Ordering::Relaxed);
    }
}
