//! The open loop: requests arrive at times that were fixed beforehand. A request is late from the
//! moment at which it should have been sent, even if the server's slowness is the reason why it
//! could not be: otherwise a server that stalls would be asked less, and look the better for it.

use std::time::{Duration, Instant};

/// Evenly spaced arrivals within a window.
#[derive(Debug)]
pub(super) struct Schedule {
    start: Instant,
    gap: f64,
    total: u64,
    /// The first that has not been sent.
    unsent: u64,
    /// The first whose time had not come when somebody last looked.
    ahead: u64,
}

impl Schedule {
    /// `rate` arrivals a second for `window`, the first at once.
    pub(super) fn new(start: Instant, rate: f64, window: Duration) -> Schedule {
        let total = (rate * window.as_secs_f64()).round().max(1.0);
        Schedule {
            start,
            gap: 1.0 / rate.max(f64::MIN_POSITIVE),
            total: total as u64,
            unsent: 0,
            ahead: 0,
        }
    }

    fn at(&self, index: u64) -> Instant {
        self.start + Duration::from_secs_f64(index as f64 * self.gap)
    }

    /// Arrivals in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Looks at the clock: calls `late` with how long ago each arrival was due that nobody has
    /// looked at before. That is the generator's own lateness, whether or not a connection is free.
    pub(super) fn notice(&mut self, now: Instant, mut late: impl FnMut(Duration)) {
        while self.ahead < self.total {
            let at = self.at(self.ahead);
            if at > now {
                return;
            }
            late(now - at);
            self.ahead += 1;
        }
    }

    /// The intended time of the next arrival that is due, as of the last look, and not sent.
    pub(super) fn take(&mut self) -> Option<Instant> {
        let due = (self.unsent < self.ahead).then(|| self.at(self.unsent))?;
        self.unsent += 1;
        Some(due)
    }

    /// Whether an arrival is due, as of the last look, and not sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.unsent < self.ahead
    }

    /// When the next arrival comes that nobody has looked at. None: there are no more.
    pub(super) fn next(&self) -> Option<Instant> {
        (self.ahead < self.total).then(|| self.at(self.ahead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_due_at_their_times_and_wait_for_a_connection() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut schedule = Schedule::new(start, 100.0, Duration::from_millis(50));
        assert_eq!(schedule.total(), 5);
        assert_eq!(schedule.take(), None, "nobody has looked at the clock");
        let mut late = Vec::new();
        schedule.notice(after(25), |by| late.push(by.as_millis()));
        assert_eq!(late, [25, 15, 5]);
        schedule.notice(after(25), |_| panic!("an arrival is noticed once"));
        assert_eq!(schedule.take(), Some(start));
        assert_eq!(schedule.next(), Some(after(30)));
        schedule.notice(after(500), drop);
        let rest: Vec<_> = std::iter::from_fn(|| schedule.take()).collect();
        assert_eq!(rest, [after(10), after(20), after(30), after(40)]);
        assert!(schedule.next().is_none() && !schedule.has_unsent());
    }
}
