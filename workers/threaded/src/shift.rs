//! Who waits at the epoll set. When every idle thread does, the kernel wakes one for each event, though
//! the thread that is at work would have come for it a moment later; with a fast application those
//! wake-ups cost more than the requests. So while requests are many and short, the threads take shifts:
//!
//! - the leader waits at the set, takes several events at once, and puts those that it does not begin
//!   itself on a shelf that every thread takes from;
//! - the scout looks once a millisecond how the leader gets on. If the leader is at work whenever it
//!   looks, it helps until the set is empty; if the leader is still in the same handler as at the last
//!   look, the shift is over;
//! - the others sleep.
//!
//! Without a shift everybody waits at the set and takes one event at a time: no request is behind a slow
//! one while a thread is free. A fast application that becomes slow is noticed within two milliseconds.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::eventfd::{EfdFlags, EventFd};
use oxicorn_core::sys::{Epoll, EpollEvent};

use crate::shelf::Shelf;

/// A shift goes on only while the application answers faster than this, on average.
pub(crate) const FAST: Duration = Duration::from_micros(100);
/// So many requests a second are many: the scout's looks are few beside them.
const MANY: u64 = 2000;
/// How often the scout looks.
const LOOK: Duration = Duration::from_millis(1);
/// How many looks in a row must find the leader at work before the scout helps.
const ENOUGH_LOOKS: u32 = 4;
/// Milliseconds without a shift, at least, after a leader was held up.
const REST: u64 = 20;
/// How many events the leader takes at once.
const AT_ONCE: usize = 16;

/// How the application answers at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tempo {
    /// Faster than [`FAST`].
    Fast,
    Slow,
}

/// A thread of the pool, as the others know it.
#[derive(Debug)]
pub(crate) struct Hand {
    number: usize,
    zeal: Zeal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zeal {
    /// It waits until it is needed.
    Usual,
    /// It helps a leader that has more work than one thread can do.
    Helping,
}

/// What a thread does that has nothing in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Post {
    /// Waits at the set, as everybody does.
    Set,
    /// Waits at the set for all.
    Lead,
    /// Takes one event if there is one.
    Help,
    /// Sleeps, or is the scout.
    StandBy,
}

/// The leader's number when there is no shift.
const NOBODY: usize = 0;

#[derive(Debug)]
pub(crate) struct Shift {
    leader: AtomicUsize,
    leader_waits: AtomicBool,
    /// How many events the leaders have begun.
    begun: AtomicU64,
    shelf: Shelf,
    /// Tells those who wait at the set that there is something on the shelf.
    bell: EventFd,
    hands: AtomicUsize,
    /// The number of the scout. Who sleeps waits for a change of this.
    scout: Mutex<Option<usize>>,
    changed: Condvar,
    /// There are many requests.
    many: AtomicBool,
    started: Instant,
    /// No shift before this, in milliseconds since `started`.
    rests_until: AtomicU64,
}

impl Shift {
    /// # Errors
    /// Out of descriptors.
    pub(crate) fn new() -> io::Result<Shift> {
        Ok(Shift {
            leader: AtomicUsize::new(NOBODY),
            leader_waits: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            shelf: Shelf::default(),
            bell: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            hands: AtomicUsize::new(NOBODY),
            scout: Mutex::new(None),
            changed: Condvar::new(),
            many: AtomicBool::new(false),
            started: Instant::now(),
            rests_until: AtomicU64::new(0),
        })
    }

    /// To be in the set, edge-triggered: an event of it means nothing by itself.
    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// For a thread that begins to work.
    pub(crate) fn hand(&self) -> Hand {
        Hand { number: self.hands.fetch_add(1, Ordering::Relaxed) + 1, zeal: Zeal::Usual }
    }

    /// How many requests come in a second.
    pub(crate) fn note_rate(&self, rate: u64) {
        self.many.store(rate >= MANY, Ordering::Relaxed);
    }

    /// From now on everybody waits at the set.
    pub(crate) fn close(&self) {
        self.rests_until.store(u64::MAX, Ordering::SeqCst);
        self.end();
    }

