//! What one thread of a worker has at hand for its connections: the date, its access-log buffer and
//! a few spare buffers, so that a connection between requests holds none.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use oxicorn_http1::HttpDate;

use crate::access_log::AccessWriter;
use crate::in_flight::Holder;
use crate::serve::{Push, Service, Together};
use crate::sys;

/// How much a connection is read at once.
pub(crate) const READ_SIZE: usize = 16 * 1024;
/// A date may be so late. It has whole seconds: looking at each turn would be a look in vain.
const DATE_STANDS_FOR: Duration = Duration::from_millis(10);
const SPARE_BUFFERS: usize = 64;
const LARGEST_SPARE: usize = 64 * 1024;

/// One thread's belongings.
#[derive(Debug)]
pub struct Scratch {
    now: Instant,
    date: HttpDate,
    /// When the date is looked at again.
    date_until: Instant,
    log: Option<AccessWriter>,
    spare: Vec<BytesMut>,
    standing: Standing,
    came_after: Option<Instant>,
    together: Together,
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
        let now = Instant::now();
        Scratch {
            now,
            date: HttpDate::new(sys::unix_seconds()),
            date_until: now + DATE_STANDS_FOR,
            log: service.access_log().map(|log| log.writer()),
            spare: Vec::new(),
            standing: Standing::Present,
            came_after: None,
            together: Together::default(),
        }
    }

    /// A new turn begins: looks at the clocks.
    pub fn tick(&mut self) {
        self.now = Instant::now();
        if self.now >= self.date_until {
            self.date.refresh(sys::unix_seconds());
            self.date_until = self.now + DATE_STANDS_FOR;
        }
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

    /// What is read now has come after this moment, as far as is known.
    pub(crate) fn set_came_after(&mut self, then: Option<Instant>) {
        self.came_after = then;
    }

    /// Whether what is read now has come within `time`, for sure.
    pub(crate) fn came_within(&self, time: Duration) -> bool {
        self.came_after.is_some_and(|then| self.now.saturating_duration_since(then) < time)
    }

    /// The answers that have not left yet.
    pub(crate) fn together(&mut self) -> &mut Together {
        &mut self.together
    }

    /// An answer is to be given to this socket: how.
    pub(crate) fn take_together(&mut self, socket: &impl AsFd) -> Push {
        self.together.take(socket, self.now)
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
        let log = self.log.as_mut()?;
        log.set_time(self.now);
        Some(log)
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
