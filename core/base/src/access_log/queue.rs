//! What the threads of a worker have written and its writer thread has not: one buffer under a lock
//! that is held for a copy at most.
//!
//! Not a channel of buffers. A loop that flushes at each turn sends many small ones, so a channel is
//! full after as many turns as it has places, however little they hold; and a writer thread that has
//! to share two cores with busy workers is away for longer than that. Here what may wait is counted
//! in bytes, and the writer takes in one piece whatever has come while it was away.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::losses::{Cause, Losses};

/// Bytes that may wait: a quarter of a second at 50,000 requests per second. A blocked destination
/// costs twice that, because the writer holds as much.
const WAITING: usize = 4 << 20;

/// How long the writer leaves its pen down after it has written. Waking it costs the request that
/// does it several microseconds, more than its line: under load it is woken by the clock instead, and
/// so seldom that its wake-ups do not show beside the requests.
const NAP: Duration = Duration::from_millis(10);

/// Bytes that end a nap.
const MUCH: usize = 256 << 10;

/// An emptied buffer larger than this is given back to the system.
const KEPT: usize = MUCH;

/// How long a loss may go unreported when nothing else happens.
const REPORT: Duration = Duration::from_secs(1);

/// Whole lines.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.lines = 0;
        self.bytes.clear();
        if self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }
}

/// Whether the writer is to open its file again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum File {
    #[default]
    Same,
    Reopen,
}

/// Whether more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    Perhaps,
    No,
}

/// What the writer is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Busy,
    /// Looks by itself soon.
    Napping,
    /// Sleeps until it is woken.
    Asleep,
}

#[derive(Debug, Default)]
struct State {
    waiting: Batch,
    /// Lines that the writer has taken and not finished.
    taken: u64,
    file: File,
    is_closed: bool,
    writer: Writer,
}

/// How long the writer may sleep when it has nothing to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// Until there is something.
    #[default]
    Endless,
    /// It has something to look after once a second.
    Short,
}

/// The buffer, and what became of the lines that did not fit.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    pub(super) losses: Losses,
    rest: Rest,
}

impl Queue {
    pub(super) fn new(rest: Rest) -> Queue {
        Queue { rest, ..Queue::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A wake is a system call: only when somebody has to be woken.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let waits = std::mem::take(&mut state.writer) != Writer::Busy;
        drop(state);
        if waits {
            self.wake.notify_one();
        }
    }

    /// Sleeps until a wake, or for as long as that.
    fn sleep<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        let woken = self.wake.wait_timeout(state, time);
        woken.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Takes the lines of a batch, or counts them as lost; leaves it empty.
    pub(super) fn send(&self, batch: &mut Batch) {
        let mut state = self.state();
        let size = state.waiting.bytes.len() + batch.bytes.len();
        if state.is_closed || size > WAITING {
            drop(state);
            self.losses.add(batch.lines, Cause::Slow);
        } else {
            if state.waiting.bytes.is_empty() {
                std::mem::swap(&mut state.waiting, batch);
            } else {
                state.waiting.bytes.extend_from_slice(&batch.bytes);
                state.waiting.lines += batch.lines;
            }
            if state.writer == Writer::Asleep || size > MUCH {
                self.wake(state);
            }
        }
        batch.clear();
    }

    /// Tells the writer to open its file again before it writes what is sent from now on.
    pub(super) fn reopen(&self) {
        let mut state = self.state();
        state.file = File::Reopen;
        self.wake(state);
    }

    /// Takes no more lines; the writer ends when it has written what is there.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.wake(state);
    }

    /// Gives up what the writer has not finished, and counts it as lost: all that it has in hand,
    /// though the destination may have taken the first lines of it.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        let lines = state.waiting.lines + std::mem::take(&mut state.taken);
        state.waiting.clear();
        drop(state);
        self.losses.add(lines, Cause::Slow);
    }

    /// For the writer, which has finished `batch`: exchanges it for what waits. Waits until there is
    /// something to do, a report of losses included.
    pub(super) fn take(&self, batch: &mut Batch) -> (File, More) {
        let has_written = batch.lines > 0;
        batch.clear();
        let mut state = self.state();
        state.taken = 0;
        if has_written && state.may_wait() {
            state.writer = Writer::Napping;
            state = self.sleep(state, NAP);
        }
        while state.waiting.lines == 0 && state.may_wait() {
            state.writer = Writer::Asleep;
            if self.rest == Rest::Short || self.losses.is_unreported() {
                state = self.sleep(state, REPORT);
                break;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Busy;
        std::mem::swap(&mut state.waiting, batch);
        state.taken = batch.lines;
        let more = if state.is_closed && batch.lines == 0 { More::No } else { More::Perhaps };
        (std::mem::take(&mut state.file), more)
    }
}

impl State {
    /// Nobody is waiting for the writer.
    fn may_wait(&self) -> bool {
        self.file == File::Same && !self.is_closed && self.waiting.bytes.len() <= MUCH
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Batch {
        Batch { bytes: text.into(), lines: text.matches('\n').count() as u64 }
    }

    fn taken(queue: &Queue) -> (String, u64, (File, More)) {
        let mut batch = Batch::default();
        let what = queue.take(&mut batch);
        (String::from_utf8(batch.bytes).unwrap(), batch.lines, what)
    }

    #[test]
    fn batches_are_joined_and_taken_together() {
        let queue = Queue::default();
        queue.send(&mut batch("a\nb\n"));
        queue.send(&mut batch("c\n"));
        queue.reopen();
        let same = (File::Same, More::Perhaps);
        let lines = "a\nb\nc\n".to_owned();
        assert_eq!(taken(&queue), (lines, 3, (File::Reopen, More::Perhaps)));
        queue.send(&mut batch("d\n"));
        queue.close();
        assert_eq!(taken(&queue), ("d\n".to_owned(), 1, same));
        assert_eq!(taken(&queue), (String::new(), 0, (File::Same, More::No)));
        queue.send(&mut batch("too late\n"));
        assert_eq!(queue.losses.total(), 1);
    }

    #[test]
    fn what_does_not_fit_is_counted_and_what_is_given_up_too() {
        let queue = Queue::default();
        let large = "x".repeat(WAITING / 2 - 1) + "\n";
        queue.send(&mut batch(&large));
        queue.send(&mut batch(&large));
        assert_eq!(queue.losses.total(), 0);
        let mut one_more = batch("y\n");
        queue.send(&mut one_more);
        assert_eq!((queue.losses.total(), one_more.bytes.len()), (1, 0));
        assert_eq!(taken(&queue).1, 2);
        queue.send(&mut batch("z\n"));
        queue.abandon();
        assert_eq!(queue.losses.total(), 4, "two in hand, one waiting");
    }
}
