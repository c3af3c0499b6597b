//! Things that are used again, stacks: as many are kept as there was lately a use for. A thousand
//! requests that wait at once come and go in waves, and to give back the memory after each wave and fault
//! it in again costs more than all else of a request. What a time has passed without a use for goes, a
//! little at a time.

use std::time::Duration;

/// So many are kept in any case.
const ALWAYS: usize = 128;
/// So many go at once, each being a system call or two.
const AT_ONCE: usize = 64;
/// What nobody has needed for so long goes.
pub(crate) const PERIOD: Duration = Duration::from_millis(250);

/// Whether [`Spares::tidy`] is to be called when the [`PERIOD`] is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tidy {
    Later,
    /// There is nothing to do, or it is to be called already.
    No,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Spares<T> {
    all: Vec<T>,
    /// The fewest that there were in this period: nobody has needed those.
    fewest: usize,
    tidy: Tidy,
}

impl<T> Default for Spares<T> {
    fn default() -> Spares<T> {
        Spares { all: Vec::new(), fewest: 0, tidy: Tidy::No }
    }
}

impl<T> Spares<T> {
    /// The one that was used last.
    pub(crate) fn take(&mut self) -> Option<T> {
        let last = self.all.pop();
        self.fewest = self.fewest.min(self.all.len());
        last
    }

    pub(crate) fn give_back(&mut self, one: T) -> Tidy {
        self.all.push(one);
        if self.tidy == Tidy::Later || self.all.len() <= ALWAYS {
            return Tidy::No;
        }
        // The period begins here.
        self.fewest = self.all.len();
        self.tidy = Tidy::Later;
        Tidy::Later
    }

    /// A period is over.
    pub(crate) fn tidy(&mut self) -> Tidy {
        let surplus = self.all.len().saturating_sub(ALWAYS).min(self.fewest).min(AT_ONCE);
        // Those at the front have not been used for longest.
        self.all.drain(..surplus);
        self.fewest = self.all.len();
        self.tidy = if self.all.len() > ALWAYS { Tidy::Later } else { Tidy::No };
        self.tidy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_in_each_period_stays() {
        let mut spares = Spares::default();
        let asked = (0..1000).filter(|n| spares.give_back(*n) == Tidy::Later).count();
        assert_eq!(asked, 1, "once for the period");
        for _ in 0..10 {
            let wave: Vec<_> = (0..900).map(|_| spares.take().unwrap()).collect();
            wave.into_iter().for_each(|one| assert_eq!(spares.give_back(one), Tidy::No));
            assert_eq!(spares.tidy(), Tidy::Later);
        }
        assert!((900..=964).contains(&spares.all.len()), "{}", spares.all.len());
    }

    #[test]
    fn what_nobody_needs_goes_a_little_at_a_time() {
        let mut spares = Spares::default();
        for n in 0..ALWAYS + 2 * AT_ONCE + 1 {
            let _ = spares.give_back(n);
        }
        assert_eq!((spares.tidy(), spares.all.len()), (Tidy::Later, ALWAYS + AT_ONCE + 1));
        assert_eq!((spares.tidy(), spares.all.len()), (Tidy::Later, ALWAYS + 1));
        assert_eq!((spares.tidy(), spares.all.len()), (Tidy::No, ALWAYS));
        assert_eq!(spares.take(), Some(ALWAYS + 2 * AT_ONCE), "the one that was used last");
        assert_eq!(spares.give_back(0), Tidy::No);
        assert_eq!(spares.give_back(0), Tidy::Later, "from the beginning");
    }
}
