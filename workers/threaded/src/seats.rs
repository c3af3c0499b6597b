//! The connections of a worker whose threads share one epoll set. A seat holds a connection while it
//! waits; whichever thread gets its event takes it out, and puts it back when it has to wait again.
//! Taking is one atomic exchange: no lock is held, and nobody ever waits for a seat.
//!
//! A connection stays in the set while a thread has it: to disarm and arm it would be a system call
//! for each request. So an event may find the seat empty; whoever meets that leaves a note
//! ([`Seats::take`]), and the owner looks for the note after putting back ([`Seats::put`]).

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crossbeam_utils::atomic::AtomicCell;
use oxicorn_core::connection::Connection;

/// Never: no deadline.
pub(crate) const NEVER: u64 = u64::MAX;

/// What the set reports of a connection, each change of it once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reports {
    /// It is not in the set.
    #[default]
    Nothing,
    Reading,
    ReadingAndWriting,
}

#[derive(Default)]
struct Seat {
    guest: AtomicCell<Option<Box<Connection>>>,
    taken: AtomicBool,
    missed: AtomicBool,
    /// Whoever holds the connection, or has just reserved the seat, is the only one to touch it.
    reports: AtomicCell<Reports>,
    deadline: AtomicU64,
    idle_since: AtomicU64,
}

pub(crate) struct Seats {
    seats: Box<[Seat]>,
    cursor: AtomicUsize,
}

/// When a waiting connection has to be looked at, since the worker started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    /// Its deadline in milliseconds, or [`NEVER`].
    pub(crate) deadline: u64,
    /// Since when it has been idle in nanoseconds (two may become idle within a millisecond, and one
    /// of them is the longer idle), or [`NEVER`] when it is not.
    pub(crate) idle_since: u64,
}

/// Whether an event was missed while the seat was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    Nothing,
    /// Take the connection again and look.
    Something,
}

impl Seats {
    pub(crate) fn new(count: usize) -> Seats {
        let seats = (0..count).map(|_| Seat::default()).collect();
        Seats { seats, cursor: AtomicUsize::new(0) }
    }

    /// A free seat. `None`: all are taken.
    pub(crate) fn reserve(&self) -> Option<usize> {
        let start = self.cursor.fetch_add(1, Ordering::Relaxed);
        (0..self.seats.len()).map(|n| (start + n) % self.seats.len()).find(|&n| {
            let seat = &self.seats[n];
            seat.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        })
    }

    /// Gives a seat back; its connection has been dropped.
    pub(crate) fn release(&self, number: usize) {
        let seat = &self.seats[number];
        seat.reports.store(Reports::Nothing);
        seat.deadline.store(NEVER, Ordering::Relaxed);
        seat.idle_since.store(NEVER, Ordering::Relaxed);
        seat.taken.store(false, Ordering::Release);
    }

    /// Takes a connection out because of an event. `None`: somebody else has it, and will look again.
    pub(crate) fn take(&self, number: usize) -> Option<Box<Connection>> {
        let seat = self.seats.get(number)?;
        seat.guest.take().or_else(|| {
            seat.missed.store(true, Ordering::SeqCst);
            // It may have been put back just before the note was left.
            seat.guest.take()
        })
    }

    /// Takes a connection out if it is there.
    pub(crate) fn take_idle(&self, number: usize) -> Option<Box<Connection>> {
        self.seats[number].guest.take()
    }

    /// What the set reports of the connection that the caller holds.
    pub(crate) fn reports(&self, number: usize) -> Reports {
        self.seats[number].reports.load()
    }

    /// Notes what the set reports of it from now on.
    pub(crate) fn set_reports(&self, number: usize, reports: Reports) {
        self.seats[number].reports.store(reports);
    }

    /// Puts a connection, watched by the set, into its seat.
    pub(crate) fn put(&self, number: usize, guest: Box<Connection>, times: Times) -> Missed {
        let seat = &self.seats[number];
        seat.deadline.store(times.deadline, Ordering::Relaxed);
        seat.idle_since.store(times.idle_since, Ordering::Relaxed);
        seat.guest.store(Some(guest));
        match seat.missed.swap(false, Ordering::SeqCst) {
            true => Missed::Something,
            false => Missed::Nothing,
        }
    }

    /// Seats whose deadline has come.
    pub(crate) fn due(&self, now: u64) -> impl Iterator<Item = usize> + '_ {
        (0..self.seats.len()).filter(move |&n| {
            let seat = &self.seats[n];
            seat.taken.load(Ordering::Relaxed) && seat.deadline.load(Ordering::Relaxed) <= now
        })
    }

    /// All seats that are taken.
    pub(crate) fn taken(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.seats.len()).filter(|&n| self.seats[n].taken.load(Ordering::Relaxed))
    }

    /// The seat of whoever has been idle for longest.
    pub(crate) fn longest_idle(&self) -> Option<usize> {
        self.taken()
            .map(|n| (self.seats[n].idle_since.load(Ordering::Relaxed), n))
            .filter(|&(since, _)| since != NEVER)
            .min()
            .map(|(_, n)| n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_given_out_once_until_released() {
        let seats = Seats::new(2);
        let (a, b) = (seats.reserve().unwrap(), seats.reserve().unwrap());
        assert_ne!(a, b);
        assert_eq!(seats.reserve(), None);
        seats.release(a);
        assert_eq!(seats.reserve(), Some(a));
        assert_eq!(
            seats.due(NEVER - 1).count(),
            1,
            "the fresh seat has deadline 0 until it is put"
        );
    }

    #[test]
    fn an_event_that_finds_nobody_leaves_a_note() {
        let seats = Seats::new(1);
        assert!(seats.take(0).is_none());
        assert!(seats.seats[0].missed.load(Ordering::SeqCst));
        assert!(seats.take_idle(0).is_none());
    }

    #[test]
    fn a_seat_is_exchanged_without_a_lock() {
        assert!(AtomicCell::<Option<Box<Connection>>>::is_lock_free());
        assert!(AtomicCell::<Reports>::is_lock_free());
    }
}
