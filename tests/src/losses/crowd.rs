//! The clients together: they work while something is done to the server, and hold still when it is
//! something that only a server without requests can bear.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{Builder, JoinHandle};

use super::client;
use super::count::Count;
use super::dice::Dice;
use crate::deadline::Deadline;
use crate::harness::Address;
use crate::load::Mode;

const KEEP_ALIVE: usize = 4;
const PER_REQUEST: usize = 2;

/// How many workers have been killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kills(u64);

/// What the clients and the test share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) stop: AtomicBool,
    pub(super) asked: AtomicU64,
    /// Read by whoever has a request in flight, written by whoever needs that nobody has.
    pub(super) kills: RwLock<Kills>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Crowd {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<Count>>,
}

impl Crowd {
    pub(super) fn start(address: &Address, dice: &Dice) -> Crowd {
        let shared = Arc::new(Shared::default());
        let modes = std::iter::repeat_n(Mode::KeepAlive, KEEP_ALIVE)
            .chain(std::iter::repeat_n(Mode::PerRequest, PER_REQUEST));
        let clients = modes.zip(0_u32..).map(|(mode, number)| {
            let (shared, address) = (shared.clone(), address.clone());
            let dice = dice.fork(number.into());
            Builder::new()
                .name(format!("client-{number}"))
                .spawn(move || client::work(mode, &address, &shared, dice))
                .expect("a client's thread")
        });
        Crowd { clients: clients.collect(), shared }
    }

    /// How many requests have been sent.
    pub(super) fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Waits until so many more have been sent.
    #[track_caller]
    pub(super) fn wait_for_more(&self, number: usize) {
        let wanted = self.asked() + number as u64;
        Deadline::seconds(60).until("clients at work", || self.asked() >= wanted);
    }

    /// Kills a worker while nothing is in flight.
    pub(super) fn hold_still_for_a_kill(&self, kill: impl FnOnce()) {
        let mut kills = self.shared.kills.write().unwrap_or_else(PoisonError::into_inner);
        kill();
        kills.0 += 1;
    }

    /// Ends the work and counts together.
    #[track_caller]
    pub(super) fn stop(self) -> Count {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut total = Count::default();
        for client in self.clients {
            total.add(client.join().expect("a client panicked"));
        }
        total
    }
}
