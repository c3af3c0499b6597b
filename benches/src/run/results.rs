//! Everything that a session has found, as it stands in the JSON. The table and the plots are made
//! of this and of nothing else, so whoever doubts a figure can look where it comes from.

use serde::{Deserialize, Serialize};

use crate::load::{Arrivals, Errors, Latency, Outcome, Spec};
use crate::system::Machine;

/// Whether a run says something about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It does.
    Ranked,
    /// The generator used more than 90 % of a core: what was measured is the generator.
    GeneratorBound,
    /// The generator fell behind its schedule by more than a millisecond: likewise.
    GeneratorLate,
}

/// A share of a core beyond which the generator is taken for the bottleneck.
const BOUND: f64 = 0.9;
/// Seconds by which it may be late, at the 99th percentile.
const LATE: f64 = 0.001;

/// Latencies in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "percentiles are called what they are")]
pub struct Percentiles {
    pub mean: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Percentiles {
    /// Of these latencies.
    pub fn of(latency: &Latency) -> Percentiles {
        Percentiles {
            mean: latency.mean(),
            p50: latency.at(0.5),
            p90: latency.at(0.9),
            p99: latency.at(0.99),
            p999: latency.at(0.999),
            max: latency.at(1.0),
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The case: load and connections.
    pub case: String,
    /// Whose it is.
    pub subject: String,
    /// Which round, from 1; 0 for those of the search.
    pub round: u32,
    /// What was sent.
    pub spec: Spec,
    /// Answers per second, within the window.
    pub throughput: f64,
    /// Latencies, of an open loop from the intended time.
    pub latency: Percentiles,
    /// Processor time of the server for an answer, in seconds; 0 without answers.
    pub cpu_per_request: f64,
    /// Cores that the server used.
    pub server_cores: f64,
    /// The share of a core that the generator used, with the delay server.
    pub generator_cores: f64,
    /// Resident memory of all the server's processes at the end, in bytes, shared pages divided.
    pub pss: u64,
    /// Likewise, shared pages counted each time.
    pub rss: u64,
    /// Memory (pss) for each idle connection, in bytes, if there were any.
    pub memory_per_idle: Option<f64>,
    /// Idle connections when the measurement began and when it ended.
    pub idle: (usize, usize),
    /// The share of the server's processor time that each of its processes used, the largest first,
    /// without those that used less than a hundredth.
    pub shares: Vec<f64>,
    /// From the start of the server's command to the first 200, in seconds.
    pub start_up: f64,
    /// Whether it counts.
    pub verdict: Verdict,
    /// What the generator has counted.
    pub outcome: Outcome,
}

impl Run {
    /// The rate that was offered; None in a closed loop.
    pub fn offered(&self) -> Option<f64> {
        match self.spec.arrivals {
            Arrivals::Closed => None,
            Arrivals::Open { rate } => Some(rate),
        }
    }

    /// Whether the server has kept up: every request answered, the 99th percentile within `bound`
    /// seconds. A generator that was at its limit can only have made that harder.
    pub fn keeps_up(&self, bound: f64) -> bool {
        self.outcome.errors.total() == 0 && self.latency.p99 <= bound && self.outcome.answered > 0
    }
}

/// How many times its lateness a missed bound must exceed to be the server's own.
const BEYOND_DOUBT: f64 = 10.0;

impl Run {
    /// Whether it may be the generator's doing that the 99th percentile is not within `bound` seconds.
    pub fn is_in_doubt(&self, bound: f64) -> bool {
        match self.verdict {
            Verdict::Ranked => false,
            Verdict::GeneratorBound => true,
            Verdict::GeneratorLate => self.latency.p99 - bound < self.outcome.lag * BEYOND_DOUBT,
        }
    }
}

/// What to make of a run in which the generator used so much of a core and was so late.
pub fn verdict(generator_cores: f64, lag: f64) -> Verdict {
    match (generator_cores > BOUND, lag > LATE) {
        (true, _) => Verdict::GeneratorBound,
        (false, true) => Verdict::GeneratorLate,
        (false, false) => Verdict::Ranked,
    }
}

/// The headline: the highest rate that a server keeps up with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Goodput {
    /// The case.
    pub case: String,
    /// Whose it is.
    pub subject: String,
    /// The bound of the 99th percentile, in seconds.
    pub objective: f64,
    /// Requests per second; 0: not even the lowest rate that was tried.
    pub rate: f64,
    /// Whether no higher rate was found too high: the server may be capable of more.
    pub at_least: bool,
    /// Whether a rate was given up because of the generator: the server is not ranked.
    pub generator_limited: bool,
}

/// A median with the extremes around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "statistics are called what they are")]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// Of these; None of nothing.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Spread { median: f64::midpoint(low, high), min, max })
    }
}

