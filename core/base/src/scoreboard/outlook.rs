//! What becomes of the whole server, in one word that every process sees: a load balancer must learn
//! from any worker that the server stops soon, and a worker that leaves must know whether anybody is
//! there after it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Scoreboard;

/// What becomes of the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It goes on.
    Stays,
    /// It serves as ever, and will stop: whoever distributes clients should choose another.
    StopsSoon,
    /// It stops: workers that leave have nobody after them.
    Ends,
}

impl Scoreboard {
    fn outlook_word(&self) -> &AtomicU64 {
        &self.words[1]
    }

    /// Says that the server will stop, while everybody still serves. Master only.
    pub fn stop_soon(&self) {
        self.outlook_word().store(1, Ordering::Release);
    }

    /// Says that the whole server ends, before the workers are told to leave. Master only.
    pub fn end_server(&self) {
        self.outlook_word().store(2, Ordering::Release);
    }

    /// What becomes of the whole server.
    pub fn outlook(&self) -> Outlook {
        match self.outlook_word().load(Ordering::Acquire) {
            0 => Outlook::Stays,
            1 => Outlook::StopsSoon,
            _ => Outlook::Ends,
        }
    }
}
