//! What the master does besides its work: it tells statsd how the server is, and gets rid of what
//! syslog has not taken at once. Both once a second, and without waiting for anybody; neither takes
//! part in any decision.

use std::time::{Duration, Instant};

use oxicorn_core::config::Config;
use oxicorn_core::log;
use oxicorn_core::scoreboard::Scoreboard;
use oxicorn_core::statsd::{Gauges, Vitals};

use crate::sockets::Sockets;

/// How often the error log is asked whether it has got rid of everything.
const PUMP: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Observer {
    gauges: Option<Gauges>,
}

impl Observer {
    pub(crate) fn new(config: &Config) -> Observer {
        Observer { gauges: Gauges::from_settings(config, Instant::now()) }
    }

    /// How long the master may sleep; `None`: for ever, as far as this is concerned.
    pub(crate) fn may_sleep_for(&self) -> Option<Duration> {
        let report = self.gauges.as_ref().map(|gauges| gauges.due_in(Instant::now()));
        let pump = log::has_unsent().then_some(PUMP);
        report.into_iter().chain(pump).min()
    }

    /// Does what is due.
    pub(crate) fn look(&mut self, board: &Scoreboard, sockets: &Sockets) {
        log::pump();
        if let Some(gauges) = &mut self.gauges {
            gauges.report(Instant::now(), || vitals(board, sockets));
        }
    }
}

fn vitals(board: &Scoreboard, sockets: &Sockets) -> Vitals {
    let (workers, in_flight) = board
        .rows()
        .fold((0, 0), |(workers, in_flight), (_, row)| (workers + 1, in_flight + row.in_flight));
    Vitals { workers, in_flight, queue: sockets.queue() }
}