/// The rounds of one server at one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// The case.
    pub case: String,
    /// Whose it is.
    pub subject: String,
    /// Answers per second.
    pub throughput: Spread,
    /// Processor time for an answer, in seconds.
    pub cpu_per_request: Spread,
    /// Throughput relative to the first server's in the same round.
    pub throughput_ratio: Option<Spread>,
    /// Processor time for an answer relative to the first server's in the same round.
    pub cpu_ratio: Option<Spread>,
    /// Latencies of all rounds together.
    pub latency: Percentiles,
    /// Errors of all rounds together.
    pub errors: Errors,
    /// Whether the throughput of any round is the generator's.
    pub generator_limited: bool,
}

/// A case, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseNote {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// The bound of the 99th percentile, in seconds.
    pub objective: f64,
}

/// A server, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SubjectNote {
    /// Its name.
    pub name: String,
    /// Its command.
    pub command: String,
}

/// Whether everything that was planned was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// It was.
    Complete,
    /// The user has ended it before.
    Interrupted,
}

/// A whole session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Results {
    /// Of this program.
    pub version: String,
    /// The command that repeats it.
    pub command: String,
    /// What it ran on.
    pub machine: Machine,
    /// Worker processes of each server that has such.
    pub workers: u32,
    /// Threads in each worker of a class that has such.
    pub threads: u32,
    /// Whether the generator had a core of its own.
    pub generator_apart: bool,
    /// How it ended.
    pub ending: Ending,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
    /// The servers, in the order of the table.
    pub subjects: Vec<SubjectNote>,
    /// The cases, in the order of the table.
    pub cases: Vec<CaseNote>,
    /// Every measurement.
    pub runs: Vec<Run>,
    /// What was searched for.
    pub goodput: Vec<Goodput>,
}

impl Results {
    /// The closed loops of one server at one case.
    pub fn rounds<'a>(&'a self, case: &'a str, subject: &'a str) -> impl Iterator<Item = &'a Run> {
        let of = move |run: &&Run| run.case == case && run.subject == subject && run.round > 0;
        self.runs.iter().filter(of)
    }

    /// The open loops of one server at one case, the lowest rate first.
    pub fn open<'a>(&'a self, case: &'a str, subject: &'a str) -> Vec<&'a Run> {
        let of = |run: &&Run| run.case == case && run.subject == subject && run.offered().is_some();
        let mut runs: Vec<&Run> = self.runs.iter().filter(of).collect();
        runs.sort_by(|a, b| {
            f64::total_cmp(&a.offered().unwrap_or(0.0), &b.offered().unwrap_or(0.0))
        });
        runs
    }

    /// The goodput of one server at one case.
    pub fn goodput_of(&self, case: &str, subject: &str) -> Option<&Goodput> {
        self.goodput.iter().find(|found| found.case == case && found.subject == subject)
    }

    /// The rounds of one server at one case together; None: there are none.
    pub fn summary(&self, case: &str, subject: &str) -> Option<Summary> {
        let runs: Vec<&Run> = self.rounds(case, subject).collect();
        let base = &self.subjects.first()?.name;
        let ratio = |of: fn(&Run) -> f64| {
            Spread::of(runs.iter().filter_map(|run| {
                let first = self.rounds(case, base).find(|other| other.round == run.round)?;
                Some(of(run) / of(first))
            }))
        };
        let (mut latency, mut errors) = (Latency::default(), Errors::default());
        for run in &runs {
            latency.add_pairs(&run.outcome.latency);
            errors.add(&run.outcome.errors);
        }
        Some(Summary {
            case: case.to_owned(),
            subject: subject.to_owned(),
            throughput: Spread::of(runs.iter().map(|run| run.throughput))?,
            cpu_per_request: Spread::of(runs.iter().map(|run| run.cpu_per_request))?,
            throughput_ratio: ratio(|run| run.throughput),
            cpu_ratio: ratio(|run| run.cpu_per_request),
            latency: Percentiles::of(&latency),
            errors,
            generator_limited: runs.iter().any(|run| run.verdict != Verdict::Ranked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_median_between_the_extremes() {
        let of = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(of(&[4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(of(&[f64::NAN, 1.0, f64::INFINITY]).map(|spread| spread.max), Some(1.0));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_run_that_the_generator_has_limited_does_not_count() {
        assert_eq!(verdict(0.5, 0.0), Verdict::Ranked);
        assert_eq!(verdict(0.95, 0.0), Verdict::GeneratorBound);
        assert_eq!(verdict(0.5, 0.01), Verdict::GeneratorLate);
        assert_eq!(verdict(0.95, 0.01), Verdict::GeneratorBound);
    }
}
