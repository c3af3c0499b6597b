//! The requests that a worker's application has in hand, in memory that the master shares. When a
//! worker is stuck, or has died, nobody can ask it what it was doing; but its table is still there,
//! and whoever looks for the fault is told the requests by name.
//!
//! Writing an entry costs some tens of nanoseconds, so every request has one: plain stores, no lock,
//! no allocation. There is a table for each worker process, made by the master before the fork and
//! dropped when the process has been reaped.

mod claim;
mod entry;
mod report;

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Config;
use crate::sys::{self, SharedWords};

pub(crate) use claim::Seized;
pub use claim::{Holder, Speech};
pub(crate) use entry::Named;
pub use entry::Request;
use entry::{Entry, WORDS};
pub use report::{Extent, MOST_ROWS, report};

/// More connections than this have no entry each: what is beyond is only counted.
const MOST_CONNECTIONS: u32 = 1024;

const RUNNING: usize = 0;
const HIGH_WATER: usize = 1;

/// How many requests a worker with this configuration can have in hand and name.
fn entries(config: &Config) -> usize {
    (config.worker_connections.min(MOST_CONNECTIONS) + config.threads) as usize
}

/// The words of a table of so many. The first entry holds what concerns the whole table.
fn words(entries: usize) -> NonZeroUsize {
    let entries = NonZeroUsize::MIN.saturating_add(entries);
    entries.saturating_mul(const { NonZeroUsize::new(WORDS).unwrap() })
}

/// A request's place in the table of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(usize);

/// The table, as the master and the worker share it. Clones are the same table.
#[derive(Clone, Debug)]
pub struct InFlightTable(Arc<SharedWords>);

impl InFlightTable {
    /// A table for a worker with this configuration. Pages of it that are never written cost nothing.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn new(config: &Config) -> io::Result<InFlightTable> {
        InFlightTable::with_entries(entries(config))
    }

    /// The same, with a descriptor by which a worker that is no copy of this process maps it, too:
    /// [`InFlightTable::of`].
    ///
    /// # Errors
    /// Those of [`sys::shared_file`] and [`sys::map_shared`].
    pub fn in_file(config: &Config) -> io::Result<(InFlightTable, OwnedFd)> {
        let file = sys::shared_file(words(entries(config)))?;
        Ok((InFlightTable::of(file.as_fd())?, file))
    }

    /// The table of this descriptor.
    ///
    /// # Errors
    /// It is that of no table; those of [`sys::map_shared`].
    pub fn of(file: BorrowedFd<'_>) -> io::Result<InFlightTable> {
        let words = SharedWords::of(file)?;
        match words.len() >= 2 * WORDS && words.len() % WORDS == 0 {
            true => Ok(InFlightTable(Arc::new(words))),
            false => Err(io::Error::from(io::ErrorKind::InvalidInput)),
        }
    }

    fn with_entries(entries: usize) -> io::Result<InFlightTable> {
        Ok(InFlightTable(Arc::new(SharedWords::new(words(entries))?)))
    }

    fn entries(&self) -> usize {
        self.0.len() / WORDS - 1
    }

    fn entry(&self, id: EntryId) -> Entry<'_> {
        Entry(&self.0[(id.0 + 1) * WORDS..(id.0 + 2) * WORDS])
    }

    fn read(&self, id: EntryId) -> Option<Named> {
        self.entry(id).read()
    }

    /// All that are named, oldest first.
    fn named(&self) -> Vec<(EntryId, Named)> {
        let used = (self.0[HIGH_WATER].load(Ordering::Relaxed) as usize).min(self.entries());
        let all = (0..used).map(EntryId);
        let mut named: Vec<_> = all.filter_map(|id| Some((id, self.read(id)?))).collect();
        named.sort_by_key(|(id, named)| (named.since, *id));
        named
    }

    /// Which one holds the worker's thread at this moment, in a class that has one thread for all.
    pub fn running(&self) -> Option<EntryId> {
        (self.0[RUNNING].load(Ordering::Relaxed) as usize).checked_sub(1).map(EntryId)
    }

    pub(crate) fn set_running(&self, running: Option<EntryId>) {
        let word = running.map_or(0, |id| id.0 as u64 + 1);
        self.0[RUNNING].store(word, Ordering::Relaxed);
    }
}

