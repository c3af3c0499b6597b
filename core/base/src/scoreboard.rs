//! The scoreboard: one row of shared memory for each worker process, as in Apache httpd. The master
//! knows from it that a worker lives, workers know from it who has the fewest connections, and
//! neither ever waits for the other.
//!
//! The master alone gives out a row ([`Scoreboard::claim`]) and takes it back, and it takes it back
//! only after the process has been reaped: so a late write of a dying worker cannot reach the row's
//! next owner. Within a row each word has one writer, the worker; see [`Writers`] for the class
//! that has several threads.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys;

mod outlook;

pub use outlook::Outlook;

/// The largest number of worker processes at one time, old and new generations together.
pub const ROWS: usize = 1024;

/// Words of a row: 16 of 8 bytes, two cache lines, so that neighbours do not disturb each other.
const WORDS: usize = 16;

/// Words of the table. One row more: the first holds what concerns the whole table.
const COUNT: NonZeroUsize = NonZeroUsize::new((ROWS + 1) * WORDS).unwrap();

/// A worker's place: the number of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub usize);

/// How many times the master had loaded its configuration when this worker was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl Generation {
    /// The one after this.
    #[must_use]
    pub fn next(self) -> Generation {
        Generation(self.0 + 1)
    }
}

/// What a worker is doing, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has the row.
    Free,
    /// Forked, not yet able to serve.
    Booting,
    /// Accepts and serves.
    Ready,
    /// Finishes what it has and leaves.
    Draining,
    /// Accepts and serves, and wants to be replaced.
    Weary,
}

impl State {
    fn from_word(word: u64) -> State {
        match word {
            1 => State::Booting,
            2 => State::Ready,
            3 => State::Draining,
            4 => State::Weary,
            _ => State::Free,
        }
    }

    fn word(self) -> u64 {
        match self {
            State::Free => 0,
            State::Booting => 1,
            State::Ready => 2,
            State::Draining => 3,
            State::Weary => 4,
        }
    }

    fn serves(self) -> bool {
        matches!(self, State::Ready | State::Weary)
    }
}

#[derive(Clone, Copy)]
enum Word {
    State,
    Pid,
    Generation,
    Heartbeat,
    BusySince,
    StartedAt,
    InFlight,
    Connections,
    Accepted,
    Requests,
    BytesSent,
    Blocked,
}

/// One row as read at one moment; the words are read one after the other, not as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What the worker is doing.
    pub state: State,
    /// Its process; 0 until the worker has written it.
    pub pid: u64,
    /// Its generation.
    pub generation: Generation,
    /// Last sign of life of its main loop: [`sys::coarse_millis`].
    pub heartbeat: u64,
    /// Since when it has been inside a request without returning to its loop (single-threaded
    /// classes): [`sys::coarse_millis`], or 0.
    pub busy_since: u64,
    /// When it was forked: [`sys::coarse_millis`].
    pub started_at: u64,
    /// Requests that the application has in hand.
    pub in_flight: u64,
    /// Open client connections.
    pub connections: u64,
    /// Connections accepted since the start.
    pub accepted: u64,
    /// Requests answered since the start.
    pub requests: u64,
    /// Bytes of response bodies sent since the start.
    pub bytes_sent: u64,
    /// How often a handler has held the only thread for too long since the start.
    pub blocked: u64,
}

/// The table. Made by the master before its first fork; every process forked later sees the same.
#[derive(Clone, Copy, Debug)]
pub struct Scoreboard {
    words: &'static [AtomicU64],
}

