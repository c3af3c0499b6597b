//! The loop of the load generator: one thread, one epoll set, edge-triggered, so that a connection
//! is registered once and a request costs one write and one read.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::book::Book;
use super::schedule::Schedule;
use super::slot::{Last, Short, Slot, State};
use super::spec::{Arrivals, Choice, Spec};
use super::tally::{Failure, Outcome};

/// How often the connections are looked through for answers that are overdue.
const SWEEP: Duration = Duration::from_millis(100);
/// How long a slot pauses after a failure, so that a dead server is not besieged.
const REST: Duration = Duration::from_millis(10);
/// How long the server may take to close a connection that it was asked to close.
const LEAVE: Duration = Duration::from_secs(1);
/// How long answers are waited for behind the window of an open loop.
const GRACE: Duration = Duration::from_secs(2);
/// The same of a closed loop, in which requests that are under way at the end mean nothing.
const SHORT_GRACE: Duration = Duration::from_millis(50);
/// Idle connections that are being opened at the same time.
const OPENING: usize = 64;
/// Bytes read at once.
const BUFFER: usize = 64 * 1024;
/// The shortest wait for an arrival. Beyond 20,000 a second arrivals are sent in little batches: a
/// wake-up for each would be most of what the generator costs.
const NAP: Duration = Duration::from_micros(50);
/// The key of the timer; the others are the slots' numbers.
const TIMER: u64 = u64::MAX;

/// The load of one run.
#[derive(Debug)]
pub struct Engine {
    spec: Spec,
    choice: Choice,
    epoll: Epoll,
    timer: TimerFd,
    /// First those of the load, then the idle ones.
    slots: Vec<Slot>,
    free: VecDeque<usize>,
    resting: VecDeque<(Instant, usize)>,
    buffer: Vec<u8>,
    swept: Instant,
    begun: u64,
}

