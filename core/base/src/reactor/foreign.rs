//! The reactor as a part of a foreign event loop, which does the waiting: it watches the one
//! descriptor ([`Reactor::fd`]), and when that is readable, or [`Reactor::may_sleep_for`] is over, it
//! has the reactor look once what has happened ([`Reactor::collect`]) and deals with all of that
//! ([`Reactor::next_collected`]). Looking once is enough: what happens meanwhile makes the descriptor
//! readable again.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Instant;

use super::{Departure, FOREIGN, KIND_SHIFT, Leave, PAYLOAD, Patience, Reactor, Turn};
use crate::connection::Readiness;

impl Reactor {
    /// Looks what has happened since the last time, without waiting.
    ///
    /// # Errors
    /// The epoll set fails: the worker cannot go on.
    pub fn collect(&mut self) -> io::Result<()> {
        self.to_take = std::mem::take(&mut self.ended);
        self.poll(Patience::None)
    }

    /// The next thing to do of what was collected; `None`: that was all.
    pub fn next_collected(&mut self) -> Option<Turn> {
        let now = self.scratch.borrow().now();
        let turn = self.next_at_hand(now);
        if turn.is_none() && self.may_leave(now) {
            self.scratch.borrow_mut().flush();
            return Some(Turn::Leave);
        }
        turn.or_else(|| self.next_of_many(now))
    }

    /// A foreign loop with much to do looks here once in a round of all that it has: who waits at the
    /// door does not wait for one more round after each of those before it.
    fn next_of_many(&mut self, now: Instant) -> Option<Turn> {
        while let Some(fewer) = self.to_take.checked_sub(1) {
            self.to_take = fewer;
            let newcomer = self.door.next_between(&self.epoll, now)?;
            let turn = self.welcome(newcomer, now);
            if turn.is_some() {
                return turn;
            }
        }
        None
    }

    /// Whether the end of a request, outside of a turn, has made something to do.
    pub fn is_waiting_for_ends(&self) -> bool {
        !self.behind.is_empty() || self.door.is_waiting_for_room()
    }

    /// Whether a worker that is told to leave has no time left for anything: what is unfinished stays
    /// unfinished.
    pub fn must_leave(&self, now: Instant) -> bool {
        self.leave_now == Leave::Now || self.door.departure(now) == Departure::OutOfTime
    }

    /// Watches any descriptor for one event out of several, which [`Turn::Ready`] reports with `key`
    /// (60 bits) and [`Reactor::readiness`] tells apart. A further call replaces the one before.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn watch_for(&mut self, fd: BorrowedFd<'_>, what: Readiness, key: u64) -> io::Result<()> {
        self.watched.insert(fd.as_raw_fd());
        let flags = what.0 | libc::EPOLLONESHOT as u32;
        self.epoll.modify_or_add(fd, flags, FOREIGN << KIND_SHIFT | key & PAYLOAD)
    }

    /// What the last [`Turn::Ready`] was about.
    pub fn readiness(&self) -> Readiness {
        self.readiness
    }
}
