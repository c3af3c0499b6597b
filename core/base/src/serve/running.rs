//! Which request holds the worker's thread at this moment: for the table that the master shows when
//! the thread does not come back, and for the last words to its client. It costs two stores, and
//! means something only where one thread runs all handlers, one after the other or in turns.

use std::os::fd::RawFd;

use super::{Service, last_words};
use crate::in_flight::EntryId;
use crate::scoreboard::Writers;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Running {
    pub(crate) entry: Option<EntryId>,
    /// Its client's socket, as long as nothing of a response has been written to it.
    pub(crate) unanswered: Option<RawFd>,
}

impl Running {
    /// No request.
    pub const NONE: Running = Running { entry: None, unanswered: None };

    /// Its place in the table of requests.
    pub fn entry(self) -> Option<EntryId> {
        self.entry
    }

    /// The same request when its response begins.
    #[must_use]
    pub fn answering(self) -> Running {
        Running { unanswered: None, ..self }
    }
}

impl Service {
    /// The thread goes into this request, or leaves the one it was in: [`Running::NONE`].
    pub fn enter(&self, running: Running) {
        if self.slot().writers() == Writers::One {
            self.ledger().table().set_running(running.entry);
            last_words::arm(running.unanswered);
        }
    }

    /// What the thread is in now.
    pub fn running(&self) -> Running {
        let entry = self.ledger().table().running();
        Running { entry, unanswered: last_words::listener() }
    }
}
