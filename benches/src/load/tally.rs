//! What a run counts: answers, their latencies, and what went wrong, by kind. A benchmark that folds
//! errors into one number, or leaves them out, lets a server win by refusing.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Requests that came to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// No connection could be made.
    pub connect: u64,
    /// The connection was reset, or closed before the first byte of the answer.
    pub reset: u64,
    /// The connection ended within the answer.
    pub short: u64,
    /// No answer in time.
    pub timeout: u64,
    /// An answer with a status other than 200.
    pub status: u64,
    /// What came was not HTTP.
    pub malformed: u64,
    /// Due in the window, but no connection was free to send them on until it ended.
    pub unsent: u64,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Connect,
    Reset,
    Short,
    Timeout,
    Status,
    Malformed,
}

impl Errors {
    /// Of all kinds.
    pub fn total(&self) -> u64 {
        self.named().iter().map(|(_, count)| count).sum()
    }

    /// Each kind with its name.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("connect", self.connect),
            ("reset", self.reset),
            ("short", self.short),
            ("timeout", self.timeout),
            ("status", self.status),
            ("malformed", self.malformed),
            ("unsent", self.unsent),
        ]
    }

    pub(super) fn count(&mut self, failure: Failure, requests: u64) {
        let field = match failure {
            Failure::Connect => &mut self.connect,
            Failure::Reset => &mut self.reset,
            Failure::Short => &mut self.short,
            Failure::Timeout => &mut self.timeout,
            Failure::Status => &mut self.status,
            Failure::Malformed => &mut self.malformed,
        };
        *field += requests;
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Errors) {
        self.connect += other.connect;
        self.reset += other.reset;
        self.short += other.short;
        self.timeout += other.timeout;
        self.status += other.status;
        self.malformed += other.malformed;
        self.unsent += other.unsent;
    }
}

/// Latencies: nanoseconds from 1 µs to 100 s, with three digits.
#[derive(Clone, Debug)]
pub struct Latency(Histogram<u64>);

const LEAST: u64 = 1_000;
const MOST: u64 = 100_000_000_000;

impl Default for Latency {
    #[expect(clippy::expect_used, reason = "the bounds are constants, and a test makes one")]
    fn default() -> Latency {
        Latency(Histogram::new_with_bounds(LEAST, MOST, 3).expect("constants that are in order"))
    }
}

impl Latency {
    /// One answer.
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(MOST);
        self.0.saturating_record(nanos.max(LEAST));
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share (0 to 1) of the answers did not exceed, in seconds; 0 when there
    /// are none.
    pub fn at(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e9
    }

    /// The mean, in seconds.
    pub fn mean(&self) -> f64 {
        self.0.mean() / 1e9
    }

    /// As (nanoseconds, answers), for a file.
    pub fn pairs(&self) -> Vec<(u64, u64)> {
        self.0
            .iter_recorded()
            .map(|v| (v.value_iterated_to(), v.count_since_last_iteration()))
            .collect()
    }

    /// Adds what [`Latency::pairs`] gave.
    pub fn add_pairs(&mut self, pairs: &[(u64, u64)]) {
        for (nanos, count) in pairs {
            self.0.saturating_record_n(*nanos, *count);
        }
    }
}

/// What a run has found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Answers with status 200, those that came after the window included.
    pub answered: u64,
    /// Those of them that came within the window.
    pub in_window: u64,
    /// The window, in seconds.
    pub window: f64,
    /// Requests due in the window: open loop only.
    pub due: u64,
    /// What went wrong.
    pub errors: Errors,
    /// Latencies of the answers as (nanoseconds, answers); what was never answered stands in it with
    /// the time that it was waited for, since the truth can only be more.
    pub latency: Vec<(u64, u64)>,
    /// How late the generator was with what was due: the 99th percentile, in seconds.
    pub lag: f64,
    /// Processor time of the generator in the window, in seconds.
    pub cpu: f64,
    /// Bytes received.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_survive_the_pipe_and_the_merging_of_rounds() {
        let mut one = Latency::default();
        for millis in 1..=1000 {
            one.record(Duration::from_millis(millis));
        }
        let mut both = Latency::default();
        both.add_pairs(&one.pairs());
        both.add_pairs(&one.pairs());
        assert_eq!((one.count(), both.count()), (1000, 2000));
        for (share, seconds) in [(0.5, 0.5), (0.99, 0.99), (0.999, 0.999), (1.0, 1.0)] {
            for latency in [&one, &both] {
                assert!((latency.at(share) / seconds - 1.0).abs() < 0.002, "{share}");
            }
        }
        assert!((both.mean() - 0.5005).abs() < 0.001);
        assert_eq!(Latency::default().at(0.99), 0.0);
    }

    #[test]
    fn what_is_out_of_bounds_counts_at_the_bound() {
        let mut latency = Latency::default();
        latency.record(Duration::ZERO);
        latency.record(Duration::from_secs(1000));
        assert_eq!(latency.count(), 2);
        assert!(latency.at(0.0) < 0.000_002);
        assert!((latency.at(1.0) / 100.0 - 1.0).abs() < 0.002);
    }

    #[test]
    fn every_kind_of_error_is_told_apart_and_added() {
        let kinds = [
            Failure::Connect,
            Failure::Reset,
            Failure::Short,
            Failure::Timeout,
            Failure::Status,
            Failure::Malformed,
        ];
        let mut errors = Errors::default();
        for (count, kind) in (1..).zip(kinds) {
            errors.count(kind, count);
        }
        errors.unsent = 7;
        let counts = errors.named().map(|(_, count)| count);
        assert_eq!(counts, [1, 2, 3, 4, 5, 6, 7]);
        let before = errors;
        errors.add(&before);
        assert_eq!(errors.total(), 56);
    }
}