impl Engine {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// Those of epoll_create(2) and timerfd_create(2).
    pub fn new(spec: Spec) -> io::Result<Engine> {
        let now = Instant::now();
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN | EpollFlags::EPOLLET, TIMER))?;
        Ok(Engine {
            choice: Choice::of(&spec),
            epoll,
            timer,
            slots: (0..spec.connections + spec.idle).map(|_| Slot::new(now)).collect(),
            free: (0..spec.connections).collect(),
            resting: VecDeque::new(),
            buffer: vec![0; BUFFER],
            swept: now,
            begun: 0,
            spec,
        })
    }

    /// The time before the measurement. What is under way at its end goes on.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub fn warm_up(&mut self) -> io::Result<()> {
        let window = self.spec.warmup;
        self.window(window).map(drop)
    }

    /// Opens the idle connections, each with one answered request; gives how many there are.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub fn open_idle(&mut self) -> io::Result<usize> {
        let until = Instant::now() + self.spec.timeout;
        let mut book = Book::new(until);
        let mut next = self.spec.connections;
        loop {
            let idle = &self.slots[self.spec.connections..next];
            let opening = idle.iter().rev().filter(|slot| slot.state() == State::Busy).count();
            if Instant::now() > until || (opening == 0 && next == self.slots.len()) {
                return Ok(self.idle());
            }
            for _ in opening..OPENING {
                if next < self.slots.len() {
                    self.start(next, Instant::now(), &mut book);
                    next += 1;
                }
            }
            self.turn(Duration::from_millis(10), &mut book)?;
        }
    }

    /// Idle connections that are open.
    pub fn idle(&self) -> usize {
        let idle = &self.slots[self.spec.connections..];
        idle.iter().filter(|slot| slot.state() == State::Ready).count()
    }

    /// The measurement.
    ///
    /// # Errors
    /// Those of epoll_wait(2).
    pub fn measure(&mut self) -> io::Result<Outcome> {
        self.begun = 0;
        let window = self.spec.duration;
        let (mut book, schedule) = self.window(window)?;
        self.drain(schedule, &mut book)?;
        Ok(book.close())
    }

    fn window(&mut self, length: Duration) -> io::Result<(Book, Option<Schedule>)> {
        let start = Instant::now();
        let end = start + length;
        let mut book = Book::new(end);
        let mut schedule = match self.spec.arrivals {
            Arrivals::Closed => None,
            Arrivals::Open { rate } => {
                Some(Schedule::new(start, rate / f64::from(self.spec.depth), length))
            }
        };
        loop {
            let now = Instant::now();
            if now >= end || (self.is_spent() && !self.is_busy()) {
                book.end_window(now);
                return Ok((book, schedule));
            }
            self.wake(now);
            self.start_due(now, schedule.as_mut(), &mut book);
            let left = end.saturating_duration_since(now).min(SWEEP);
            let wait = self.until_next(now, left, schedule.as_ref())?;
            self.turn(wait, &mut book)?;
        }
    }

    /// Whether all requests of a run that is limited by their number have been sent.
    fn is_spent(&self) -> bool {
        self.spec.most.is_some_and(|most| self.begun >= most)
    }

    fn is_busy(&self) -> bool {
        self.slots.iter().any(|slot| slot.state() == State::Busy)
    }

    /// Slots that have rested take part again.
    fn wake(&mut self, now: Instant) {
        while let Some((_, slot)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.free.push_back(slot);
        }
    }

    fn start_due(&mut self, now: Instant, schedule: Option<&mut Schedule>, book: &mut Book) {
        match schedule {
            None => {
                while !self.is_spent()
                    && let Some(slot) = self.free.pop_front()
                {
                    self.start(slot, Instant::now(), book);
                }
            }
            Some(schedule) => {
                schedule.notice(now, |late| book.late(late));
                while !self.free.is_empty()
                    && let Some(intended) = schedule.take()
                    && let Some(slot) = self.free.pop_front()
                {
                    self.start(slot, intended, book);
                }
            }
        }
    }

    /// How long to wait: `left`, or by the timer until the next arrival, which comes sooner than
    /// the milliseconds of epoll_wait(2) can say.
    fn until_next(
        &self,
        now: Instant,
        left: Duration,
        schedule: Option<&Schedule>,
    ) -> io::Result<Duration> {
        let Some(next) = schedule.and_then(Schedule::next) else { return Ok(left) };
        match next.saturating_duration_since(now) {
            Duration::ZERO => Ok(Duration::ZERO),
            gap if gap < left => {
                let once = Expiration::OneShot(gap.max(NAP).into());
                self.timer.set(once, TimerSetTimeFlags::empty())?;
                Ok(left)
            }
            _ => Ok(left),
        }
    }

    fn start(&mut self, at: usize, intended: Instant, book: &mut Book) {
        let slot = &mut self.slots[at];
        if slot.state() == State::Empty
            && let Err(failure) = slot.connect(self.spec.address, &self.epoll, at as u64)
        {
            book.failed(failure, self.spec.depth);
            self.rest(at);
            return;
        }
        let last = match self.spec.turns_per_connection {
            Some(most) if at < self.spec.connections && slot.turns() + 1 >= most => Last::Yes,
            _ => Last::No,
        };
        self.begun += u64::from(self.spec.depth);
        let turn = self.choice.next();
        slot.begin(turn, last, self.spec.depth, intended, Instant::now());
        let wire = self.choice.wire(turn);
        if let Err(failure) = slot.send(wire.bytes(last)) {
            self.fail(at, failure, book);
        }
    }

    fn turn(&mut self, wait: Duration, book: &mut Book) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 256];
        // Rounded up: a wait that is cut to nothing would spin.
        let millis = u16::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u16::MAX);
        let count = match self.epoll.wait(&mut events, millis) {
            Ok(count) => count,
            Err(nix::Error::EINTR) => 0,
            Err(error) => return Err(error.into()),
        };
        for event in &events[..count] {
            if event.data() != TIMER {
                self.event(event.data() as usize, event.events(), book);
            }
        }
        let now = Instant::now();
        if now - self.swept >= SWEEP {
            self.swept = now;
            self.sweep(now, book);
        }
        Ok(())
    }

    fn event(&mut self, at: usize, flags: EpollFlags, book: &mut Book) {
        let ending = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        let slot = &mut self.slots[at];
        let before = slot.state();
        let (turn, last) = slot.turn();
        let mut result = match before {
            State::Busy => slot.send(self.choice.wire(turn).bytes(last)),
            State::Empty | State::Ready | State::Leaving => Ok(()),
        };
        if result.is_ok() && flags.intersects(EpollFlags::EPOLLIN | ending) {
            let short = match flags.intersects(ending) {
                true => Short::ReadOn,
                false => Short::Drained,
            };
            let mut bytes = 0;
            result = slot.receive(&mut self.buffer, short, &mut bytes, |slot, reply| {
                book.answered(slot.intended(), reply.status);
            });
            book.received(bytes);
        }
        match (result, before, self.slots[at].state()) {
            (Err(failure), ..) => self.fail(at, failure, book),
            (Ok(()), State::Busy | State::Leaving, State::Ready | State::Empty)
                if at < self.spec.connections =>
            {
                self.free.push_back(at);
            }
            _ => {}
        }
    }

    fn fail(&mut self, at: usize, failure: Failure, book: &mut Book) {
        let slot = &mut self.slots[at];
        book.failed(failure, slot.awaited().max(1));
        slot.close();
        self.rest(at);
    }

    fn rest(&mut self, at: usize) {
        if at < self.spec.connections {
            self.resting.push_back((Instant::now() + REST, at));
        }
    }

    fn sweep(&mut self, now: Instant, book: &mut Book) {
        for at in 0..self.slots.len() {
            let slot = &mut self.slots[at];
            let waited = now.saturating_duration_since(slot.begun());
            match slot.state() {
                State::Busy if waited > self.spec.timeout => {
                    book.unanswered(now - slot.intended(), slot.awaited());
                    self.fail(at, Failure::Timeout, book);
                }
                State::Leaving if waited > LEAVE => {
                    slot.close();
                    self.free.extend((at < self.spec.connections).then_some(at));
                }
                _ => {}
            }
        }
    }

    /// Sends what was due in the window and had no connection, waits for what is under way, for a
    /// while; then gives it up.
    fn drain(&mut self, mut schedule: Option<Schedule>, book: &mut Book) -> io::Result<()> {
        let grace = match self.spec.arrivals {
            Arrivals::Closed => SHORT_GRACE,
            Arrivals::Open { .. } => GRACE.min(self.spec.timeout),
        };
        let until = Instant::now() + grace;
        loop {
            let now = Instant::now();
            if let Some(schedule) = &mut schedule {
                self.wake(now);
                self.start_due(now, Some(schedule), book);
            }
            let waiting = schedule.as_ref().is_some_and(Schedule::has_unsent);
            if now >= until || !(waiting || self.is_busy()) {
                break;
            }
            self.turn(Duration::from_millis(10), book)?;
        }
        self.give_up(schedule, book);
        Ok(())
    }

    fn give_up(&mut self, schedule: Option<Schedule>, book: &mut Book) {
        if let Some(mut schedule) = schedule {
            book.due(schedule.total() * u64::from(self.spec.depth));
            let now = Instant::now();
            while let Some(intended) = schedule.take() {
                book.unsent(now - intended, self.spec.depth);
            }
        }
        let now = Instant::now();
        for at in 0..self.spec.connections {
            let slot = &mut self.slots[at];
            if slot.state() != State::Busy {
                continue;
            }
            let waited = now.saturating_duration_since(slot.intended());
            match self.spec.arrivals {
                Arrivals::Closed => book.under_way(waited, slot.awaited()),
                Arrivals::Open { .. } => {
                    book.unanswered(waited, slot.awaited());
                    book.failed(Failure::Timeout, slot.awaited());
                }
            }
            slot.close();
            self.free.push_back(at);
        }
    }
}
