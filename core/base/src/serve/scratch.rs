//! What one thread of a worker has at hand for its connections: the date, its access-log buffer and
//! a few spare buffers, so that a connection between requests holds none.

use std::time::Instant;

use bytes::BytesMut;
use oxicorn_http1::HttpDate;

use crate::access_log::AccessWriter;
use crate::in_flight::Holder;
use crate::serve::Service;
use crate::sys;

/// How much a connection is read at once.
pub(crate) const READ_SIZE: usize = 16 * 1024;
const SPARE_BUFFERS: usize = 64;
const LARGEST_SPARE: usize = 64 * 1024;

/// One thread's belongings.
#[derive(Debug)]
pub struct Scratch {
    now: Instant,
    date: HttpDate,
    log: Option<AccessWriter>,
    spare: Vec<BytesMut>,
    standing: Standing,
}

/// Whether the thread still belongs to its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Present,
    /// A request of it was given up because it did not come back, and another thread has its place:
    /// it is to end.
    Lost,
}

impl Scratch {
    /// For a thread of this service.
    pub fn new(service: &Service) -> Scratch {
        Scratch {
            now: Instant::now(),
            date: HttpDate::new(sys::unix_seconds()),
            log: service.access_log().map(|log| log.writer()),
            spare: Vec::new(),
            standing: Standing::Present,
        }
    }

    /// A new turn begins: looks at the clocks.
    pub fn tick(&mut self) {
        self.now = Instant::now();
        self.date.refresh(sys::unix_seconds());
    }

    /// The turn ends: hands the access log's lines over.
    pub fn flush(&mut self) {
        if let Some(log) = &mut self.log {
            log.flush();
        }
    }

    /// Whether [`Scratch::flush`] has something to do.
    pub fn has_lines(&self) -> bool {
        self.log.as_ref().is_some_and(|log| !log.is_empty())
    }

    /// Whether the thread still belongs to its worker.
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What the end of a request says about its thread.
    pub(crate) fn note(&mut self, holder: Holder) {
        if holder == Holder::Nobody {
            self.standing = Standing::Lost;
        }
    }

    /// When this turn began.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Moves the clock, for a test.
    #[cfg(test)]
    pub(crate) fn pretend(&mut self, now: Instant) {
        self.now = now;
    }

    pub(crate) fn date(&self) -> &HttpDate {
        &self.date
    }

    pub(crate) fn log(&mut self) -> Option<&mut AccessWriter> {
        self.log.as_mut()
    }

    /// An empty buffer with room for a read.
    pub(crate) fn lend(&mut self) -> BytesMut {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.reserve(READ_SIZE);
        buffer
    }

    /// Takes a buffer back; one that is large, or one too many, is freed.
    pub(crate) fn give_back(&mut self, mut buffer: BytesMut) {
        let worth_keeping = (1..=LARGEST_SPARE).contains(&buffer.capacity());
        if worth_keeping && self.spare.len() < SPARE_BUFFERS {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}
