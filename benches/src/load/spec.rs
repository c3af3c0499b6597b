//! What one run sends, in a form that passes through a pipe; and the bytes made of it, once.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::slot::Last;

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Arrivals {
    /// Each connection asks again as soon as it is answered: shows capacity, hides stalls.
    Closed,
    /// This many requests a second, whatever the server does: shows what clients would see.
    Open {
        /// Requests per second.
        rate: f64,
    },
}

/// One thing to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// How often it is chosen, relative to the others.
    pub weight: u32,
    /// The request target.
    pub path: String,
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Spec {
    /// Where the server is.
    pub address: SocketAddr,
    /// What is asked for.
    pub turns: Vec<Turn>,
    /// Requests sent at once on a connection: 1, or the depth of the pipeline.
    pub depth: u32,
    /// Connections.
    pub connections: usize,
    /// Turns after which a connection is given up for a new one.
    pub turns_per_connection: Option<u32>,
    /// Connections beside those, which ask once and are then silent.
    pub idle: usize,
    /// When requests are sent.
    pub arrivals: Arrivals,
    /// Time before the measurement, in the same manner.
    pub warmup: Duration,
    /// Time of the measurement.
    pub duration: Duration,
    /// After this an answer is not waited for any longer.
    pub timeout: Duration,
    /// Requests after which the measurement ends though its time is not over.
    pub most: Option<u64>,
}

/// The bytes of one turn.
#[derive(Debug)]
pub(super) struct Wire {
    /// As long as the connection is to be kept.
    keep: Vec<u8>,
    /// For the connection's last turn.
    close: Vec<u8>,
}

impl Wire {
    pub(super) fn bytes(&self, last: Last) -> &[u8] {
        match last {
            Last::No => &self.keep,
            Last::Yes => &self.close,
        }
    }

    fn of(turn: &Turn, spec: &Spec) -> Wire {
        let depth = spec.depth.max(1) as usize;
        let one = |extra: &str| {
            format!(
                "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: oxicorn-bench\r\nAccept: */*\r\n{extra}\r\n",
                turn.path, spec.address
            )
        };
        let keep = one("");
        let close = [keep.repeat(depth - 1), one("Connection: close\r\n")].concat();
        Wire { keep: keep.repeat(depth).into_bytes(), close: close.into_bytes() }
    }
}

/// Chooses turns by their weight: at random, so that connections do not fall into step with each
/// other, but in every run the same.
#[derive(Debug)]
pub(super) struct Choice {
    wires: Vec<Wire>,
    /// For each unit of weight, whose it is.
    wheel: Vec<usize>,
    state: u64,
}

impl Choice {
    pub(super) fn of(spec: &Spec) -> Choice {
        let wheel = spec
            .turns
            .iter()
            .enumerate()
            .flat_map(|(index, turn)| std::iter::repeat_n(index, turn.weight as usize));
        Choice {
            wires: spec.turns.iter().map(|turn| Wire::of(turn, spec)).collect(),
            wheel: wheel.collect(),
            state: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The number of the next turn.
    pub(super) fn next(&mut self) -> usize {
        if self.wheel.len() < 2 {
            return self.wheel.first().copied().unwrap_or(0);
        }
        // Marsaglia's xorshift64.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.wheel[(self.state >> 16) as usize % self.wheel.len()]
    }

    pub(super) fn wire(&self, turn: usize) -> &Wire {
        &self.wires[turn]
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::load) fn spec(address: SocketAddr) -> Spec {
        Spec {
            address,
            turns: vec![Turn { weight: 1, path: "/".to_owned() }],
            depth: 1,
            connections: 1,
            turns_per_connection: None,
            idle: 0,
            arrivals: Arrivals::Closed,
            warmup: Duration::ZERO,
            duration: Duration::from_millis(100),
            timeout: Duration::from_secs(5),
            most: None,
        }
    }

    #[test]
    fn a_pipeline_says_close_once_and_last() {
        let spec = Spec { depth: 3, ..spec(([127, 0, 0, 1], 80).into()) };
        let choice = Choice::of(&spec);
        let close = String::from_utf8(choice.wire(0).close.clone()).unwrap();
        assert_eq!(close.matches("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n").count(), 3);
        assert_eq!(close.matches("Connection: close").count(), 1);
        assert!(close.ends_with("Connection: close\r\n\r\n"));
        let keep = String::from_utf8(choice.wire(0).keep.clone()).unwrap();
        assert_eq!((keep.matches("GET ").count(), keep.contains("close")), (3, false));
    }

    #[test]
    fn turns_come_as_often_as_they_weigh() {
        let turn = |weight| Turn { weight, path: format!("/{weight}") };
        let spec = Spec { turns: vec![turn(95), turn(5)], ..spec(([127, 0, 0, 1], 80).into()) };
        let mut choice = Choice::of(&spec);
        let rare = (0..20_000).filter(|_| choice.next() == 1).count();
        assert!((800..1200).contains(&rare), "{rare}");
    }
}
