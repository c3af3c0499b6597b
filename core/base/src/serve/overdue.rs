//! When a request has taken too long: what all classes say about it, and how the main thread of a
//! class with many threads takes a request away from a handler that does not come back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{StatusCode, Version};
use nix::sys::socket::{MsgFlags, Shutdown, send, shutdown};

use super::{Scratch, Service, last_words};
use crate::in_flight::{EntryId, Extent, Seized, Speech, report};
use crate::sys;

/// Milliseconds. When many requests time out one after the other, the whole table is shown this often
/// at most; each of them is named all the same.
const ONE_TABLE_PER: u64 = 1_000;

impl Service {
    /// Says in the log that these requests have taken too long, and what else is in flight.
    pub fn report_overdue(&self, entries: &[EntryId]) {
        tracing::error!(target: "critical", "WORKER TIMEOUT (pid:{})", std::process::id());
        let now = sys::coarse_millis();
        let last = self.table_shown.load(Ordering::Relaxed);
        let extent = if now >= last + ONE_TABLE_PER {
            self.table_shown.store(now, Ordering::Relaxed);
            Extent::All(entries)
        } else {
            Extent::Only(entries)
        };
        report(self.ledger().table(), self.slot().in_flight(), extent);
    }

    /// Gives up the requests that have taken too long: their clients get 504, or, when a response has
    /// begun, see its end. The threads that run their handlers are lost until they come back
    /// ([`Service::strays`]). Returns how many were given up, and how long it is until there may be
    /// more; `None`: never.
    ///
    /// For a class with a thread for each request, and for its main thread only.
    pub fn give_up_overdue(&self, scratch: &mut Scratch) -> (usize, Option<Duration>) {
        let Some(limit) = self.config().timeout.get() else { return (0, None) };
        let (overdue, next) = self.ledger().overdue(limit);
        let seized = self.seize(&overdue);
        if seized.is_empty() {
            return (0, Some(next));
        }
        let entries: Vec<EntryId> = seized.iter().map(|&(id, _)| id).collect();
        self.report_overdue(&entries);
        for &(id, seized) in &seized {
            self.end_for_handler(id, seized, scratch);
        }
        (seized.len(), Some(next))
    }

    fn seize(&self, ids: &[EntryId]) -> Vec<(EntryId, Seized)> {
        let seize = |&id: &EntryId| Some((id, self.ledger().seize(id)?));
        ids.iter().filter_map(seize).collect()
    }

    /// Gives up these requests, which were reported and whose handlers cannot be made to end: see
    /// [`Service::give_up_overdue`]. For a class with a coroutine for each request.
    pub fn give_up(&self, ids: &[EntryId], scratch: &mut Scratch) {
        for (id, seized) in self.seize(ids) {
            self.end_for_handler(id, seized, scratch);
        }
    }

    fn end_for_handler(&self, id: EntryId, seized: Seized, scratch: &mut Scratch) {
        if seized.speech == Speech::Free {
            // Whatever the kernel does not take at once, it will not take from us.
            let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
            let sent = send(seized.fd, last_words::RESPONSE, flags).is_ok();
            if let (Some(named), Some(log), true) = (self.ledger().name(id), scratch.log(), sent) {
                let version = match named.version {
                    Version::HTTP_10 => b" HTTP/1.0",
                    _ => b" HTTP/1.1",
                };
                let line = [named.text.as_slice(), version].concat();
                log.refused(&named.peer, &line, StatusCode::GATEWAY_TIMEOUT, 0);
            }
        }
        // Also wakes a handler that waits for this client.
        #[expect(clippy::disallowed_methods, reason = "a client's connection, not a listener")]
        let _ = shutdown(seized.fd, Shutdown::Both);
        self.strays.fetch_add(1, Ordering::Relaxed);
        self.slot().request_left();
        self.ledger().let_go(id);
    }

    /// Requests that were given up and whose handlers have not come back. Each still holds its
    /// connection.
    pub fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    pub(super) fn stray_is_back(&self) {
        self.strays.fetch_sub(1, Ordering::Relaxed);
    }
}