/// The worker's side: the table, and which of its entries are taken. An entry whose request was given
/// up is cleared at once and stays taken until the handler that was left with it comes back.
#[derive(Debug)]
pub(crate) struct Ledger {
    table: InFlightTable,
    /// A bit for each entry.
    taken: Box<[AtomicU64]>,
}

impl Ledger {
    pub(crate) fn new(table: InFlightTable) -> Ledger {
        let entries = table.entries();
        let bits = |word: usize| match entries - word * 64 {
            64.. => 0,
            // What is beyond the end is taken for ever.
            rest => u64::MAX << rest,
        };
        let taken = (0..entries.div_ceil(64)).map(|word| AtomicU64::new(bits(word))).collect();
        Ledger { table, taken }
    }

    pub(crate) fn table(&self) -> &InFlightTable {
        &self.table
    }

    /// Enters a request, in the lowest free place: the one whose memory is most likely at hand.
    /// `None`: the table is full.
    pub(crate) fn begin(&self, request: Request<'_>, fd: RawFd, speech: Speech) -> Option<EntryId> {
        let id = self.reserve()?;
        let high = &self.table.0[HIGH_WATER];
        if high.load(Ordering::Relaxed) <= id.0 as u64 {
            high.fetch_max(id.0 as u64 + 1, Ordering::Relaxed);
        }
        let entry = self.table.entry(id);
        entry.claim().begin(fd, speech);
        entry.write(request, sys::coarse_millis());
        Some(id)
    }

    fn reserve(&self) -> Option<EntryId> {
        for (number, word) in self.taken.iter().enumerate() {
            let mut known = word.load(Ordering::Relaxed);
            while known != u64::MAX {
                let bit = known.trailing_ones();
                let before = word.fetch_or(1 << bit, Ordering::Acquire);
                if before & 1 << bit == 0 {
                    return Some(EntryId(number * 64 + bit as usize));
                }
                known = before;
            }
        }
        None
    }

    fn is_taken(&self, id: EntryId) -> bool {
        self.taken[id.0 / 64].load(Ordering::Acquire) & 1 << (id.0 % 64) != 0
    }

    /// The handler is about to write its response.
    pub(crate) fn answer(&self, id: EntryId) -> Holder {
        self.table.entry(id).claim().answer()
    }

    /// The handler is finished: the entry is free again.
    pub(crate) fn end(&self, id: EntryId) -> Holder {
        let entry = self.table.entry(id);
        let holder = entry.claim().end();
        entry.clear();
        self.taken[id.0 / 64].fetch_and(!(1 << (id.0 % 64)), Ordering::Release);
        holder
    }

    /// Takes a request away from its handler, unless that has just finished with it.
    pub(crate) fn seize(&self, id: EntryId) -> Option<Seized> {
        self.table.entry(id).claim().seize()
    }

    pub(crate) fn name(&self, id: EntryId) -> Option<Named> {
        self.table.read(id)
    }

    /// What was seized is over, and its entry names nothing any more.
    pub(crate) fn let_go(&self, id: EntryId) {
        let entry = self.table.entry(id);
        entry.clear();
        entry.claim().let_go();
    }