impl Scoreboard {
    /// Shared memory for [`ROWS`] workers; pages that are never touched cost nothing.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn new() -> io::Result<Scoreboard> {
        Ok(Scoreboard { words: sys::shared_words(COUNT)? })
    }

    /// The same, with a descriptor by which a process that is no copy of this one can map it, too:
    /// [`Scoreboard::of`].
    ///
    /// # Errors
    /// Those of [`sys::shared_file`] and [`sys::map_shared`].
    pub fn in_file() -> io::Result<(Scoreboard, OwnedFd)> {
        let file = sys::shared_file(COUNT)?;
        Ok((Scoreboard { words: sys::map_shared(file.as_fd())? }, file))
    }

    /// The table of this descriptor.
    ///
    /// # Errors
    /// It is that of no table; those of [`sys::map_shared`].
    pub fn of(file: BorrowedFd<'_>) -> io::Result<Scoreboard> {
        let words = sys::map_shared(file)?;
        match words.len() == COUNT.get() {
            true => Ok(Scoreboard { words }),
            false => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    fn high_water(&self) -> &AtomicU64 {
        &self.words[0]
    }

    fn word(&self, slot: Slot, word: Word) -> &AtomicU64 {
        &self.words[(slot.0 + 1) * WORDS + word as usize]
    }

    fn read(&self, slot: Slot, word: Word) -> u64 {
        self.word(slot, word).load(Ordering::Relaxed)
    }

    /// The lowest free row, cleared and marked booting. Master only. None: all are taken.
    pub fn claim(&self, generation: Generation) -> Option<Slot> {
        let slot = (0..ROWS).map(Slot).find(|&slot| self.state(slot) == State::Free)?;
        self.take(slot, generation);
        Some(slot)
    }

    /// This row, which must be free, cleared and marked booting: for a master that keeps the list of
    /// the free ones itself.
    pub fn take(&self, slot: Slot, generation: Generation) {
        for word in &self.words[(slot.0 + 1) * WORDS..(slot.0 + 2) * WORDS] {
            word.store(0, Ordering::Relaxed);
        }
        let now = sys::coarse_millis();
        self.word(slot, Word::Generation).store(generation.0, Ordering::Relaxed);
        self.word(slot, Word::StartedAt).store(now, Ordering::Relaxed);
        self.word(slot, Word::Heartbeat).store(now, Ordering::Relaxed);
        self.word(slot, Word::State).store(State::Booting.word(), Ordering::Release);
        self.high_water().fetch_max(slot.0 as u64 + 1, Ordering::Relaxed);
    }

    /// Gives a row back. Master only, and only once its process has been reaped.
    pub fn release(&self, slot: Slot) {
        self.word(slot, Word::State).store(State::Free.word(), Ordering::Release);
        let mut used = self.high_water().load(Ordering::Relaxed) as usize;
        while used > 0 && self.state(Slot(used - 1)) == State::Free {
            used -= 1;
        }
        self.high_water().store(used as u64, Ordering::Relaxed);
    }

    /// What the worker of this row is doing.
    pub fn state(&self, slot: Slot) -> State {
        State::from_word(self.word(slot, Word::State).load(Ordering::Acquire))
    }

    /// One row.
    pub fn row(&self, slot: Slot) -> Row {
        Row {
            state: self.state(slot),
            pid: self.read(slot, Word::Pid),
            generation: Generation(self.read(slot, Word::Generation)),
            heartbeat: self.read(slot, Word::Heartbeat),
            busy_since: self.read(slot, Word::BusySince),
            started_at: self.read(slot, Word::StartedAt),
            in_flight: self.read(slot, Word::InFlight),
            connections: self.read(slot, Word::Connections),
            accepted: self.read(slot, Word::Accepted),
            requests: self.read(slot, Word::Requests),
            bytes_sent: self.read(slot, Word::BytesSent),
            blocked: self.read(slot, Word::Blocked),
        }
    }

    /// The rows that are taken.
    pub fn rows(&self) -> impl Iterator<Item = (Slot, Row)> + '_ {
        let used = self.high_water().load(Ordering::Relaxed) as usize;
        (0..used.min(ROWS))
            .map(|n| (Slot(n), self.row(Slot(n))))
            .filter(|(_, row)| row.state != State::Free)
    }

    /// The fewest connections that a worker other than `me` holds; workers that do not serve, or
    /// whose heartbeat is older than `stale` milliseconds, do not count. None: there is no other.
    pub fn fewest_connections(&self, me: Slot, stale: u64) -> Option<u64> {
        let used = self.high_water().load(Ordering::Relaxed) as usize;
        let oldest = sys::coarse_millis().saturating_sub(stale);
        (0..used.min(ROWS))
            .map(Slot)
            .filter(|&slot| slot != me && self.state(slot).serves())
            .filter(|&slot| self.read(slot, Word::Heartbeat) >= oldest)
            .map(|slot| self.read(slot, Word::Connections))
            .min()
    }

    /// The writing end of a row, for the worker that has it.
    pub fn handle(&self, slot: Slot, writers: Writers) -> SlotHandle {
        SlotHandle { board: *self, slot, writers }
    }
}

/// How many threads of the worker write its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// One: a load and a store.
    One,
    /// Several: an atomic addition, some nanoseconds dearer.
    Many,
}

