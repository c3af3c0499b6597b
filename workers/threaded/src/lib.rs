//! Worker class `threaded`: `--threads` threads, each of which answers one request at a time.
//!
//! The threads share one epoll set: the kernel gives a readable connection to one thread that waits
//! there. The main thread has the listening sockets, the orders, the
//! heartbeat and the deadlines of the connections that wait.

mod crew;
mod pool;
mod seats;
mod shelf;
mod shift;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::{Caller, Departure, Door};
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Posture, Scratch, Service, Weariness};
use oxicorn_core::sys::{Epoll, EpollEvent};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};

use crew::Crew;
use pool::{Pool, Wanted};

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Threaded;

impl Worker for Threaded {
    fn names(&self) -> &'static [&'static str] {
        &["threaded", "gthread"]
    }

    fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
        app.need_thread_form("threaded")
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        let threads = cx.config.threads.max(1);
        let capacity = Capacity(threads.into());
        let service = Service::new(&cx, capacity, KeepPolicy::Always, Writers::Many);
        let pool = Arc::new(Pool::new(&service).map_err(WorkerError::io("thread pool"))?);
        let main = Main::new(cx, &service, &pool)?;
        Crew::hire(&pool, threads.into()).map_err(WorkerError::io("starting a thread"))?;
        main.run()
    }
}

const ROOM: u64 = 1 << 60;

struct Main {
    service: Arc<Service>,
    pool: Arc<Pool>,
    epoll: Epoll,
    door: Door,
    scratch: RefCell<Scratch>,
    swept: Instant,
    /// How many requests had been answered then.
    answered: u64,
    /// When a request may have taken too long; `None`: never.
    look_at_handlers: Option<Instant>,
}

/// What the main thread does after looking at its door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    LeaveNow,
}

impl Main {
    fn new(
        cx: WorkerContext,
        service: &Arc<Service>,
        pool: &Arc<Pool>,
    ) -> Result<Main, WorkerError> {
        let epoll = Epoll::new().map_err(WorkerError::io("epoll set"))?;
        let door = Door::new(cx, service, &epoll, 0)
            .map_err(WorkerError::io("watching the listening sockets"))?;
        epoll
            .add(pool.room(), libc::EPOLLIN as u32, ROOM)
            .map_err(WorkerError::io("watching the pool"))?;
        Ok(Main {
            scratch: RefCell::new(Scratch::new(service)),
            service: service.clone(),
            pool: pool.clone(),
            epoll,
            door,
            swept: Instant::now(),
            answered: 0,
            look_at_handlers: service.config().timeout.get().map(|_| Instant::now()),
        })
    }

    fn run(mut self) -> Result<(), WorkerError> {
        self.door.announce();
        let mut events = [EpollEvent::EMPTY; 8];
        loop {
            self.scratch.borrow_mut().tick();
            self.service.beat();
            self.give_up_overdue();
            if self.answer_door() == Next::LeaveNow {
                return Ok(());
            }
            let now = self.scratch.borrow().now();
            if now >= self.swept + self.sweep_interval() {
                self.note_rate(now);
                self.swept = now;
                self.pool.sweep(&self.scratch);
            }
            match self.door.departure(now) {
                Departure::NotYet => {}
                Departure::Done => break,
                Departure::OutOfTime => return Ok(()),
            }
            if self.door.is_waiting_for_room() {
                self.pool.want_room(Wanted::Yes);
                // A thread may have become free before it could know that this is awaited.
                if self.answer_door() == Next::LeaveNow {
                    return Ok(());
                }
            }
            self.scratch.borrow_mut().flush();
            let count = self.epoll.wait(&mut events, Some(self.may_sleep_for()));
            self.pool.want_room(Wanted::No);
            self.door.begin_notes();
            for event in &events[..count.map_err(WorkerError::io("epoll set"))?] {
                match event.key() {
                    ROOM => self.pool.room_was_offered(),
                    key => self.door.note(key, now),
                }
            }
        }
        self.pool.stop();
        self.pool.crew().wait();
        Ok(())
    }

    /// How many requests were answered a second since the last sweep.
    fn note_rate(&mut self, now: Instant) {
        let answered = self.service.slot().requests();
        let more = answered.saturating_sub(self.answered) as f64;
        let rate = more / now.saturating_duration_since(self.swept).as_secs_f64();
        self.answered = answered;
        self.pool.shift().note_rate(rate as u64);
    }

    /// Ends the requests that have taken too long, and replaces the threads that run them.
    fn give_up_overdue(&mut self) {
        let now = self.scratch.borrow().now();
        if self.look_at_handlers.is_none_or(|then| now < then) {
            return;
        }
        let (lost, next) = self.service.give_up_overdue(&mut self.scratch.borrow_mut());
        self.look_at_handlers = next.map(|next| now + next);
        if lost == 0 {
            return;
        }
        self.pool.crew().lose(lost as u64);
        let threads = self.service.capacity();
        if let Err(error) = Crew::hire(&self.pool, threads) {
            tracing::error!("Cannot replace a thread that is lost: {error}");
        }
        let stuck = self.service.strays();
        if stuck * 2 > threads {
            self.service.ask_for_replacement(Weariness::Stuck { handlers: stuck, of: threads });
        }
    }

    fn answer_door(&mut self) -> Next {
        let now = self.scratch.borrow().now();
        while let Some(caller) = self.door.next(&self.epoll, now) {
            match caller {
                Caller::Connection(connection) => self.pool.welcome(connection),
                Caller::Crowd => self.pool.make_room(),
                Caller::Leave => self.pool.look_at_all(&self.scratch),
                Caller::LeaveNow => return Next::LeaveNow,
            }
        }
        Next::GoOn
    }

    fn may_sleep_for(&self) -> Duration {
        let now = Instant::now();
        let sweep = (self.swept + self.sweep_interval()).saturating_duration_since(now);
        let handlers = self.look_at_handlers.map(|then| then.saturating_duration_since(now));
        self.door.may_sleep_for(now).min(sweep).min(handlers.unwrap_or(sweep))
    }

    /// Deadlines are looked at this often, so a timeout comes at most an eighth of it late.
    fn sweep_interval(&self) -> Duration {
        const FINEST: Duration = Duration::from_millis(10);
        const COARSEST: Duration = Duration::from_millis(500);
        let config = self.service.config();
        let leaving = match self.service.posture() {
            Posture::Serving => None,
            Posture::Leaving(_) => config.keepalive_grace.get().or(Some(FINEST)),
        };
        let timeouts =
            [config.header_timeout, config.keepalive, config.body_timeout, config.write_timeout];
        let shortest = timeouts.iter().filter_map(|t| t.get()).chain(leaving).min();
        shortest.map_or(COARSEST, |shortest| (shortest / 8).clamp(FINEST, COARSEST))
    }
}
