//! Lines that did not reach the log: counted at once, reported at most once a second.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use nix::errno::Errno;

use crate::sys;

/// Milliseconds between two reports.
const INTERVAL: u64 = 1000;

/// Why a line was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What was written before it is still waiting.
    Slow,
    /// The system has refused it.
    Refused(Errno),
}

/// Where the lines have not arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// At the log's own destination.
    #[default]
    Destination,
    Syslog,
}

/// The counters of one process. The words are independent of each other: a report may at worst name
/// the cause of the next loss.
#[derive(Debug, Default)]
pub(super) struct Losses {
    place: Place,
    lost: AtomicU64,
    reported: AtomicU64,
    /// [`sys::coarse_millis`] of the last report; 0: there was none.
    last: AtomicU64,
    /// Of the last loss; 0: the destination was slow.
    errno: AtomicI32,
}

impl Losses {
    pub(super) fn at(place: Place) -> Losses {
        Losses { place, ..Losses::default() }
    }

    /// Counts, and reports if it is time to.
    pub(super) fn add(&self, lines: u64, cause: Cause) {
        let errno = match cause {
            Cause::Slow => 0,
            Cause::Refused(errno) => errno as i32,
        };
        self.errno.store(errno, Ordering::Relaxed);
        self.lost.fetch_add(lines, Ordering::Relaxed);
        self.report();
    }

    /// All that were lost.
    pub(super) fn total(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Whether a report is due, now or later.
    pub(super) fn is_unreported(&self) -> bool {
        self.total() > self.reported.load(Ordering::Relaxed)
    }

    /// Reports what has not been, unless the last report is too recent.
    pub(super) fn report(&self) {
        self.report_at(sys::coarse_millis());
    }

    fn report_at(&self, now: u64) {
        let last = self.last.load(Ordering::Relaxed);
        let is_due = last == 0 || now.saturating_sub(last) >= INTERVAL;
        let relaxed = Ordering::Relaxed;
        // Of several threads, the one that sets the clock reports.
        let is_ours = || self.last.compare_exchange(last, now, relaxed, relaxed).is_ok();
        if self.is_unreported() && is_due && is_ours() {
            self.report_all();
        }
    }

    /// Reports what has not been, whenever the last report was.
    pub(super) fn report_all(&self) {
        let total = self.total();
        let count = total.saturating_sub(self.reported.swap(total, Ordering::Relaxed));
        match self.errno.load(Ordering::Relaxed) {
            _ if count == 0 => {}
            errno => {
                let why = std::io::Error::from_raw_os_error(errno);
                match (self.place, errno) {
                    (Place::Destination, 0) => {
                        tracing::warn!("Access log: {count} lines dropped, its reader is too slow")
                    }
                    (Place::Destination, _) => {
                        tracing::warn!("Access log: {count} lines lost: {why}");
                    }
                    (Place::Syslog, 0) => tracing::warn!(
                        "Access log: {count} lines did not reach syslog, it is too slow"
                    ),
                    (Place::Syslog, _) => {
                        tracing::warn!("Access log: {count} lines did not reach syslog: {why}");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_reported_once_a_second() {
        let losses = Losses::default();
        let reported = |losses: &Losses| losses.reported.load(Ordering::Relaxed);
        losses.add(3, Cause::Slow);
        assert_eq!((losses.total(), reported(&losses)), (3, 3));
        let first = losses.last.load(Ordering::Relaxed);
        losses.lost.fetch_add(4, Ordering::Relaxed);
        losses.report_at(first + INTERVAL - 1);
        assert_eq!(reported(&losses), 3);
        assert!(losses.is_unreported());
        losses.report_at(first + INTERVAL);
        assert_eq!(reported(&losses), 7);
        losses.report_at(first + 5 * INTERVAL);
        assert!(!losses.is_unreported());
        losses.add(1, Cause::Refused(Errno::ENOSPC));
        losses.report_all();
        assert_eq!((losses.total(), reported(&losses)), (8, 8));
    }
}
