//! How fast the application answers, on average. The class `sync` keeps a connection alive only
//! while this is under a millisecond, and pipelined responses are gathered into one write only while
//! the application is fast; and answers leave together only while each of a number of requests was
//! quick, and neither so quick nor so slow that it would be no good.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// A request that takes longer may be of another kind than those before it.
const QUICK: Duration = Duration::from_millis(1);
/// So many quick ones, one after the other, promise that the next will be quick.
const STEADY: u32 = 256;

/// An exponentially weighted mean of the handler's time: each request counts for an eighth.
#[derive(Debug, Default)]
pub struct Pace {
    mean: AtomicU64,
    /// Requests since one was not quick.
    quick: AtomicU32,
}

impl Pace {
    /// Takes one more request into account. Threads may race; a lost sample does no harm.
    pub fn record(&self, time: Duration) {
        let sample = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let quick = match time <= QUICK {
            true => self.quick.load(Ordering::Relaxed).saturating_add(1),
            false => 0,
        };
        self.quick.store(quick, Ordering::Relaxed);
        let mean = match self.mean.load(Ordering::Relaxed) {
            0 => sample,
            mean => mean - mean / 8 + sample / 8,
        };
        self.mean.store(mean, Ordering::Relaxed);
    }

    /// Whether the mean is in this range, and has been made up of quick requests for some time.
    pub fn is_steady_within(&self, range: Range<Duration>) -> bool {
        range.contains(&Duration::from_nanos(self.mean.load(Ordering::Relaxed)))
            && self.quick.load(Ordering::Relaxed) >= STEADY
    }

    /// Whether the mean is below `limit`; true before the first request.
    pub fn is_under(&self, limit: Duration) -> bool {
        u128::from(self.mean.load(Ordering::Relaxed)) < limit.as_nanos()
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

    #[test]
    fn one_that_was_slow_is_not_forgotten_soon() {
        let (pace, range) =
            (Pace::default(), Duration::from_micros(10)..Duration::from_micros(200));
        let is_steady_after = |count, micros| {
            (0..count).for_each(|_| pace.record(Duration::from_micros(micros)));
            pace.is_steady_within(range.clone())
        };
        assert!(!is_steady_after(STEADY - 1, 50), "not known for long enough");
        assert!(is_steady_after(1, 50));
        assert!(!is_steady_after(1, 1_001), "a slow one");
        assert!(!is_steady_after(STEADY - 1, 50), "it is not long ago");
        assert!(is_steady_after(1, 50));
        assert!(!is_steady_after(STEADY, 5), "so quick that it makes no difference");
        assert!(!is_steady_after(STEADY, 500), "so slow that it would be noticed");
    }
}
