//! Whether somebody waits to be accepted, as far as a worker knows, and when it looks again. A worker
//! takes one connection each time that it has looked at the epoll set, so that others may take the
//! next. But a worker whose core is used up looks rarely: what it has at hand takes long, and the
//! kernel reports the listeners once for each round of all that is ready. If one connection were
//! taken then, each would have to wait for one more round of those before it. So long work counts as
//! several looks: while there is more to do, another connection is taken after each [`SLICE`].

use std::time::{Duration, Instant};

/// For how long a worker goes on with what it has while somebody may wait. An accept and what follows
/// from it cost about a quarter of this.
pub(super) const SLICE: Duration = Duration::from_micros(50);

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Knocking {
    /// Nobody is known to wait.
    #[default]
    Nobody,
    /// The listeners were reported, then.
    Somebody(Instant),
    /// A connection was taken then, or could have been, and there may be more.
    Perhaps(Instant),
}

impl Knocking {
    /// Whether a worker that has more to do is to look between.
    pub(super) fn is_due(self, now: Instant) -> bool {
        match self {
            Knocking::Nobody => false,
            Knocking::Somebody(then) | Knocking::Perhaps(then) => now >= then + SLICE,
        }
    }

    /// Everything that is ready has been reported, and what `self` supposes is not among it.
    pub(super) fn unless_reported(self) -> Knocking {
        match self {
            Knocking::Perhaps(_) => Knocking::Nobody,
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_wait_is_looked_for_after_each_slice() {
        let now = Instant::now();
        assert!(!Knocking::Nobody.is_due(now + SLICE));
        for knocking in [Knocking::Somebody(now), Knocking::Perhaps(now)] {
            assert!(!knocking.is_due(now), "{knocking:?}");
            assert!(knocking.is_due(now + SLICE), "{knocking:?}");
        }
    }

    #[test]
    fn a_complete_report_refutes_what_is_supposed_and_nothing_else() {
        let now = Instant::now();
        assert_eq!(Knocking::Perhaps(now).unless_reported(), Knocking::Nobody);
        assert_eq!(Knocking::Somebody(now).unless_reported(), Knocking::Somebody(now));
    }
}
