//! Waiting without sleeping. A test that sleeps is either slow or wrong on a loaded machine; here
//! every wait is for an event or a condition, and has a deadline that only a hang ever reaches.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The environment variable that multiplies every deadline by a whole number, for slow machines.
pub const PATIENCE: &str = "SUITE_PATIENCE";
/// What they are multiplied by when nothing is said: each is written for a machine that has nothing
/// else to do, and costs nothing unless it is reached.
const USUAL: u32 = 3;

/// How long a condition that has no event of its own is left alone between two looks at it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

fn patience() -> u32 {
    static PATIENCE_READ: OnceLock<u32> = OnceLock::new();
    *PATIENCE_READ.get_or_init(|| {
        let text = std::env::var(PATIENCE).unwrap_or_default();
        text.parse().unwrap_or(USUAL).max(1)
    })
}

/// A moment after which waiting counts as a hang.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    allowed: Duration,
}

impl Deadline {
    /// So long from now, times what [`PATIENCE`] says.
    pub fn after(allowed: Duration) -> Deadline {
        let allowed = allowed * patience();
        Deadline { at: Instant::now() + allowed, allowed }
    }

    /// So many seconds from now, times what [`PATIENCE`] says.
    pub fn seconds(allowed: u64) -> Deadline {
        Deadline::after(Duration::from_secs(allowed))
    }

    /// What is left, or nothing when it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        let left = self.at.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// How long it was at first.
    pub fn allowed(&self) -> Duration {
        self.allowed
    }

    /// Looks again and again until `look` finds something; nothing when the time is over.
    pub fn poll<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = look() {
                return Some(found);
            }
            let left = self.remaining()?;
            std::thread::park_timeout(BETWEEN_LOOKS.min(left));
        }
    }

    /// As [`Deadline::poll`].
    ///
    /// # Panics
    /// When the time is over, naming what was waited for.
    #[track_caller]
    pub fn expect<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        match self.poll(look) {
            Some(found) => found,
            None => panic!("not within {:?}: {what}", self.allowed),
        }
    }

    /// As [`Deadline::expect`], for a plain condition.
    ///
    /// # Panics
    /// When the time is over, naming what was waited for.
    #[track_caller]
    pub fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        self.expect(what, || condition().then_some(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_looked_at_until_it_holds() {
        let mut looks = 0;
        Deadline::seconds(5).until("the third look", || {
            looks += 1;
            looks == 3
        });
        assert_eq!(looks, 3);
    }

    #[test]
    fn what_never_comes_is_given_up() {
        let deadline = Deadline::after(Duration::from_millis(20));
        assert_eq!(deadline.poll(|| None::<()>), None);
        assert_eq!(deadline.remaining(), None);
    }
}
