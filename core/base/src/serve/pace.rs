//! How fast the application answers, on average. The class `sync` keeps a connection alive only
//! while this is under a millisecond, and pipelined responses are gathered into one write only while
//! the application is fast.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An exponentially weighted mean of the handler's time: each request counts for an eighth.
#[derive(Debug, Default)]
pub struct Pace(AtomicU64);

impl Pace {
    /// Takes one more request into account. Threads may race; a lost sample does no harm.
    pub fn record(&self, time: Duration) {
        let sample = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let mean = match self.0.load(Ordering::Relaxed) {
            0 => sample,
            mean => mean - mean / 8 + sample / 8,
        };
        self.0.store(mean, Ordering::Relaxed);
    }

    /// Whether the mean is below `limit`; true before the first request.
    pub fn is_under(&self, limit: Duration) -> bool {
        u128::from(self.0.load(Ordering::Relaxed)) < limit.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_the_application() {
        let pace = Pace::default();
        let limit = Duration::from_millis(1);
        assert!(pace.is_under(limit));
        pace.record(Duration::from_millis(50));
        assert!(!pace.is_under(limit), "the first sample counts whole");
        (0..100).for_each(|_| pace.record(Duration::from_micros(20)));
        assert!(pace.is_under(limit));
    }
}
