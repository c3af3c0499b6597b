//! The books of one run: the engine reports what happens, this knows what it counts as.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::tally::{Failure, Latency, Outcome};

#[derive(Debug)]
pub(super) struct Book {
    start: Instant,
    end: Instant,
    cpu: Duration,
    latency: Latency,
    lag: Latency,
    longest: Duration,
    outcome: Outcome,
}

/// Processor time of this process so far.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

impl Book {
    /// For a window from now to `end`.
    pub(super) fn new(end: Instant) -> Book {
        Book {
            start: Instant::now(),
            end,
            cpu: processor_time(),
            latency: Latency::default(),
            lag: Latency::default(),
            longest: Duration::ZERO,
            outcome: Outcome::default(),
        }
    }

    /// One answer to a request that should have been sent at `intended`.
    pub(super) fn answered(&mut self, intended: Instant, status: u16) {
        if status != 200 {
            self.outcome.errors.count(Failure::Status, 1);
            return;
        }
        let now = Instant::now();
        let latency = now.saturating_duration_since(intended);
        self.longest = self.longest.max(latency);
        self.latency.record(latency);
        self.outcome.answered += 1;
        self.outcome.in_window += u64::from(now < self.end);
    }

    pub(super) fn received(&mut self, bytes: u64) {
        self.outcome.bytes += bytes;
    }

    pub(super) fn failed(&mut self, failure: Failure, requests: u32) {
        self.outcome.errors.count(failure, requests.into());
    }

    /// Requests that were due in an open loop.
    pub(super) fn due(&mut self, requests: u64) {
        self.outcome.due = requests;
    }

    /// How late the generator has noticed an arrival.
    pub(super) fn late(&mut self, by: Duration) {
        self.lag.record(by);
    }

    /// Requests that were due so long ago and could not be sent.
    pub(super) fn unsent(&mut self, waited: Duration, requests: u32) {
        self.unanswered(waited, requests);
        self.outcome.errors.unsent += u64::from(requests);
    }

    /// Requests whose latency is not known, except that it is more than this.
    pub(super) fn unanswered(&mut self, waited: Duration, requests: u32) {
        for _ in 0..requests {
            self.latency.record(waited);
        }
    }

    /// Requests that are under way when a closed loop ends. They are only remarkable when they have
    /// waited longer than any other; the rest would be measured as too short.
    pub(super) fn under_way(&mut self, waited: Duration, requests: u32) {
        if waited > self.longest {
            self.unanswered(waited, requests);
        }
    }

    /// The window is over, perhaps before its time.
    pub(super) fn end_window(&mut self, now: Instant) {
        self.end = self.end.min(now);
        self.outcome.window = (self.end - self.start).as_secs_f64();
        self.outcome.cpu = processor_time().saturating_sub(self.cpu).as_secs_f64();
    }

    pub(super) fn close(mut self) -> Outcome {
        self.outcome.latency = self.latency.pairs();
        self.outcome.lag = self.lag.at(0.99);
        self.outcome
    }
}
