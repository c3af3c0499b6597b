//! What the master and a zygote say to each other: the letter that the zygote begins with, the order
//! to fork, and the answers. Each is one message, and each order has one answer. The two are always of
//! the same version, and say so first.

use serde::{Deserialize, Serialize};

use oxicorn_core::config::Portable;

use crate::line::BootFailure;

/// What both must be.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// When the application is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loads {
    /// Once, before the fork: the workers share it.
    BeforeFork,
    /// In each worker.
    InWorker,
}

/// What a zygote is told first. With it come three descriptors: the scoreboard, and the worker's ends
/// of the lifeline and of the doorbell.
#[derive(Debug, Serialize, Deserialize)]
pub struct Letter {
    /// [`VERSION`] of the master.
    pub version: String,
    /// The settings.
    pub config: Vec<Portable>,
    /// The application, as it was named.
    pub application: String,
    /// When it is to be loaded.
    pub loads: Loads,
    /// The first name of the worker class.
    pub class: String,
    /// What `ps` is to show of the zygote.
    pub title: String,
    /// What `ps` is to show of a worker.
    pub worker_title: String,
}

/// The order to make a worker. With it come the descriptors of its table of requests and of the
/// sockets that it listens at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The worker's place.
    pub slot: usize,
    /// The addresses of the sockets, in their order.
    pub addresses: Vec<String>,
}

/// What a zygote says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It has done what the letter says, and waits for orders.
    Ready,
    /// It cannot do what the letter says, and ends.
    Failed {
        /// What kind of failure it is.
        blame: Blame,
        /// In one line.
        reason: String,
    },
    /// There is a worker.
    Forked {
        /// Its place.
        slot: usize,
        /// Its process.
        pid: i32,
    },
    /// There is none.
    NotForked {
        /// The place.
        slot: usize,
        /// Why.
        reason: String,
    },
}

/// Why an application could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blame {
    /// There is none of that name.
    NotFound,
    /// It is there, and does not load.
    Broken,
    /// The system, or this program.
    Ours,
}

impl Blame {
    /// What a first generation ends with because of it.
    pub fn boot_failure(self) -> BootFailure {
        match self {
            Blame::NotFound => BootFailure::NotFound,
            Blame::Broken | Blame::Ours => BootFailure::Failed,
        }
    }
}
