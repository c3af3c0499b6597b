//! The tasks that wait for their clients. When the worker leaves, each has to look at its connection's
//! deadline again; until then waiting costs them nothing but their entry here.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use oxicorn_core::in_flight::EntryId;
use slab::Slab;

#[derive(Debug, Default)]
struct Line {
    waker: Option<Waker>,
    /// Since when its connection has waited for a request; `None` while it does something else.
    idle_since: Option<Instant>,
    call: Call,
    handler: Handler,
}

/// Whether the task's application has a request in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Handler {
    #[default]
    None,
    /// Since when, and the request's place in the table.
    Since(Instant, Option<EntryId>),
    /// It has taken too long.
    Over,
}

/// What a task is interrupted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Call {
    #[default]
    None,
    /// To look at its deadline again.
    Look,
    /// To close its connection.
    Dismissed,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Roll(RefCell<Slab<Line>>);

/// A task's line in the roll, as long as the task lives.
pub(crate) struct Entry<'a> {
    roll: &'a Roll,
    line: usize,
}

impl Line {
    fn call(&mut self, call: Call) {
        self.call = call;
        self.waker.take().into_iter().for_each(Waker::wake);
    }
}

impl Roll {
    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry { roll: self, line: self.0.borrow_mut().insert(Line::default()) }
    }

    /// Interrupts every task that waits.
    pub(crate) fn call(&self) {
        self.0.borrow_mut().iter_mut().for_each(|(_, line)| line.call(Call::Look));
    }

    /// Ends the requests that have taken `limit` or longer. Returns them, and when there may be more.
    pub(crate) fn end_overdue(
        &self,
        limit: Duration,
        now: Instant,
    ) -> (Vec<Option<EntryId>>, Instant) {
        // Whoever begins later is due later.
        let mut next = now + limit;
        let mut overdue = Vec::new();
        for (_, line) in self.0.borrow_mut().iter_mut() {
            let Handler::Since(then, entry) = line.handler else { continue };
            if then + limit <= now {
                line.handler = Handler::Over;
                line.waker.take().into_iter().for_each(Waker::wake);
                overdue.push(entry);
            } else {
                next = next.min(then + limit);
            }
        }
        (overdue, next)
    }

    /// Ends the task whose connection has been idle for longest.
    pub(crate) fn dismiss_longest_idle(&self) {
        let mut lines = self.0.borrow_mut();
        let idle = lines
            .iter_mut()
            .filter(|(_, line)| line.idle_since.is_some() && line.call != Call::Dismissed);
        if let Some((_, line)) = idle.min_by_key(|(_, line)| line.idle_since) {
            line.call(Call::Dismissed);
        }
    }
}

impl Entry<'_> {
    fn line<T>(&self, look: impl FnOnce(&mut Line) -> T) -> Option<T> {
        self.roll.0.borrow_mut().get_mut(self.line).map(look)
    }

    /// Whether the task is to close its connection.
    pub(crate) fn is_dismissed(&self) -> bool {
        self.line(|line| line.call == Call::Dismissed) == Some(true)
    }

    /// Waits for `future`, but gives it up when the task is called: `None`.
    pub(crate) async fn unless_called<F: Future>(
        &self,
        idle_since: Option<Instant>,
        future: F,
    ) -> Option<F::Output> {
        self.line(|line| line.idle_since = idle_since);
        let mut future = pin!(future);
        let output = poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            let called = self.line(|line| {
                let called = line.call != Call::None;
                if line.call == Call::Look {
                    line.call = Call::None;
                }
                // A task's waker stays the same: it is entered once.
                line.waker.get_or_insert_with(|| cx.waker().clone());
                called
            });
            if called == Some(true) { Poll::Ready(None) } else { Poll::Pending }
        });
        let output = output.await;
        self.line(|line| line.idle_since = None);
        output
    }

    /// Waits for `handler`, which has been at work since then, but gives it up when its time is over:
    /// `None`.
    pub(crate) async fn while_in_time<F: Future>(
        &self,
        since: Option<Instant>,
        entry: Option<EntryId>,
        handler: F,
    ) -> Option<F::Output> {
        let since = since.map_or(Handler::None, |since| Handler::Since(since, entry));
        self.line(|line| line.handler = since);
        let mut handler = pin!(handler);
        let output = poll_fn(|cx| {
            // Asked first: what the log says has come too late is not answered after all.
            let over = self.line(|line| line.handler == Handler::Over);
            if over == Some(true) {
                return Poll::Ready(None);
            }
            let poll = handler.as_mut().poll(cx).map(Some);
            if poll.is_pending() {
                // A task's waker stays the same: it is entered once.
                self.line(|line| {
                    line.waker.get_or_insert_with(|| cx.waker().clone());
                });
            }
            poll
        });
        let output = output.await;
        self.line(|line| line.handler = Handler::None);
        output
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.roll.0.borrow_mut().try_remove(self.line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::runtime::Builder;

    #[test]
    fn a_call_interrupts_those_who_wait_and_nobody_later() {
        let roll = Roll::default();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let entry = roll.entry();
            let waits = entry.unless_called(None, pending::<()>());
            let (woken, ()) = tokio::join!(waits, async { roll.call() });
            assert_eq!(woken, None);
            assert!(!entry.is_dismissed());
            assert_eq!(entry.unless_called(None, async { 7 }).await, Some(7));
        });
    }

    #[test]
    fn a_handler_is_given_up_when_its_time_is_over_and_not_for_any_other_call() {
        const LIMIT: Duration = Duration::from_secs(30);
        let roll = Roll::default();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (old, young) = (roll.entry(), roll.entry());
            let now = Instant::now();
            let later = now + Duration::from_secs(1);
            let stuck = old.while_in_time(Some(now), None, pending::<()>());
            let mut waits = pin!(young.while_in_time(Some(later), None, pending::<()>()));
            let watch = async {
                poll_fn(|cx| {
                    assert!(waits.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                roll.call();
                let (overdue, next) = roll.end_overdue(LIMIT, now);
                assert_eq!((overdue.len(), next), (0, now + LIMIT));
                let (overdue, next) = roll.end_overdue(LIMIT, now + LIMIT);
                assert_eq!((overdue.len(), next), (1, later + LIMIT));
            };
            assert_eq!(tokio::join!(stuck, watch).0, None);
            assert_eq!(old.while_in_time(Some(now), None, async { 7 }).await, Some(7));
        });
    }

    #[test]
    fn the_longest_idle_is_dismissed() {
        let roll = Roll::default();
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (busy, young, old) = (roll.entry(), roll.entry(), roll.entry());
            let long_ago = Instant::now();
            let now = Instant::now();
            let waits = old.unless_called(Some(long_ago), pending::<()>());
            let next = async {
                let mut young_waits = pin!(young.unless_called(Some(now), pending::<()>()));
                poll_fn(|cx| {
                    assert!(young_waits.as_mut().poll(cx).is_pending());
                    Poll::Ready(())
                })
                .await;
                roll.dismiss_longest_idle();
            };
            assert_eq!(tokio::join!(waits, next).0, None);
            assert!(old.is_dismissed() && !young.is_dismissed() && !busy.is_dismissed());
        });
    }
}
