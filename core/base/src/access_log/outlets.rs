//! The places that lines go to from the writing thread: the log's own destination, and syslog. The
//! thread may wait for the one as long as it takes; for the other it waits a little, and not again
//! for a while when that was in vain: a syslog daemon that hangs must not hold up the file.

use std::time::Duration;

use memchr::memchr_iter;
use nix::errno::Errno;

use super::losses::{Cause, Losses, Place};
use super::object::Room;
use super::output::Output;
use crate::sys;
use crate::syslog::{Severity, Syslog};

/// How long a message may wait for room at the daemon's.
const PATIENCE: Duration = Duration::from_millis(20);

/// Milliseconds without patience after a wait in vain.
const ANNOYED: u64 = 1000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outlets {
    pub(super) output: Option<Output>,
    pub(super) syslog: Option<Messages>,
}

impl Outlets {
    /// Whether nobody wants lines.
    pub(super) fn is_empty(&self) -> bool {
        self.output.is_none() && self.syslog.is_none()
    }

    /// How long a line may be that is not to be cut anywhere.
    pub(super) fn room(&self) -> Room {
        match (&self.syslog, &self.output) {
            (None, Some(output)) => output.room(),
            _ => Room::OneLine,
        }
    }

    /// Writes whole lines.
    pub(super) fn write(&mut self, lines: &[u8], losses: &Losses) {
        if let Some(messages) = &mut self.syslog {
            messages.send(lines);
        }
        if let Some(output) = &mut self.output {
            output.write(lines, losses);
        }
    }

    /// What there is to do even when there is nothing to write.
    pub(super) fn look_after(&mut self) {
        // The error log has no thread of its own: see `crate::log::pump`.
        crate::log::pump();
        if let Some(messages) = &mut self.syslog {
            messages.syslog.flush();
            messages.losses.report();
        }
    }

    /// Nothing more will be written.
    pub(super) fn end(&mut self) {
        self.look_after();
        if let Some(messages) = &self.syslog {
            messages.losses.report_all();
        }
    }
}

/// Lines as messages to syslog.
#[derive(Debug)]
pub(super) struct Messages {
    syslog: Syslog,
    losses: Losses,
    /// [`sys::coarse_millis`] from which on waiting is worth a try again.
    patient_from: u64,
}

impl Messages {
    pub(super) fn new(syslog: Syslog) -> Messages {
        Messages { syslog, losses: Losses::at(Place::Syslog), patient_from: 0 }
    }

    fn send(&mut self, lines: &[u8]) {
        let mut start = 0;
        for end in memchr_iter(b'\n', lines) {
            self.send_one(&lines[start..end]);
            start = end + 1;
        }
    }

    fn send_one(&mut self, line: &[u8]) {
        let now = sys::coarse_millis();
        let patience = if now >= self.patient_from { PATIENCE } else { Duration::ZERO };
        // Of a line that is too long for a datagram nothing at all would arrive.
        let line = super::escape::cut(line, crate::log::LINE_LIMIT);
        let Err(error) = self.syslog.send(Severity::INFORMATIONAL, line, patience) else { return };
        if error.kind() == std::io::ErrorKind::WouldBlock {
            self.patient_from = now + ANNOYED;
            return self.losses.add(1, Cause::Slow);
        }
        let errno = error.raw_os_error().map_or(Errno::ENOTCONN, Errno::from_raw);
        self.losses.add(1, Cause::Refused(errno));
    }
}
