//! Clients that send requests while something happens to the server, and count what went wrong.
//!
//! They follow HTTP, and hold the server to more than HTTP promises: a connection that is kept is
//! given up only when a response has said `Connection: close`. The one exception that the protocol
//! cannot avoid, an idle connection that is closed cleanly just as the next request is on its way,
//! is counted apart as `stale`.

mod client;
mod tally;

pub use tally::Tally;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};

use crate::deadline::Deadline;
use crate::harness::Address;

/// How a client uses its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It keeps one for as long as the server lets it.
    KeepAlive,
    /// It opens one for every request.
    PerRequest,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Clients that keep their connection.
    pub keep_alive: usize,
    /// Clients that do not.
    pub per_request: usize,
    /// What they ask for.
    pub target: String,
    /// How many requests each of them sends, unless it is stopped before.
    pub at_most: u64,
}

/// Whether clients may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
}

/// What the clients and the test share.
#[derive(Debug)]
struct Shared {
    stop: AtomicBool,
    answered: AtomicU64,
    gate: RwLock<Gate>,
}

/// Clients at work.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Tally>>,
}

impl Load {
    /// Sets the clients to work.
    ///
    /// # Panics
    /// When a thread cannot be started.
    pub fn start(address: &Address, plan: &Plan) -> Load {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            answered: AtomicU64::new(0),
            gate: RwLock::new(Gate::Open),
        });
        let modes = std::iter::repeat_n(Mode::KeepAlive, plan.keep_alive)
            .chain(std::iter::repeat_n(Mode::PerRequest, plan.per_request));
        let clients = modes.enumerate().map(|(number, mode)| {
            let (shared, address, plan) = (shared.clone(), address.clone(), plan.clone());
            Builder::new()
                .name(format!("client-{number}"))
                .spawn(move || client::work(mode, &address, &plan, &shared))
                .expect("a client's thread")
        });
        Load { clients: clients.collect(), shared }
    }

    /// Waits until `number` more requests have been answered with 200.
    ///
    /// # Panics
    /// When they are not: the server does not answer, or the clients have sent all that they may.
    #[track_caller]
    pub fn wait_for_answers(&self, number: u64) {
        let answered = || self.shared.answered.load(Ordering::Relaxed);
        let wanted = answered() + number;
        let over = || self.clients.iter().all(JoinHandle::is_finished);
        let deadline = Deadline::seconds(20);
        let enough = deadline.poll(|| (answered() >= wanted || over()).then(answered));
        assert!(
            enough.is_some_and(|answered| answered >= wanted),
            "{number} more answers were expected, {} came",
            answered() + number - wanted
        );
    }

    /// Does something after which nobody may connect any more: no client is between connecting and
    /// having sent its first request meanwhile, and none connects afterwards.
    pub fn shut_gate(&self, then: impl FnOnce()) {
        let gate = self.shared.gate.write();
        let mut gate = gate.unwrap_or_else(PoisonError::into_inner);
        *gate = Gate::Shut;
        then();
    }

    /// Tells the clients to stop after the request that they are at, and counts together.
    ///
    /// # Panics
    /// When a client has panicked.
    #[track_caller]
    pub fn stop(self) -> Tally {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    /// Lets the clients do all that they may, and counts together.
    ///
    /// # Panics
    /// When a client has panicked.
    #[track_caller]
    pub fn join(self) -> Tally {
        let mut total = Tally::default();
        for client in self.clients {
            total.add(client.join().expect("a client panicked"));
        }
        total
    }
}

#[cfg(test)]
mod tests;
