//! Waiting for what tells nobody that it has happened.

use std::time::{Duration, Instant};

use crate::hub::{Hub, Outcome};

/// It is looked at again after this time, and after twice the time each time.
const FIRST: Duration = Duration::from_micros(200);
const MOST: Duration = Duration::from_millis(10);

/// Looks again and again until there is a result; `None`: the time is over, which is for the caller to
/// heed or not.
pub(super) fn look<T>(hub: &Hub, heed: Heed, mut once: impl FnMut() -> Option<T>) -> Option<T> {
    let mut pause = FIRST;
    loop {
        if let Some(found) = once() {
            return Some(found);
        }
        if hub.sleep_quietly(Instant::now() + pause) == Outcome::Over && heed == Heed::Yes {
            return None;
        }
        pause = MOST.min(2 * pause);
    }
}

/// Whether the end of the request's time ends the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heed {
    Yes,
    /// There is no error that the caller could be given.
    No,
}
