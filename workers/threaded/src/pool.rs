//! The pool: threads that share one epoll set. The kernel hands each event to one of them, so there is no
//! thread that only passes work on; how many of them wait at the set is the business of [`Shift`].

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use nix::sys::eventfd::{EfdFlags, EventFd};
use oxicorn_core::connection::{Connection, Readiness, Step};
use oxicorn_core::serve::{self, Scratch, Service, Standing};
use oxicorn_core::sys::{Epoll, EpollEvent};
use oxicorn_core::wait::Interest;

use crate::crew::Crew;
use crate::seats::{Missed, NEVER, Reports, Seats, Times};
use crate::shift::{FAST, Hand, Shift, Tempo};

const STOP: u64 = u64::MAX;
/// Something is on the shelf of the shift.
const SHELF: u64 = STOP - 1;
/// What may have happened while a connection's seat was empty. The set reports each change once, and
/// the end of the stream is the one that no later read would meet by itself.
const MISSED: Readiness = Readiness((libc::EPOLLIN | libc::EPOLLRDHUP) as u32);

/// Whether the set is to look at a connection again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    /// Only if it does not report yet what is waited for.
    AsItIs,
    /// In any case: it then reports again what is ready already.
    Anew,
}

pub(crate) struct Pool {
    service: Arc<Service>,
    epoll: Epoll,
    seats: Seats,
    started: Instant,
    stop: EventFd,
    /// Wakes the main thread, which waits for room to accept.
    room: EventFd,
    main_wants_room: AtomicBool,
    crew: Crew,
    shift: Shift,
}

impl Pool {
    pub(crate) fn new(service: &Arc<Service>) -> io::Result<Pool> {
        // Beyond the limit a little: whoever is being closed still has a seat.
        let seats = service.config().worker_connections as usize + 64;
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let (epoll, stop) = (Epoll::new()?, EventFd::from_flags(flags)?);
        epoll.add(stop.as_fd(), libc::EPOLLIN as u32, STOP)?;
        let shift = Shift::new()?;
        epoll.add(shift.bell(), (libc::EPOLLIN | libc::EPOLLET) as u32, SHELF)?;
        Ok(Pool {
            service: service.clone(),
            epoll,
            seats: Seats::new(seats),
            started: Instant::now(),
            stop,
            room: EventFd::from_flags(flags)?,
            main_wants_room: AtomicBool::new(false),
            crew: Crew::default(),
            shift,
        })
    }

    /// What a pool thread does until it is told to stop, or is lost.
    pub(crate) fn work(&self) {
        // Dropped behind the scratch: its lines are handed over before anybody hears that it has gone.
        let place = self.crew.place();
        let scratch = RefCell::new(Scratch::new(&self.service));
        self.work_with(&scratch);
        place.leave(scratch.borrow().standing());
    }

    fn work_with(&self, scratch: &RefCell<Scratch>) {
        let mut hand = self.shift.hand();
        self.service.app().begin_thread();
        loop {
            let event = match self.next_event(&mut hand, scratch) {
                Ok(event) if event.key() == STOP => return,
                Ok(event) => event,
                Err(error) => return tracing::error!("A thread of the pool ends: {error}"),
            };
            let seat = event.key() as usize;
            if let Some(guest) = self.seats.take(seat) {
                self.advance(seat, guest, Readiness(event.flags()), scratch);
            }
            self.offer_room();
            if scratch.borrow().standing() == Standing::Lost {
                return;
            }
        }
    }

    fn next_event(&self, hand: &mut Hand, scratch: &RefCell<Scratch>) -> io::Result<EpollEvent> {
        loop {
            if let Some(event) = self.shift.take(hand) {
                return Ok(event);
            }
            scratch.borrow_mut().flush();
            let now = scratch.borrow().now();
            let event = self.shift.wait(hand, &self.epoll, now, || self.tempo())?;
            scratch.borrow_mut().tick();
            if let Some(event) = event.filter(|event| event.key() != SHELF) {
                return Ok(event);
            }
        }
    }

    fn tempo(&self) -> Tempo {
        match self.service.pace().is_under(FAST) {
            true => Tempo::Fast,
            false => Tempo::Slow,
        }
    }

    /// How the threads share the waiting.
    pub(crate) fn shift(&self) -> &Shift {
        &self.shift
    }

    /// Who works here.
    pub(crate) fn crew(&self) -> &Crew {
        &self.crew
    }

    fn advance(
        &self,
        seat: usize,
        mut guest: Box<Connection>,
        ready: Readiness,
        scratch: &RefCell<Scratch>,
    ) {
        let step = guest.advance(ready, &mut scratch.borrow_mut());
        self.carry_on(seat, guest, step, scratch);
    }

    /// Answers what is in hand, then puts the connection back or closes it.
    fn carry_on(
        &self,
        seat: usize,
        mut guest: Box<Connection>,
        mut step: Step,
        scratch: &RefCell<Scratch>,
    ) {
        loop {
            if scratch.borrow().standing() == Standing::Lost {
                step = Step::Close;
            }
            match step {
                Step::Handle => match serve::handle(guest, scratch) {
                    Some((same, next)) => (guest, step) = (same, next),
                    None => return self.seats.release(seat),
                },
                Step::Close => {
                    drop(guest);
                    return self.seats.release(seat);
                }
                Step::Wait(interest) => {
                    guest.park(&mut scratch.borrow_mut());
                    let watching = match guest.has_yielded() {
                        true => Watching::Anew,
                        false => Watching::AsItIs,
                    };
                    let Some(back) = self.put(seat, guest, interest, watching) else { return };
                    guest = back;
                    step = guest.advance(MISSED, &mut scratch.borrow_mut());
                }
            }
        }
    }