    fn scout(&self) -> MutexGuard<'_, Option<usize>> {
        self.scout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.end_with(&mut self.scout());
    }

    fn end_with(&self, scout: &mut Option<usize>) {
        *scout = None;
        self.leader.store(NOBODY, Ordering::SeqCst);
        self.changed.notify_all();
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.started).as_millis() as u64
    }

    /// The next event that nobody has begun, if a thread has taken one from the set for others.
    pub(crate) fn take(&self, hand: &Hand) -> Option<EpollEvent> {
        let event = self.shelf.take()?;
        match self.leader.load(Ordering::SeqCst) {
            leader if leader == hand.number => self.begin(),
            leader => self.ring_unless_at_work(leader),
        }
        Some(event)
    }

    /// Something may be on the shelf that only who is at the set can take.
    fn ring_unless_at_work(&self, leader: usize) {
        let at_work = leader != NOBODY && !self.leader_waits.load(Ordering::SeqCst);
        if !at_work && !self.shelf.is_empty() {
            let _ = self.bell.write(1);
        }
    }

    /// Only a leader writes this; if two did, a scout would take one look more.
    fn begin(&self) {
        self.begun.store(self.begun.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Waits as it is this thread's turn to wait. `None`: look again.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub(crate) fn wait(
        &self,
        hand: &mut Hand,
        epoll: &Epoll,
        now: Instant,
        tempo: impl Fn() -> Tempo,
    ) -> io::Result<Option<EpollEvent>> {
        match self.post(hand, now, tempo()) {
            Post::Set => one(epoll, None),
            Post::Lead => self.lead(hand, epoll),
            Post::Help => {
                let event = one(epoll, Some(Duration::ZERO))?;
                if event.is_none() {
                    hand.zeal = Zeal::Usual;
                }
                Ok(event)
            }
            Post::StandBy => {
                self.stand_by(hand, tempo);
                Ok(None)
            }
        }
    }

    fn post(&self, hand: &mut Hand, now: Instant, tempo: Tempo) -> Post {
        let leader = self.leader.load(Ordering::SeqCst);
        if leader == NOBODY {
            hand.zeal = Zeal::Usual;
            return if self.begins(hand, now, tempo) { Post::Lead } else { Post::Set };
        }
        if tempo == Tempo::Slow {
            self.end();
            return Post::Set;
        }
        match hand.zeal {
            _ if leader == hand.number => Post::Lead,
            Zeal::Helping => Post::Help,
            Zeal::Usual => Post::StandBy,
        }
    }

    /// Begins a shift as its leader, if there is reason to.
    fn begins(&self, hand: &Hand, now: Instant, tempo: Tempo) -> bool {
        tempo == Tempo::Fast
            && self.many.load(Ordering::Relaxed)
            && self.millis(now) >= self.rests_until.load(Ordering::SeqCst)
            && self
                .leader
                .compare_exchange(NOBODY, hand.number, Ordering::SeqCst, Ordering::SeqCst)
                .is_ok()
    }

    fn lead(&self, hand: &Hand, epoll: &Epoll) -> io::Result<Option<EpollEvent>> {
        let mut events = [EpollEvent::EMPTY; AT_ONCE];
        self.leader_waits.store(true, Ordering::SeqCst);
        // Whoever puts something there from now on rings.
        let waited = match self.shelf.is_empty() {
            true => epoll.wait(&mut events, None),
            false => Ok(0),
        };
        self.leader_waits.store(false, Ordering::SeqCst);
        let Some((first, others)) = events[..waited?].split_first() else { return Ok(None) };
        self.shelf.put(others);
        // The shift may have ended meanwhile, and another begun.
        match self.leader.load(Ordering::SeqCst) {
            leader if leader == hand.number => self.begin(),
            leader => self.ring_unless_at_work(leader),
        }
        Ok(Some(*first))
    }

    fn stand_by(&self, hand: &mut Hand, tempo: impl Fn() -> Tempo) {
        let mut scout = self.scout();
        while self.leader.load(Ordering::SeqCst) != NOBODY {
            if scout.is_none() {
                *scout = Some(hand.number);
                return self.look_out(scout, hand, tempo);
            }
            scout = self.changed.wait(scout).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What the scout does, until the shift is over or the leader needs help.
    fn look_out(
        &self,
        mut scout: MutexGuard<'_, Option<usize>>,
        hand: &mut Hand,
        tempo: impl Fn() -> Tempo,
    ) {
        let (mut seen, mut looks) = (self.begun.load(Ordering::Relaxed), 0);
        while *scout == Some(hand.number) {
            let waited = self.changed.wait_timeout(scout, LOOK);
            scout = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *scout != Some(hand.number) {
                return;
            }
            if tempo() == Tempo::Slow || !self.many.load(Ordering::Relaxed) {
                return self.end_with(&mut scout);
            }
            let begun = self.begun.load(Ordering::Relaxed);
            if self.leader_waits.load(Ordering::SeqCst) {
                looks = 0;
            } else if begun == seen {
                let rest = self.millis(Instant::now()) + REST;
                self.rests_until.fetch_max(rest, Ordering::SeqCst);
                return self.end_with(&mut scout);
            } else {
                looks += 1;
            }
            seen = begun;
            if looks == ENOUGH_LOOKS {
                *scout = None;
                self.changed.notify_one();
                hand.zeal = Zeal::Helping;
                return;
            }
        }
    }
}

fn one(epoll: &Epoll, timeout: Option<Duration>) -> io::Result<Option<EpollEvent>> {
    let mut events = [EpollEvent::EMPTY; 1];
    let count = epoll.wait(&mut events, timeout)?;
    Ok(events[..count].first().copied())
}

#[cfg(test)]
mod tests;
