//! The loop of a single-threaded worker: an epoll set, the connections that wait, their deadlines,
//! and the door. It hands out one thing at a time ([`Turn`]) and holds nothing while the class deals
//! with it, so a class may call back into it from inside a handler. The set can itself be polled
//! ([`Reactor::fd`]), so that the whole reactor fits into a foreign event loop.

mod door;
mod foreign;
mod gate;
mod knocking;
mod seats;
mod timers;

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::connection::{Connection, Readiness, Step};
use crate::serve::{Company, Scratch, Service};
use crate::sys::{Epoll, EpollEvent};
use crate::wait::Interest;
use crate::worker::{WorkerContext, WorkerError};

pub use door::{Caller, Departure, Door, DoorKey};
pub use gate::{ASIDE, Gate, Verdict};
use seats::{Reports, Seat, Seats};
pub use timers::Timers;

const EVENTS_AT_ONCE: usize = 64;

const KIND_SHIFT: u32 = 60;
const SEAT: u64 = 0;
const DOOR: u64 = 1;
const FOREIGN: u64 = 2;
const PAYLOAD: u64 = (1 << KIND_SHIFT) - 1;

/// What there is to do.
#[derive(Debug)]
pub enum Turn {
    /// A request for the application: then [`Reactor::settle`].
    Request(Job),
    /// A descriptor that the class watches ([`Reactor::watch`]) is ready; its key.
    Ready(u64),
    /// A moment that the class waits for ([`Reactor::wake_at`]) has come; its key.
    Alarm(u64),
    /// Nothing for now ([`Patience::None`]).
    Nothing,
    /// Time to go.
    Leave,
}

/// A connection whose request is in hand, and its place in the reactor.
#[derive(Debug)]
pub struct Job {
    /// The connection.
    pub connection: Box<Connection>,
    /// Its place, to be given back with it.
    pub ticket: Ticket,
}

/// Where a connection belongs.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(Option<Seat>);

/// Whether [`Reactor::next`] may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As long as it takes.
    Endless,
    /// Not at all: a foreign loop does the waiting.
    None,
}

/// See the module.
#[derive(Debug)]
pub struct Reactor {
    service: Arc<Service>,
    scratch: Rc<RefCell<Scratch>>,
    epoll: Epoll,
    door: Door,
    seats: Seats,
    timers: Timers<u64>,
    events: Box<[EpollEvent; EVENTS_AT_ONCE]>,
    /// Which of the events are still to be looked at.
    batch: Range<usize>,
    /// Requests that were there already when the one before them on the connection was answered.
    behind: VecDeque<Job>,
    /// How many of those may be taken before the epoll set is looked at again.
    behind_now: usize,
    /// Descriptors that the class has watched, perhaps a connection's own among them.
    watched: HashSet<RawFd>,
    /// What the last look at the set brought, and when.
    looked: Option<(Instant, usize)>,
    /// Of what this batch reports nothing came before this moment, or the look at it would have
    /// reported it.
    came_after: Option<Instant>,
    leave_now: Leave,
    /// How many requests have ended since a foreign loop had the set looked at.
    ended: usize,
    /// How many had, when it did so last: as many connections may be taken beside the first.
    to_take: usize,
    /// Of the last [`Turn::Ready`].
    readiness: Readiness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    WhenDone,
    Now,
}

