//! Waiting for time to pass. A handler that called the standard library's `sleep` would stop a whole
//! worker of the coroutine class; this one waits in the way of whatever class runs the handler.

use std::time::Duration;

/// Beyond this the clock's arithmetic could overflow, and nobody can tell the difference.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Lets `duration` pass: yields to other requests in the class `coroutine`, blocks the calling
/// thread elsewhere. More than a hundred years count as a hundred.
pub fn sleep(duration: Duration) {
    oxicorn_core::wait::sleep(duration.min(LONGEST));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn no_less_than_the_time_asked_for_passes() {
        let before = Instant::now();
        sleep(Duration::from_millis(2));
        assert!(before.elapsed() >= Duration::from_millis(2));
        assert!(before.checked_add(LONGEST).is_some());
    }
}
