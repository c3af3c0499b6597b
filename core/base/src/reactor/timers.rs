//! Deadlines, earliest first. An entry is never moved or removed: a connection has one, and when it
//! comes up too early, because the deadline has moved meanwhile, it is put in again. So a request
//! that moves its connection's deadline costs a store and no heap operation.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// See the module; `K` says whose deadline it is.
#[derive(Debug)]
pub struct Timers<K>(BinaryHeap<Reverse<(Instant, K)>>);

impl<K: Ord> Default for Timers<K> {
    fn default() -> Self {
        Timers(BinaryHeap::new())
    }
}

impl<K: Ord> Timers<K> {
    /// Adds an entry.
    pub fn add(&mut self, at: Instant, key: K) {
        self.0.push(Reverse((at, key)));
    }

    /// Takes the earliest entry if it is due.
    pub fn due(&mut self, now: Instant) -> Option<K> {
        match self.0.peek() {
            Some(Reverse((at, _))) if *at <= now => self.0.pop().map(|Reverse((_, key))| key),
            _ => None,
        }
    }

    /// How long until the next entry is due.
    pub fn next_in(&self, now: Instant) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| at.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_up_in_order_when_due() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        for (ms, key) in [(30, 'c'), (10, 'a'), (20, 'b')] {
            timers.add(after(ms), key);
        }
        assert_eq!(timers.next_in(start), Some(Duration::from_millis(10)));
        assert_eq!(timers.due(after(5)), None);
        assert_eq!(timers.due(after(20)), Some('a'));
        assert_eq!(timers.due(after(20)), Some('b'));
        assert_eq!(timers.due(after(20)), None);
        assert_eq!(timers.next_in(after(40)), Some(Duration::ZERO));
    }
}
