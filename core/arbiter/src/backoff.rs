//! How long to wait before a place is filled again. A worker that crashes once is replaced at once;
//! one that cannot boot would be forked thousands of times a second if nobody counted. What is
//! counted belongs to the place, not to the master: one place that fails does not delay the others.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// A worker that has served for this long owes nothing to the failures before it.
const STEADY: Duration = Duration::from_secs(10);

/// A place that is to be filled, not before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vacancy {
    /// When.
    pub(crate) due: Duration,
    /// How many failures in a row the place has seen.
    pub(crate) failures: u32,
}

/// How far a worker had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It was never ready.
    Boot,
    /// It was ready, for this long.
    Served(Duration),
}

/// A small generator of its own (splitmix64): the state machine stays pure, and a run can be repeated
/// from its seed.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Jitter {
        Jitter(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between three quarters of `time` and the whole of it, so that places that failed together do
    /// not try again together.
    fn shorten(&mut self, time: Duration) -> Duration {
        let quarter = time / 4;
        let nanos = u64::try_from(quarter.as_nanos()).unwrap_or(u64::MAX).max(1);
        time - Duration::from_nanos(self.next() % nanos)
    }
}

/// The place of a worker that failed now, after `failures` in a row before it.
pub(crate) fn vacancy(
    now: Duration,
    failures: u32,
    progress: Progress,
    jitter: &mut Jitter,
) -> Vacancy {
    let (failures, doublings) = match progress {
        Progress::Boot => (failures.saturating_add(1), Some(failures)),
        Progress::Served(time) if time >= STEADY => (1, None),
        Progress::Served(_) => (failures.saturating_add(1), failures.checked_sub(1)),
    };
    let delay = doublings.map_or(Duration::ZERO, |n| {
        let factor = 1_u32.checked_shl(n).unwrap_or(u32::MAX);
        jitter.shorten(FIRST.saturating_mul(factor).min(LONGEST))
    });
    Vacancy { due: now + delay, failures }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn delay(failures: u32, progress: Progress) -> Duration {
        vacancy(NOW, failures, progress, &mut Jitter::new(u64::from(failures))).due - NOW
    }

    #[test]
    fn a_failing_boot_is_tried_again_later_and_later() {
        for (failures, millis) in
            [(0, 100), (1, 200), (2, 400), (6, 6400), (7, 10_000), (99, 10_000)]
        {
            let longest = Duration::from_millis(millis);
            let delay = delay(failures, Progress::Boot);
            assert!(delay <= longest && delay >= longest / 4 * 3, "{failures}: {delay:?}");
        }
    }

    #[test]
    fn a_crash_is_replaced_at_once_unless_it_repeats() {
        let short = Progress::Served(Duration::from_secs(1));
        assert_eq!(delay(0, short), Duration::ZERO);
        assert!(delay(1, short) > Duration::ZERO);
        assert!(delay(5, short) > delay(1, short));
        let steady = vacancy(NOW, 5, Progress::Served(STEADY), &mut Jitter::new(1));
        assert_eq!((steady.due, steady.failures), (NOW, 1));
    }
}
