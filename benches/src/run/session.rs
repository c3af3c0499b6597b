//! The order of a session. Machines drift: another program wakes up, the clock of the processor
//! falls. So the servers take turns within each round, and what is compared is of the same round; and
//! whatever has been measured when something ends the session is kept.

use crate::load::Arrivals;
use crate::run::measure::{Bench, Case, Failed};
use crate::run::progress::Progress;
use crate::run::results::{Goodput, Results, Spread};
use crate::run::search::{MOST_STEPS, Search};
use crate::run::server::Server;
use crate::subject::Subject;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The servers; the first is what the others are compared with.
    pub subjects: Vec<Subject>,
    /// The loads.
    pub cases: Vec<Case>,
    /// Repetitions of the closed loops.
    pub rounds: u32,
    /// The open loops.
    pub rates: Rates,
}

/// At which rates requests are offered, in requests per second.
#[derive(Clone, Debug, PartialEq)]
pub enum Rates {
    /// The highest that a server keeps up with is searched for.
    Search,
    /// At these.
    Given(Vec<f64>),
    /// At none: only the closed loops are run.
    None,
}

impl Plan {
    fn open_loops(&self) -> u32 {
        match &self.rates {
            Rates::Search => MOST_STEPS,
            Rates::Given(rates) => u32::try_from(rates.len()).unwrap_or(u32::MAX),
            Rates::None => 0,
        }
    }

    fn measurements(&self) -> u32 {
        let places = u32::try_from(self.subjects.len() * self.cases.len()).unwrap_or(u32::MAX);
        places.saturating_mul(self.rounds + self.open_loops())
    }
}

/// Measures everything, into `results`.
///
/// # Errors
/// The user wants an end, or the benchmark itself has failed; what was measured before is there.
pub fn run(plan: &Plan, bench: &mut Bench, results: &mut Results) -> Result<(), Failed> {
    let progress = Progress::new(plan.measurements());
    let mut session = Session { plan, bench, results, progress };
    let ended = plan.cases.iter().try_for_each(|case| session.case(case));
    session.progress.finish();
    ended
}

struct Session<'a> {
    plan: &'a Plan,
    bench: &'a mut Bench,
    results: &'a mut Results,
    progress: Progress,
}

impl Session<'_> {
    fn case(&mut self, case: &Case) -> Result<(), Failed> {
        let mut out = vec![false; self.plan.subjects.len()];
        for round in 1..=self.plan.rounds {
            for (at, subject) in self.plan.subjects.iter().enumerate() {
                if !out[at] {
                    let closed = self.closed(case, subject, round);
                    out[at] = self.is_out(closed)?;
                }
                self.progress.advance();
            }
        }
        for (at, subject) in self.plan.subjects.iter().enumerate() {
            let end = self.progress.done() + self.plan.open_loops();
            if !out[at] {
                let open = self.open(case, subject);
                self.is_out(open)?;
            }
            // What the search did not need is over, too.
            self.progress.reach(end);
        }
        Ok(())
    }

    /// Whether the subject is not to be asked again at this case.
    fn is_out(&mut self, result: Result<(), Failed>) -> Result<bool, Failed> {
        match result {
            Ok(()) => Ok(false),
            Err(Failed::Server(reason)) => {
                self.progress.note(&format!("not measured: {reason}"));
                self.results.notes.push(reason);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    fn closed(&mut self, case: &Case, subject: &Subject, round: u32) -> Result<(), Failed> {
        let what = format!("{} {}, closed loop, round {round}", subject.name, case.name());
        self.progress.measures(&what);
        let server = self.bench.start(subject, case)?;
        let run = self.bench.measure(&server, subject, case, Arrivals::Closed, round)?;
        self.results.runs.push(run);
        server.stop(&self.bench.interrupt)
    }

    fn open(&mut self, case: &Case, subject: &Subject) -> Result<(), Failed> {
        let plan = self.plan;
        if plan.rates == Rates::None {
            return Ok(());
        }
        let server = self.bench.start(subject, case)?;
        match &plan.rates {
            Rates::Search => self.search(&server, case, subject)?,
            Rates::Given(rates) => self.given(&server, case, subject, rates)?,
            Rates::None => {}
        }
        server.stop(&self.bench.interrupt)
    }

    /// The rates that the command line names.
    fn given(
        &mut self,
        server: &Server,
        case: &Case,
        subject: &Subject,
        rates: &[f64],
    ) -> Result<(), Failed> {
        let mut found = nothing(case, subject);
        let mut all = Vec::new();
        for rate in rates {
            let this = self.offer(server, case, subject, *rate)?;
            self.progress.advance();
            if this == Found::KeepsUp {
                found.rate = found.rate.max(*rate);
            }
            all.push(this);
        }
        found.at_least = all.iter().all(|this| *this == Found::KeepsUp);
        found.generator_limited = all.contains(&Found::Unknown);
        self.results.goodput.push(found);
        Ok(())
    }

    fn search(&mut self, server: &Server, case: &Case, subject: &Subject) -> Result<(), Failed> {
        let mut found = nothing(case, subject);
        let name = case.name();
        let rounds = self.results.rounds(&name, &subject.name).map(|run| run.throughput);
        let capacity = Spread::of(rounds).map_or(0.0, |spread| spread.median);
        if capacity > 0.0 {
            let mut search = Search::around(capacity);
            while let Some(rate) = search.next() {
                let mut this = self.offer(server, case, subject, rate)?;
                if this != Found::KeepsUp {
                    // Once more: it may have been another program's doing.
                    this = self.offer(server, case, subject, rate)?;
                }
                self.progress.advance();
                match this {
                    Found::KeepsUp => search.passed(rate),
                    Found::TooMuch => search.failed(rate),
                    Found::Unknown => {
                        found.generator_limited = true;
                        search.failed(rate);
                    }
                }
            }
            found.rate = search.rate();
            found.at_least = search.is_open();
        }
        self.results.goodput.push(found);
        Ok(())
    }

    fn offer(
        &mut self,
        server: &Server,
        case: &Case,
        subject: &Subject,
        rate: f64,
    ) -> Result<Found, Failed> {
        let (name, load) = (&subject.name, case.name());
        self.progress.measures(&format!("{name} {load}, {rate:.0} requests/s"));
        let run = self.bench.measure(server, subject, case, Arrivals::Open { rate }, 0)?;
        let bound = case.objective.as_secs_f64();
        let found = match (run.keeps_up(bound), run.is_in_doubt(bound)) {
            (true, _) => Found::KeepsUp,
            (false, false) => Found::TooMuch,
            (false, true) => Found::Unknown,
        };
        self.results.runs.push(run);
        Ok(found)
    }
}

/// What a rate has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    KeepsUp,
    TooMuch,
    /// Nothing about the server: the generator was the bottleneck.
    Unknown,
}

fn nothing(case: &Case, subject: &Subject) -> Goodput {
    Goodput {
        case: case.name(),
        subject: subject.name.clone(),
        objective: case.objective.as_secs_f64(),
        rate: 0.0,
        at_least: false,
        generator_limited: false,
    }
}
