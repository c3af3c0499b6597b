//! `/cpu`: work that no waiting hides. It is measured in processor time of the thread, not by the
//! clock on the wall: two requests that share a processor must take twice as long, or the route
//! would not load what it is there to load.

use std::hint::black_box;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use sha2::{Digest, Sha256};

/// How many milliseconds are computed when nobody says.
pub(super) const DEFAULT: u64 = 5;

/// Computes until the thread has used `time` more of its processor.
pub(super) fn compute(time: Duration) {
    let Some(until) = used().and_then(|used| used.checked_add(time)) else {
        return;
    };
    let mut work = Sha256::digest([]);
    while used().is_some_and(|used| used < until) {
        work = black_box(Sha256::digest(work));
    }
}

fn used() -> Option<Duration> {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok().map(Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_uses_the_processor_for_that_long() {
        let before = used().unwrap();
        compute(Duration::from_millis(3));
        assert!(used().unwrap() - before >= Duration::from_millis(3));
    }
}
