//! Whether a worker should take the next connection, or leave it to one that has fewer. All workers
//! share one queue; the kernel wakes whom it likes, so without this one of them would end up with
//! most of the connections. The rule is bounded on purpose: a worker that stands aside three times
//! in a row takes the connection after all, so a stuck sibling cannot make the queue wait.

use std::time::Duration;

/// How long a worker stands aside.
pub const ASIDE: Duration = Duration::from_millis(1);

const AT_MOST_IN_A_ROW: u8 = 3;

/// What to do with the queue now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Take a connection.
    Accept,
    /// Stand aside for [`ASIDE`].
    StandAside,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Gate {
    aside: u8,
}

impl Gate {
    /// Decides, by the connections of this worker and the fewest that another live worker has.
    pub fn ask(&mut self, mine: u64, fewest_elsewhere: Option<u64>) -> Verdict {
        let crowded = fewest_elsewhere.is_some_and(|fewest| mine > fewest + 1 + fewest / 16);
        if crowded && self.aside < AT_MOST_IN_A_ROW {
            self.aside += 1;
            return Verdict::StandAside;
        }
        self.aside = 0;
        Verdict::Accept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowded_worker_stands_aside_three_times_and_no_more() {
        let mut gate = Gate::default();
        for round in 0..3 {
            for turn in 0..3 {
                assert_eq!(gate.ask(10, Some(2)), Verdict::StandAside, "{round} {turn}");
            }
            assert_eq!(gate.ask(10, Some(2)), Verdict::Accept, "{round}");
        }
    }

    #[test]
    fn small_differences_and_solitude_are_no_reason() {
        let mut gate = Gate::default();
        for (mine, fewest) in [(0, Some(0)), (1, Some(0)), (3, Some(2)), (53, Some(50)), (9, None)]
        {
            assert_eq!(gate.ask(mine, fewest), Verdict::Accept, "{mine} {fewest:?}");
        }
        assert_eq!(gate.ask(55, Some(50)), Verdict::StandAside);
    }
}
