//! Runs one case of the codec benchmark a given number of times, for instruction counts, which
//! noise does not touch:
//!
//! `valgrind --tool=callgrind target/release/examples/codec_loop small_get 2000`
//!
//! Run it with two numbers of turns and divide the difference, so that start-up does not count.

use std::env::args;
use std::error::Error;

use oxicorn_bench::codec::{Server, cases};

fn main() -> Result<(), Box<dyn Error>> {
    let name = args().nth(1).unwrap_or_default();
    let turns: u32 = args().nth(2).unwrap_or_default().parse()?;
    let case = cases().into_iter().find(|case| case.name == name).ok_or("no such case")?;
    let mut server = Server::default();
    for _ in 0..turns {
        server.turn(&case.bytes)?;
    }
    Ok(())
}
