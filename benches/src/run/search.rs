//! The search for goodput: the highest rate at which every request is answered within the
//! objective. First a ladder of rates, which also makes the plots, up to the first that is too high;
//! then halving, a fixed number of times: the time that it takes is known beforehand.

/// Rates of the ladder, relative to what the closed loop reached.
const LADDER: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 1.0, 1.2];
/// Halvings behind the ladder.
const HALVINGS: u32 = 3;

/// Measurements that a search may need: what the time is planned with.
pub(super) const MOST_STEPS: u32 = LADDER.len() as u32 + HALVINGS;

/// A search under way. It is told of each rate whether the server kept up.
#[derive(Clone, Debug)]
pub(super) struct Search {
    capacity: f64,
    rung: usize,
    halvings: u32,
    /// The highest rate that the server kept up with.
    passed: f64,
    /// The lowest rate that was too high.
    failed: Option<f64>,
}

impl Search {
    /// Around what the server answered per second in a closed loop.
    pub(super) fn around(capacity: f64) -> Search {
        Search { capacity, rung: 0, halvings: 0, passed: 0.0, failed: None }
    }

    /// The next rate to try. None: the search is over.
    pub(super) fn next(&self) -> Option<f64> {
        match self.failed {
            None => LADDER.get(self.rung).map(|share| share * self.capacity),
            Some(failed) if self.halvings < HALVINGS => Some(f64::midpoint(self.passed, failed)),
            Some(_) => None,
        }
    }

    /// The server kept up with this rate.
    pub(super) fn passed(&mut self, rate: f64) {
        self.count();
        self.passed = self.passed.max(rate);
    }

    /// It did not.
    pub(super) fn failed(&mut self, rate: f64) {
        self.count();
        self.failed = Some(self.failed.map_or(rate, |before| before.min(rate)));
    }

    fn count(&mut self) {
        match self.failed {
            None => self.rung += 1,
            Some(_) => self.halvings += 1,
        }
    }

    /// The highest rate that the server kept up with; 0: none.
    pub(super) fn rate(&self) -> f64 {
        self.passed
    }

    /// Whether no rate was too high.
    pub(super) fn is_open(&self) -> bool {
        self.failed.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against a server that keeps up with everything up to `limit`.
    fn search(capacity: f64, limit: f64) -> (Search, u32) {
        let mut search = Search::around(capacity);
        let mut steps = 0;
        while let Some(rate) = search.next() {
            steps += 1;
            if rate <= limit { search.passed(rate) } else { search.failed(rate) }
        }
        (search, steps)
    }

    #[test]
    fn the_limit_is_found_in_bounded_time() {
        for limit in [1.0, 120.0, 640.0, 890.0, 999.0, 1100.0] {
            let (search, steps) = search(1000.0, limit);
            assert!(steps <= MOST_STEPS, "{limit}: {steps}");
            assert!(search.rate() <= limit && !search.is_open());
            let gap = limit - search.rate();
            assert!(gap <= 32.0, "{limit}: {}", search.rate());
        }
    }

    #[test]
    fn a_server_that_keeps_up_with_everything_is_said_to() {
        let (search, steps) = search(1000.0, 5000.0);
        assert_eq!((search.rate(), search.is_open(), steps), (1200.0, true, LADDER.len() as u32));
    }
}