    /// The requests that have taken `limit` or longer, and how long it is until the next one may.
    pub(crate) fn overdue(&self, limit: Duration) -> (Vec<EntryId>, Duration) {
        let now = sys::coarse_millis();
        let mut next = limit;
        let mut overdue = Vec::new();
        let used = self.table.0[HIGH_WATER].load(Ordering::Relaxed) as usize;
        for id in (0..used.min(self.table.entries())).map(EntryId) {
            let since = self.table.entry(id).since().filter(|_| self.is_taken(id));
            let Some(since) = since else { continue };
            let age = Duration::from_millis(now.saturating_sub(since));
            match limit.checked_sub(age).filter(|left| !left.is_zero()) {
                Some(left) => next = next.min(left),
                None => overdue.push(id),
            }
        }
        (overdue, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Peer;
    use http::{Method, Version};

    fn ledger(entries: usize) -> Ledger {
        Ledger::new(InFlightTable::with_entries(entries).unwrap())
    }

    fn begin(ledger: &Ledger, target: &str) -> Option<EntryId> {
        let target = target.as_bytes();
        let (method, version, peer) = (&Method::GET, Version::HTTP_11, &Peer::Unix);
        ledger.begin(Request { method, target, version, peer }, 1, Speech::Free)
    }

    fn targets(ledger: &Ledger) -> Vec<String> {
        ledger.table.named().iter().map(|(_, named)| named.to_string()).collect()
    }

    #[test]
    fn as_many_as_there_is_room_for_are_named() {
        for room in [1, 63, 64, 65, 130] {
            let ledger = ledger(room);
            let ids: Vec<_> =
                (0..room).map(|n| begin(&ledger, &format!("/{n}")).unwrap()).collect();
            assert_eq!(begin(&ledger, "/one more"), None, "room for {room}");
            assert_eq!(targets(&ledger).len(), room);
            assert_eq!(ledger.end(ids[room / 2]), Holder::Handler);
            assert_eq!(targets(&ledger).len(), room - 1);
            assert_eq!(begin(&ledger, "/again"), Some(ids[room / 2]));
        }
    }

    #[test]
    fn what_was_given_up_is_named_no_more_and_keeps_its_place_until_the_handler_is_back() {
        let ledger = ledger(1);
        let id = begin(&ledger, "/stuck").unwrap();
        assert_eq!(ledger.overdue(Duration::ZERO).0, [id]);
        assert!(ledger.seize(id).is_some());
        ledger.let_go(id);
        assert!(targets(&ledger).is_empty());
        assert!(ledger.overdue(Duration::ZERO).0.is_empty());
        assert_eq!(begin(&ledger, "/other"), None);
        assert_eq!(ledger.answer(id), Holder::Nobody);
        assert_eq!(ledger.end(id), Holder::Nobody);
        assert_eq!(begin(&ledger, "/other"), Some(id));
    }

    #[test]
    fn who_is_within_the_limit_says_when_to_look_again() {
        let ledger = ledger(4);
        let limit = Duration::from_secs(60);
        assert_eq!(
            ledger.overdue(limit),
            (vec![], limit),
            "nobody who begins later is due earlier"
        );
        begin(&ledger, "/").unwrap();
        let (overdue, next) = ledger.overdue(limit);
        assert!(overdue.is_empty() && next <= limit && next > limit / 2, "{next:?}");
    }

    #[test]
    fn the_running_one_is_marked() {
        let ledger = ledger(2);
        assert_eq!(ledger.table.running(), None);
        let id = begin(&ledger, "/");
        ledger.table.set_running(id);
        assert_eq!(ledger.table.running(), id);
        ledger.table.set_running(None);
        assert_eq!(ledger.table.running(), None);
    }

    #[test]
    fn many_threads_never_share_an_entry() {
        let ledger = ledger(8);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let ledger = &ledger;
                scope.spawn(move || {
                    for n in 0..2000 {
                        let target = format!("/{thread}/{n}");
                        let id = begin(ledger, &target).unwrap();
                        let named = ledger.name(id).unwrap();
                        assert_eq!(named.to_string(), format!("GET {target}"));
                        assert_eq!(ledger.end(id), Holder::Handler);
                    }
                });
            }
        });
        assert!(targets(&ledger).is_empty());
    }
}
