//! Sends a server a given number of requests for `/` on one connection, for instruction counts:
//! `send_requests 127.0.0.1:8000 1000`. See `benches/instructions`.

use std::env::args;
use std::error::Error;
use std::time::Duration;

use oxicorn_bench::load::{Arrivals, Engine, Spec, Turn};

fn main() -> Result<(), Box<dyn Error>> {
    let address = args().nth(1).unwrap_or_default().parse()?;
    let requests: u64 = args().nth(2).unwrap_or_default().parse()?;
    let spec = Spec {
        address,
        turns: vec![Turn { weight: 1, path: "/".to_owned() }],
        depth: 1,
        connections: 1,
        turns_per_connection: None,
        idle: 0,
        arrivals: Arrivals::Closed,
        warmup: Duration::ZERO,
        duration: Duration::from_secs(300),
        // Under valgrind a server takes its time.
        timeout: Duration::from_secs(60),
        most: Some(requests),
    };
    let outcome = Engine::new(spec)?.measure()?;
    match (outcome.answered, outcome.errors.total()) {
        (answered, 0) if answered == requests => Ok(()),
        (answered, errors) => Err(format!("{answered} answers, {errors} errors").into()),
    }
}
