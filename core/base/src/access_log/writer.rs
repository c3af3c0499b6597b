//! The writing end of one thread: formats lines into a buffer of its own, and hands the buffer over
//! at the end of a turn of its loop. So a line costs no lock and, as a rule, no allocation.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};

use super::format::{Atom, Format};
use super::line::{self, Head, Parsed, Record};
use super::queue::{Batch, Queue};
use super::record::{Pending, RequestLine};
use crate::listener::Peer;
use crate::log::stamp;
use crate::sys;

/// Bytes after which a buffer is handed over without waiting for the end of the turn.
const BATCH: usize = 32 * 1024;

/// Lists of kept headers that wait for another request.
const SPARE: usize = 1024;

/// The present second as it stands in a line.
#[derive(Default)]
struct Clock {
    second: u64,
    text: Vec<u8>,
}

impl Clock {
    fn tick(&mut self) {
        let now = sys::unix_seconds();
        if now != self.second || self.text.is_empty() {
            self.second = now;
            self.text.clear();
            stamp::access_log(&mut self.text, &sys::local_time(now));
        }
    }
}

/// Writes the lines of one thread; see [`AccessLog::writer`](super::AccessLog::writer). Dropping it
/// hands over what it still holds.
pub struct AccessWriter {
    format: Arc<Format>,
    queue: Arc<Queue>,
    batch: Batch,
    clock: Option<Clock>,
    pid: u32,
    spare: RefCell<Vec<Vec<Option<HeaderValue>>>>,
}

impl AccessWriter {
    pub(super) fn new(format: Arc<Format>, queue: Arc<Queue>) -> AccessWriter {
        let clock = format.has(Atom::Time).then(Clock::default);
        AccessWriter {
            format,
            queue,
            batch: Batch::default(),
            clock,
            pid: std::process::id(),
            spare: RefCell::default(),
        }
    }

    /// Keeps of a request what its line will need.
    pub fn begin(&self, request: RequestLine<'_>) -> Pending {
        let kept = self.spare.borrow_mut().pop().unwrap_or_default();
        Pending::new(&self.format, request, kept)
    }

    /// Keeps of a response what the line will need. Without this the line says `-` for its status.
    pub fn respond(&self, pending: &mut Pending, status: StatusCode, headers: &HeaderMap) {
        pending.respond(&self.format, status, headers);
    }

    /// Writes the line of a request that has been answered, or has ended otherwise: `bytes` of the
    /// response's body have been sent, `duration` after the request was complete.
    pub fn finish(&mut self, pending: Pending, bytes: u64, duration: Duration) {
        let mut kept = pending.kept;
        let head = Head::Parsed(Parsed {
            method: &pending.method,
            target: &pending.target,
            version: pending.version,
            kept: &kept,
        });
        self.line(head, &pending.peer, pending.status, bytes, Some(duration));
        kept.clear();
        let spare = self.spare.get_mut();
        if spare.len() < SPARE {
            spare.push(kept);
        }
    }

    /// Writes the line of a request that could not be read: `first_line` is what has come of its
    /// request line. All that is not known is `-`.
    pub fn refused(&mut self, peer: &Peer, first_line: &[u8], status: StatusCode, bytes: u64) {
        let end = memchr::memchr(b'\n', first_line).unwrap_or(first_line.len());
        let line = &first_line[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.line(Head::Refused(line), peer, Some(status), bytes, None);
    }

    fn line(
        &mut self,
        head: Head<'_>,
        peer: &Peer,
        status: Option<StatusCode>,
        bytes: u64,
        duration: Option<Duration>,
    ) {
        if let Some(clock) = &mut self.clock {
            clock.tick();
        }
        let record = Record {
            head,
            peer,
            status,
            bytes,
            duration,
            time: self.clock.as_ref().map_or(b"", |clock| &clock.text),
            pid: self.pid,
        };
        line::write(&mut self.batch.bytes, &self.format, &record);
        self.batch.lines += 1;
        if self.batch.bytes.len() >= BATCH {
            self.flush();
        }
    }

    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.batch.lines == 0
    }

    /// Hands over what has been written: at the end of a turn. Never waits: what finds no room is
    /// dropped and counted.
    pub fn flush(&mut self) {
        if self.batch.lines > 0 {
            self.queue.send(&mut self.batch);
        }
    }
}

impl Drop for AccessWriter {
    fn drop(&mut self) {
        self.flush();
    }
}

impl std::fmt::Debug for AccessWriter {
    /// Without the lines: what stands in them is nobody else's business.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessWriter").field("lines", &self.batch.lines).finish_non_exhaustive()
    }
}
