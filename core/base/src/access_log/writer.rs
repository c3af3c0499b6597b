//! The writing end of one thread: formats lines into a buffer of its own, and hands the buffer over
//! at the end of a turn of its loop. So a line costs no lock and, as a rule, no allocation. What is
//! counted for statsd goes the same way.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode};

use super::clock::Clock;
use super::format::{Format, Style};
use super::line::{self, Head, Parsed, Record};
use super::object::{self, Room};
use super::queue::{Batch, Queue};
use super::record::{Name, Pending, Queued, RequestLine};
use crate::listener::Peer;
use crate::statsd::{Meter, Sample};

/// Bytes after which a buffer is handed over without waiting for the end of the turn.
const BATCH: usize = 32 * 1024;

/// Lists of kept headers that wait for another request.
const SPARE: usize = 1024;

/// The lines of one thread, and the queue that they go to.
pub(super) struct Lines {
    queue: Arc<Queue>,
    batch: Batch,
    clock: Option<Clock>,
    room: Room,
    pid: u32,
}

impl Lines {
    pub(super) fn new(queue: Arc<Queue>, format: &Format, room: Room) -> Lines {
        let (batch, clock) = (Batch::default(), Clock::of(format));
        Lines { queue, batch, clock, room, pid: std::process::id() }
    }

    fn flush(&mut self) {
        if self.batch.lines > 0 {
            self.queue.send(&mut self.batch);
        }
    }
}

/// What is known of a request when it has ended.
struct Finished<'a> {
    head: Head<'a>,
    peer: &'a Peer,
    status: Option<StatusCode>,
    bytes: u64,
    duration: Option<Duration>,
    request_id: Option<&'a [u8]>,
    queued: Option<Duration>,
}

/// Records the requests of one thread; see [`AccessLog::writer`](super::AccessLog::writer). Dropping
/// it hands over what it still holds.
pub struct AccessWriter {
    format: Arc<Format>,
    lines: Option<Lines>,
    meter: Option<Meter>,
    /// When its thread has last looked at the clock.
    now: Option<Instant>,
    spare: RefCell<Vec<Vec<Option<HeaderValue>>>>,
}

impl AccessWriter {
    pub(super) fn new(
        format: Arc<Format>,
        lines: Option<Lines>,
        meter: Option<Meter>,
    ) -> AccessWriter {
        AccessWriter { format, lines, meter, now: None, spare: RefCell::default() }
    }

    /// Says what time it is, so that nobody has to look again. Who never says so has it looked up.
    pub fn set_time(&mut self, now: Instant) {
        self.now = Some(now);
    }

    /// Keeps of a request what its line will need.
    pub fn begin(&self, request: RequestLine<'_>) -> Pending {
        let kept = self.spare.borrow_mut().pop().unwrap_or_default();
        let mut pending = Pending::new(&self.format, request, kept);
        let is_object = matches!(self.format.style, Style::Object(_));
        if is_object {
            pending.name(request.headers);
        }
        if is_object || self.meter.is_some() {
            pending.queued = Queued::Wanted;
        }
        pending
    }

    /// Keeps of a response what the line will need. Without this the line says `-` for its status.
    pub fn respond(&self, pending: &mut Pending, status: StatusCode, headers: &HeaderMap) {
        pending.respond(&self.format, status, headers);
    }

    /// Writes the line of a request that has been answered, or has ended otherwise: `bytes` of the
    /// response's body have been sent, `duration` after the request was complete.
    pub fn finish(&mut self, pending: Pending, bytes: u64, duration: Duration) {
        let mut kept = pending.kept;
        let digits;
        let request_id = match pending.name {
            Name::Unwanted => None,
            Name::Given => kept.last().and_then(Option::as_ref).map(HeaderValue::as_bytes),
            Name::Made(made) => {
                digits = made.digits();
                Some(digits.as_slice())
            }
        };
        self.record(&Finished {
            head: Head::Parsed(Parsed {
                method: &pending.method,
                target: &pending.target,
                version: pending.version,
                kept: &kept,
            }),
            peer: &pending.peer,
            status: pending.status,
            bytes,
            duration: Some(duration),
            request_id,
            queued: match pending.queued {
                Queued::For(time) => Some(time),
                Queued::Unwanted | Queued::Wanted | Queued::Brief => None,
            },
        });
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
        self.record(&Finished {
            head: Head::Refused(line),
            peer,
            status: Some(status),
            bytes,
            duration: None,
            request_id: None,
            queued: None,
        });
    }

    fn record(&mut self, request: &Finished<'_>) {
        if let Some(meter) = &mut self.meter {
            let Finished { status, duration, queued, .. } = *request;
            meter.count(Sample { status, duration, queued });
        }
        let Some(lines) = &mut self.lines else { return };
        if let Some(clock) = &mut lines.clock {
            clock.tick(self.now.unwrap_or_else(Instant::now));
        }
        let record = Record {
            head: request.head,
            peer: request.peer,
            status: request.status,
            bytes: request.bytes,
            duration: request.duration,
            time: lines.clock.as_ref().map_or(b"", Clock::text),
            request_id: request.request_id,
            queued: request.queued,
            pid: lines.pid,
        };
        let out = &mut lines.batch.bytes;
        match self.format.style {
            Style::Pieces => line::write(out, &self.format, &record),
            Style::Object(syntax) => object::write(out, syntax, lines.room, &record),
        }
        lines.batch.lines += 1;
        if lines.batch.bytes.len() >= BATCH {
            lines.flush();
        }
    }

    /// Whether there is nothing to hand over.
    pub fn is_empty(&self) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.batch.lines == 0)
            && self.meter.as_ref().is_none_or(Meter::is_empty)
    }

    /// Hands over what has been written: at the end of a turn. Never waits: what finds no room is
    /// dropped and counted.
    pub fn flush(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.flush();
        }
        if let Some(meter) = &mut self.meter {
            meter.flush();
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
        f.debug_struct("AccessWriter").field("format", &self.format.style).finish_non_exhaustive()
    }
}
