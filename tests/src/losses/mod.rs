//! The long run: clients of every kind ask for everything while workers are replaced, added, taken
//! away and killed, in an order that nobody has thought of. Not one request may be lost.
//!
//! The rows of the contract look at one thing at a time; what is lost in practice is lost when two of
//! them meet. So the events come in a random order and sometimes before the last one is over. What
//! was drawn depends on the seed alone; when it happens does not, so a loss may take several runs to
//! come back.

mod client;
mod count;
mod crowd;
mod dice;
mod events;
mod masters;
mod mix;
mod stage;

use std::collections::BTreeMap;

use crate::contract::Subject;
use crate::harness::{Launch, Server};
use crowd::Crowd;
use dice::Dice;
use events::{EVENTS, Event};
use stage::{Stage, WORKERS};

/// The environment variable that says how many requests are sent at least.
pub const REQUESTS: &str = "LOSSES_REQUESTS";
/// The environment variable that says where chance begins.
pub const SEED: &str = "LOSSES_SEED";

/// A few seconds.
const FEW: u64 = 2_500;
const SOME_SEED: u64 = 1;

/// Longer than any pause of a client, also where the machine makes it longer.
const GRACE: [&str; 2] = ["--keepalive-grace", "20"];

/// One event in so many is not waited for.
const OVERLAPPING: usize = 4;
/// Requests between two events, at most.
const BETWEEN: usize = 60;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number")),
        Err(_) => default,
    }
}

/// A server with these further settings loses nothing.
///
/// # Panics
/// When it does, saying what and with which seed.
pub fn no_lost_requests(subject: &Subject, settings: &[&str]) {
    let (requests, seed) = (number(REQUESTS, FEW), number(SEED, SOME_SEED));
    let workers = u32::try_from(WORKERS).expect("a small number");
    let launch = Launch::of(subject).workers(workers).args(GRACE).args(settings);
    let log = launch.folder().join("access.log");
    let dice = Dice::new(seed);
    let server = launch.access_log_in(&log).start();
    let crowd = Crowd::start(server.address(), &dice);
    let (stage, sent) = play(server, crowd, dice, requests);
    let Stage { server, crowd, .. } = stage;
    let asked = crowd.asked();
    let count = crowd.stop();
    let report = format!(
        "{} {settings:?}: {asked} requests; events: {sent:?}; {count}; {SEED}={seed}",
        subject.class
    );
    say(&report);
    assert!(count.lost() == 0 && count.answered >= requests, "{report}");
    drop(server);
}

#[expect(clippy::print_stderr, reason = "what a long run is for")]
fn say(report: &str) {
    eprintln!("{report}");
}

/// Sends events until enough requests have been sent, whole rounds of them; gives how many of each.
fn play(
    server: Server,
    crowd: Crowd,
    dice: Dice,
    requests: u64,
) -> (Stage, BTreeMap<&'static str, u64>) {
    let mut sent = BTreeMap::new();
    let mut stage = Stage::new(server, crowd, dice);
    stage.crowd.wait_for_more(BETWEEN);
    loop {
        let mut round: Vec<&Event> = EVENTS.iter().collect();
        stage.dice.shuffle(&mut round);
        for event in round {
            (event.act)(&mut stage);
            *sent.entry(event.name).or_default() += 1;
            if !stage.dice.one_in(OVERLAPPING) {
                stage.settle();
            }
            let pause = stage.dice.below(BETWEEN);
            stage.crowd.wait_for_more(pause);
        }
        stage.settle();
        if stage.crowd.asked() >= requests {
            return (stage, sent);
        }
    }
}

#[cfg(test)]
mod tests;
