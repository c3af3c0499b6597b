//! Who waits at one end of a channel. Whoever is called is struck off the list; if it has given up
//! meanwhile, because its time was over, it passes the call on, so that a message does not lie there
//! while somebody else waits for it.

use std::collections::VecDeque;
use std::task::Waker;

/// One entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

/// See the module. It is for use under the channel's lock.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    list: VecDeque<(Ticket, Waker)>,
    next: u64,
}

/// Whether a ticket was still on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Struck {
    Now,
    /// By whoever has called it.
    Before,
}

impl Waiters {
    pub(super) fn enter(&mut self, waker: Waker) -> Ticket {
        let ticket = Ticket(self.next);
        self.next = self.next.wrapping_add(1);
        self.list.push_back((ticket, waker));
        ticket
    }

    pub(super) fn strike(&mut self, ticket: Ticket) -> Struck {
        let place = self.list.iter().position(|(known, _)| *known == ticket);
        match place.and_then(|place| self.list.remove(place)) {
            Some(_) => Struck::Now,
            None => Struck::Before,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whom to wake: who has waited for the longest.
    pub(super) fn call(&mut self) -> Option<Waker> {
        self.list.pop_front().map(|(_, waker)| waker)
    }

    pub(super) fn call_all(&mut self) -> Vec<Waker> {
        self.list.drain(..).map(|(_, waker)| waker).collect()
    }
}