impl Reactor {
    /// A reactor at the door of this worker.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn new(cx: WorkerContext, service: &Arc<Service>) -> Result<Reactor, WorkerError> {
        let epoll = Epoll::new().map_err(WorkerError::io("epoll set"))?;
        let door = Door::new(cx, service, &epoll, DOOR << KIND_SHIFT)
            .map_err(WorkerError::io("watching the listening sockets"))?;
        Ok(Reactor {
            scratch: Rc::new(RefCell::new(Scratch::new(service))),
            service: service.clone(),
            epoll,
            door,
            seats: Seats::default(),
            timers: Timers::default(),
            events: Box::new([EpollEvent::EMPTY; EVENTS_AT_ONCE]),
            batch: 0..0,
            behind: VecDeque::new(),
            behind_now: 0,
            watched: HashSet::new(),
            looked: None,
            came_after: None,
            leave_now: Leave::WhenDone,
            ended: 0,
            to_take: 0,
            readiness: Readiness::NONE,
        })
    }

    /// Says that this worker can serve from now on.
    pub fn announce(&self) {
        self.door.announce();
    }

    /// Each request is answered, and settled, before the next is asked for: then an answer may wait for
    /// the next ones.
    pub fn answer_together(&mut self) {
        self.scratch.borrow_mut().together().begin();
    }

    /// What the worker's thread has at hand.
    pub fn scratch(&self) -> Rc<RefCell<Scratch>> {
        self.scratch.clone()
    }

    /// The epoll set: readable when [`Reactor::next`] has something to do, its timers apart.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// The next thing to do.
    ///
    /// # Errors
    /// The epoll set fails: the worker cannot go on.
    pub fn next(&mut self, patience: Patience) -> io::Result<Turn> {
        let mut polled = false;
        loop {
            let now = self.scratch.borrow().now();
            if let Some(turn) = self.next_at_hand(now) {
                return Ok(turn);
            }
            if self.may_leave(now) {
                self.scratch.borrow_mut().flush();
                return Ok(Turn::Leave);
            }
            if polled && patience == Patience::None {
                return Ok(Turn::Nothing);
            }
            polled = true;
            self.poll(patience)?;
        }
    }

    fn next_at_hand(&mut self, now: Instant) -> Option<Turn> {
        self.push_answers(now);
        self.look_between(now)
            .or_else(|| self.look_at_events(now))
            .or_else(|| self.look_at_timers(now))
            .or_else(|| self.look_behind())
            .or_else(|| self.look_at_door(now))
    }

    fn poll(&mut self, patience: Patience) -> io::Result<()> {
        let timeout = match patience {
            Patience::None => Duration::ZERO,
            Patience::Endless => self.may_sleep_for(),
        };
        self.scratch.borrow_mut().flush();
        self.scratch.borrow_mut().together().push();
        let count = self.epoll.wait(&mut self.events[..], Some(timeout))?;
        self.batch = 0..count;
        self.behind_now = self.behind.len();
        if count < EVENTS_AT_ONCE {
            self.door.begin_notes();
        }
        let mut scratch = self.scratch.borrow_mut();
        scratch.tick();
        let looked = self.looked.replace((scratch.now(), count));
        self.came_after = looked.filter(|(_, count)| *count < EVENTS_AT_ONCE).map(|(then, _)| then);
        self.service.beat();
        Ok(())
    }

    /// How long it may be until [`Reactor::next`] is asked again, though [`Reactor::fd`] is not
    /// readable: for a foreign loop that does the waiting.
    pub fn may_sleep_for(&self) -> Duration {
        if !self.behind.is_empty() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let door = self.door.may_sleep_for(now);
        self.timers.next_in(now).map_or(door, |timer| timer.min(door))
    }

    fn push_answers(&mut self, now: Instant) {
        let mut scratch = self.scratch.borrow_mut();
        let together = scratch.together();
        together.expect(Company::None);
        if self.batch.is_empty() || together.is_due(now) {
            together.push();
        }
    }

    /// While there is much to do, who waits at the door does not wait for all of it.
    fn look_between(&mut self, now: Instant) -> Option<Turn> {
        if !self.door.is_due(now) || !self.has_more_to_do(now) {
            return None;
        }
        let newcomer = self.door.next_between(&self.epoll, now)?;
        self.welcome(newcomer, now)
    }

    /// Whether there is something to do before the epoll set is looked at again.
    fn has_more_to_do(&self, now: Instant) -> bool {
        !self.batch.is_empty()
            || self.behind_now > 0
            || self.timers.next_in(now) == Some(Duration::ZERO)
    }

    fn look_at_events(&mut self, now: Instant) -> Option<Turn> {
        while let Some(index) = self.batch.next() {
            let (key, flags) = (self.events[index].key(), self.events[index].flags());
            match key >> KIND_SHIFT {
                SEAT => {
                    let seat = Seat::from_key(key);
                    let Some(place) = self.seats.get(seat) else { continue };
                    let Some(guest) = place.guest.take() else {
                        place.missed |= flags;
                        continue;
                    };
                    let came_after = self.came_after;
                    self.scratch.borrow_mut().set_came_after(came_after);
                    let job = self.advance(guest, Some(seat), Readiness(flags));
                    self.scratch.borrow_mut().set_came_after(None);
                    if let Some(job) = job {
                        if !self.batch.is_empty() {
                            self.scratch.borrow_mut().together().expect(Company::Follows);
                        }
                        return Some(Turn::Request(job));
                    }
                }
                DOOR => self.door.note(key, now),
                _ => {
                    self.readiness = Readiness(flags);
                    return Some(Turn::Ready(key & PAYLOAD));
                }
            }
        }
        None
    }

    fn look_at_timers(&mut self, now: Instant) -> Option<Turn> {
        while let Some(key) = self.timers.due(now) {
            if key >> KIND_SHIFT == FOREIGN {
                return Some(Turn::Alarm(key & PAYLOAD));
            }
            let seat = Seat::from_key(key);
            let Some(place) = self.seats.get(seat) else { continue };
            place.alarm = None;
            let Some(mut guest) = place.guest.take() else { continue };
            let step = guest.expire(&mut self.scratch.borrow_mut());
            if let Some(job) = self.place(guest, Some(seat), step) {
                return Some(Turn::Request(job));
            }
        }
        None
    }

    fn look_behind(&mut self) -> Option<Turn> {
        self.behind_now = self.behind_now.checked_sub(1)?;
        self.behind.pop_front().map(Turn::Request)
    }

    fn look_at_door(&mut self, now: Instant) -> Option<Turn> {
        while let Some(caller) = self.door.next(&self.epoll, now) {
            match caller {
                Caller::Connection(newcomer) => {
                    let turn = self.welcome(newcomer, now);
                    if turn.is_some() {
                        return turn;
                    }
                }
                Caller::Crowd => self.make_room(),
                Caller::Leave => self.remind_all(),
                Caller::LeaveNow => self.leave_now = Leave::Now,
            }
        }
        None
    }

    fn welcome(&mut self, newcomer: Box<Connection>, now: Instant) -> Option<Turn> {
        if let Some(job) = self.advance(newcomer, None, Readiness::READ) {
            return Some(Turn::Request(job));
        }
        if let Some(time) = self.service.waits_for_one() {
            self.door.pause(&self.epoll, now + time);
        }
        None
    }

    fn make_room(&mut self) {
        if let Some(seat) = self.seats.longest_idle() {
            self.seats.release(seat);
        }
    }

    /// The worker leaves: who waits has a new deadline.
    fn remind_all(&mut self) {
        for (seat, deadline) in self.seats.deadlines() {
            self.timers.add(deadline, SEAT << KIND_SHIFT | seat.key());
        }
    }

    fn may_leave(&self, now: Instant) -> bool {
        self.leave_now == Leave::Now || self.door.departure(now) != Departure::NotYet
    }

    fn advance(
        &mut self,
        mut guest: Box<Connection>,
        seat: Option<Seat>,
        ready: Readiness,
    ) -> Option<Job> {
        let step = guest.advance(ready, &mut self.scratch.borrow_mut());
        self.place(guest, seat, step)
    }

    /// Gives a connection back after its request was answered; `None`: the connection is gone.
    pub fn settle(&mut self, ticket: Ticket, outcome: Option<(Box<Connection>, Step)>) {
        self.ended += 1;
        let Some((connection, step)) = outcome else {
            return ticket.0.into_iter().for_each(|seat| self.seats.release(seat));
        };
        let mut seat = ticket.0;
        if !self.watched.is_empty() && self.watched.remove(&connection.as_fd().as_raw_fd()) {
            // The class has used the connection's one entry in the set for itself. Entering it anew
            // reports again whatever is ready.
            let own = *seat.get_or_insert_with(|| self.seats.take());
            if let Err(error) = self.register(&connection, own, Reports::Reading) {
                tracing::error!("Cannot watch a connection: {error}");
                return self.seats.release(own);
            }
        }
        if let Some(job) = self.place(connection, seat, step) {
            self.behind.push_back(job);
        }
    }

    /// Seats a connection, closes it, or makes a job of it, as it needs.
    fn place(
        &mut self,
        mut guest: Box<Connection>,
        seat: Option<Seat>,
        mut step: Step,
    ) -> Option<Job> {
        loop {
            match (step, seat) {
                (Step::Handle, _) => return Some(Job { connection: guest, ticket: Ticket(seat) }),
                (Step::Close, seat) => {
                    seat.into_iter().for_each(|seat| self.seats.release(seat));
                    return None;
                }
                (Step::Wait(interest), seat) => {
                    let missed = seat
                        .and_then(|seat| self.seats.get(seat))
                        .map(|place| std::mem::take(&mut place.missed));
                    if let Some(flags @ 1..) = missed {
                        step = guest.advance(Readiness(flags), &mut self.scratch.borrow_mut());
                        continue;
                    }
                    self.sit(guest, seat, interest);
                    return None;
                }
            }
        }
    }

    fn sit(&mut self, mut guest: Box<Connection>, seat: Option<Seat>, interest: Interest) {
        let reports = match interest {
            Interest::Read => Reports::Reading,
            Interest::Write => Reports::ReadingAndWriting,
        };
        let (seat, known) = match seat {
            Some(seat) => (seat, self.seats.get(seat).map(|place| place.reports)),
            None => (self.seats.take(), None),
        };
        let enough = known == Some(Reports::ReadingAndWriting) || known == Some(reports);
        // Entering it anew reports a socket that is ready already.
        let again = guest.has_yielded();
        if (again || !enough)
            && let Err(error) = self.register(&guest, seat, reports)
        {
            tracing::error!("Cannot watch a connection: {error}");
            return self.seats.release(seat);
        }
        guest.park(&mut self.scratch.borrow_mut());
        let deadline = guest.deadline();
        let Some(place) = self.seats.get(seat) else { return };
        place.guest = Some(guest);
        if let Some(deadline) = deadline
            && place.alarm.is_none_or(|alarm| deadline < alarm)
        {
            place.alarm = Some(deadline);
            self.timers.add(deadline, SEAT << KIND_SHIFT | seat.key());
        }
    }

    fn register(&mut self, guest: &Connection, seat: Seat, reports: Reports) -> io::Result<()> {
        let write = match reports {
            Reports::Reading => 0,
            Reports::ReadingAndWriting => libc::EPOLLOUT,
        };
        let flags = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET | write) as u32;
        self.epoll.add_or_modify(guest.as_fd(), flags, SEAT << KIND_SHIFT | seat.key())?;
        if let Some(place) = self.seats.get(seat) {
            place.reports = reports;
        }
        Ok(())
    }

    /// Watches any descriptor for one event, which [`Turn::Ready`] reports with `key` (60 bits).
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn watch(&mut self, fd: BorrowedFd<'_>, what: Interest, key: u64) -> io::Result<()> {
        let flags = match what {
            Interest::Read => libc::EPOLLIN | libc::EPOLLRDHUP,
            Interest::Write => libc::EPOLLOUT,
        };
        self.watched.insert(fd.as_raw_fd());
        self.epoll.modify_or_add(
            fd,
            (flags | libc::EPOLLONESHOT) as u32,
            FOREIGN << KIND_SHIFT | key & PAYLOAD,
        )
    }

    /// Watches a descriptor that becomes readable, for as long as it is open: [`Turn::Ready`] with
    /// `key` (60 bits) each time that something is written to it, whether or not it was read before.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn watch_always(&mut self, fd: BorrowedFd<'_>, key: u64) -> io::Result<()> {
        let flags = (libc::EPOLLIN | libc::EPOLLET) as u32;
        self.epoll.add(fd, flags, FOREIGN << KIND_SHIFT | key & PAYLOAD)
    }

    /// Forgets a descriptor that [`Reactor::watch`] was told of and that is about to be closed while
    /// another one refers to the same open file (epoll(7), question 6).
    pub fn forget(&mut self, fd: BorrowedFd<'_>) {
        self.watched.remove(&fd.as_raw_fd());
        let _ = self.epoll.remove(fd);
    }

    /// [`Turn::Alarm`] with `key` (60 bits) at `then`. It cannot be taken back: the key says whether
    /// it is still wanted.
    pub fn wake_at(&mut self, then: Instant, key: u64) {
        self.timers.add(then, FOREIGN << KIND_SHIFT | key & PAYLOAD);
    }
}