    /// Puts a connection into its seat, watched. Gives it back when an event came in between.
    fn put(
        &self,
        seat: usize,
        guest: Box<Connection>,
        interest: Interest,
        watching: Watching,
    ) -> Option<Box<Connection>> {
        if let Err(error) = self.watch(seat, &guest, interest, watching) {
            tracing::error!("Cannot watch a connection: {error}");
            drop(guest);
            self.seats.release(seat);
            return None;
        }
        let since_start = |then: Instant| then.saturating_duration_since(self.started);
        let deadline = guest.deadline().map(|then| since_start(then).as_millis() as u64);
        let idle = guest.is_idle().then(|| since_start(guest.since()).as_nanos() as u64);
        let times =
            Times { deadline: deadline.unwrap_or(NEVER), idle_since: idle.unwrap_or(NEVER) };
        match self.seats.put(seat, guest, times) {
            Missed::Nothing => None,
            // Not only taken back: a thread whose own, older event has got it must find the note.
            Missed::Something => self.seats.take(seat),
        }
    }

    /// Has the set report what the connection waits for, if it does not yet.
    fn watch(
        &self,
        seat: usize,
        guest: &Connection,
        interest: Interest,
        watching: Watching,
    ) -> io::Result<()> {
        let known = self.seats.reports(seat);
        let reports = match (interest, known) {
            (Interest::Read, Reports::Nothing | Reports::Reading) => Reports::Reading,
            (Interest::Write, _) | (_, Reports::ReadingAndWriting) => Reports::ReadingAndWriting,
        };
        if reports == known && watching == Watching::AsItIs {
            return Ok(());
        }
        let write = match reports {
            Reports::ReadingAndWriting => libc::EPOLLOUT,
            Reports::Nothing | Reports::Reading => 0,
        };
        let flags = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET | write) as u32;
        // Noted first: once it is in the set, another thread may be told of it.
        self.seats.set_reports(seat, reports);
        match known {
            Reports::Nothing => self.epoll.add_or_modify(guest.as_fd(), flags, seat as u64),
            _ => self.epoll.modify_or_add(guest.as_fd(), flags, seat as u64),
        }
    }

    /// For the main thread, which runs no handler: puts a connection into its seat, or drops it. An
    /// event that came in between is asked for again, so that a thread of the pool gets it.
    fn seat(&self, seat: usize, mut guest: Box<Connection>, step: Step) {
        if let Step::Wait(interest) = step {
            let mut watching = Watching::AsItIs;
            while let Some(back) = self.put(seat, guest, interest, watching) {
                guest = back;
                watching = Watching::Anew;
            }
        } else {
            drop(guest);
            self.seats.release(seat);
        }
    }

    /// Takes in a connection that was just accepted. Main thread only, as all that follows.
    pub(crate) fn welcome(&self, guest: Box<Connection>) {
        match self.seats.reserve() {
            Some(seat) => self.seat(seat, guest, Step::Wait(Interest::Read)),
            None => tracing::error!("No seat is free: a connection was closed"),
        }
    }

    /// Closes whoever has been idle for longest.
    pub(crate) fn make_room(&self) {
        let Some(seat) = self.seats.longest_idle() else { return };
        if let Some(guest) = self.seats.take_idle(seat) {
            drop(guest);
            self.seats.release(seat);
        }
    }

    /// Looks after the connections whose deadline has come.
    pub(crate) fn sweep(&self, scratch: &RefCell<Scratch>) {
        let now = scratch.borrow().now().saturating_duration_since(self.started);
        for seat in self.seats.due(now.as_millis() as u64) {
            self.expire(seat, scratch);
        }
    }

    /// Looks at all connections: the worker leaves, so their deadlines have changed.
    pub(crate) fn look_at_all(&self, scratch: &RefCell<Scratch>) {
        for seat in self.seats.taken() {
            self.expire(seat, scratch);
        }
    }

    fn expire(&self, seat: usize, scratch: &RefCell<Scratch>) {
        if let Some(mut guest) = self.seats.take_idle(seat) {
            let step = guest.expire(&mut scratch.borrow_mut());
            self.seat(seat, guest, step);
        }
    }

    /// Says whether the main thread wants to hear when a thread or a place becomes free.
    pub(crate) fn want_room(&self, wanted: Wanted) {
        self.main_wants_room.store(wanted == Wanted::Yes, Ordering::SeqCst);
    }

    fn offer_room(&self) {
        let wanted = self.main_wants_room.load(Ordering::SeqCst);
        if wanted && self.main_wants_room.swap(false, Ordering::SeqCst) {
            let _ = self.room.write(1);
        }
    }

    /// Readable when there may be room.
    pub(crate) fn room(&self) -> BorrowedFd<'_> {
        self.room.as_fd()
    }

    /// After [`Pool::room`] was readable.
    pub(crate) fn room_was_offered(&self) {
        let _ = self.room.read();
    }

    /// Ends all threads that are not in a handler.
    pub(crate) fn stop(&self) {
        self.shift.close();
        let _ = self.stop.write(1);
    }
}

/// See [`Pool::want_room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Yes,
    No,
}