/// Whether a word was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Just now.
    Done,
    /// It said something that it cannot be changed from.
    None,
}

/// A worker's pen for its own row.
#[derive(Clone, Debug)]
pub struct SlotHandle {
    board: Scoreboard,
    slot: Slot,
    writers: Writers,
}

impl SlotHandle {
    fn set(&self, word: Word, value: u64) {
        self.board.word(self.slot, word).store(value, Ordering::Relaxed);
    }

    fn add(&self, word: Word, count: u64) {
        let word = self.board.word(self.slot, word);
        match self.writers {
            Writers::One => {
                word.store(word.load(Ordering::Relaxed).wrapping_add(count), Ordering::Relaxed);
            }
            Writers::Many => {
                word.fetch_add(count, Ordering::Relaxed);
            }
        }
    }

    /// The row.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    /// The same pen, for a class with this many writing threads.
    #[must_use]
    pub fn with_writers(&self, writers: Writers) -> SlotHandle {
        SlotHandle { writers, ..self.clone() }
    }

    /// How many threads write the row.
    pub fn writers(&self) -> Writers {
        self.writers
    }

    /// First thing in the worker.
    pub fn booted(&self, pid: u32) {
        self.set(Word::Pid, pid.into());
        self.beat();
    }

    /// Says what the worker is doing now.
    pub fn state(&self, state: State) {
        self.board.word(self.slot, Word::State).store(state.word(), Ordering::Release);
    }

    /// Says that the worker wants to be replaced: only one that is ready can, and only once. Any
    /// thread may say it.
    pub fn become_weary(&self) -> Change {
        let word = self.board.word(self.slot, Word::State);
        let (from, to) = (State::Ready.word(), State::Weary.word());
        match word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed) {
            Ok(_) => Change::Done,
            Err(_) => Change::None,
        }
    }

    /// A sign of life from the main loop.
    pub fn beat(&self) {
        self.set(Word::Heartbeat, sys::coarse_millis());
    }

    /// The main loop goes into a request now and will not beat until it is back. This is a sign of
    /// life itself: several requests may follow each other in one turn of the loop, and none is to be
    /// blamed for the time of those before it. Returns when that is: [`sys::coarse_millis`].
    pub fn busy(&self) -> u64 {
        let now = sys::coarse_millis();
        self.set(Word::Heartbeat, now);
        self.set(Word::BusySince, now);
        now
    }

    /// The main loop is back.
    pub fn idle(&self) {
        self.set(Word::BusySince, 0);
    }

    /// A handler has held the only thread for too long.
    pub fn handler_blocked(&self) {
        self.add(Word::Blocked, 1);
    }

    /// A connection was accepted.
    pub fn connection_opened(&self) {
        self.add(Word::Connections, 1);
        self.add(Word::Accepted, 1);
    }

    /// A connection was closed.
    pub fn connection_closed(&self) {
        self.add(Word::Connections, u64::MAX);
    }

    /// The application was given a request.
    pub fn request_started(&self) {
        self.add(Word::InFlight, 1);
    }

    /// A response with a body of this many bytes was handed over.
    pub fn request_answered(&self, bytes_sent: u64) {
        self.add(Word::Requests, 1);
        self.add(Word::BytesSent, bytes_sent);
    }

    /// The application has the request no longer, answered or not.
    pub fn request_left(&self) {
        self.add(Word::InFlight, u64::MAX);
    }

    /// This worker's row as others read it.
    pub fn row(&self) -> Row {
        self.board.row(self.slot)
    }

    /// Requests that the application has in hand.
    pub fn in_flight(&self) -> u64 {
        self.board.read(self.slot, Word::InFlight)
    }

    /// Open connections.
    pub fn connections(&self) -> u64 {
        self.board.read(self.slot, Word::Connections)
    }

    /// Requests answered since the start.
    pub fn requests(&self) -> u64 {
        self.board.read(self.slot, Word::Requests)
    }

    /// What becomes of the whole server, and not only of this worker.
    pub fn outlook(&self) -> Outlook {
        self.board.outlook()
    }

    /// The whole table, to be read.
    pub(crate) fn board(&self) -> Scoreboard {
        self.board
    }

    /// See [`Scoreboard::fewest_connections`].
    pub fn fewest_connections_elsewhere(&self, stale: u64) -> Option<u64> {
        self.board.fewest_connections(self.slot, stale)
    }
}

#[cfg(test)]
mod tests;
