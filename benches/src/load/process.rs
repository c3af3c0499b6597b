//! The generator as a child process: its processor time is its own, it can be kept away from the
//! server's processors, and nothing that the benchmark does meanwhile delays it.
//!
//! It is told what to do by one line of JSON on its standard input, says on its standard output what
//! it has reached, and after each of that waits for an empty line: so the benchmark can look at the
//! server between the phases.

use std::io::{self, BufRead, Write};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use super::engine::Engine;
use super::spec::Spec;
use super::tally::Outcome;

/// What the process is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The load.
    pub spec: Spec,
}

/// What it has reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Milestone {
    /// The server has been warmed up.
    Warm,
    /// So many idle connections are open.
    Idle(usize),
    /// The measurement is over; so many idle connections are still open.
    Done(Box<Outcome>, usize),
}

/// Does what the order on standard input says.
///
/// # Errors
/// The order is none, or a system call fails; that the benchmark has gone is one of those.
pub fn run() -> io::Result<()> {
    let mut input = io::stdin().lock();
    let order: Order = serde_json::from_str(&line(&mut input)?)?;
    let idle = order.spec.idle;
    // As many descriptors as may be had; too few show as errors of kind "connect".
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    let mut engine = Engine::new(order.spec)?;
    engine.warm_up()?;
    reach(&Milestone::Warm, &mut input)?;
    if idle > 0 {
        let open = engine.open_idle()?;
        reach(&Milestone::Idle(open), &mut input)?;
        // So many acknowledgements are due, and so many sockets of the last measurement to be freed.
        engine.warm_up()?;
        reach(&Milestone::Warm, &mut input)?;
    }
    let outcome = engine.measure()?;
    reach(&Milestone::Done(Box::new(outcome), engine.idle()), &mut input)
}

fn reach(milestone: &Milestone, input: &mut impl BufRead) -> io::Result<()> {
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, milestone)?;
    output.write_all(b"\n")?;
    output.flush()?;
    line(input).map(drop)
}

fn line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}
