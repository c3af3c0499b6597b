//! Worker class `tokio`: one task for each connection, on a current-thread runtime for each process.
//!
//! The protocol, the limits and the timeouts are those of the other classes: the same connection
//! state machine, driven by tokio's reactor in place of ours. An asynchronous application runs on the
//! runtime, a blocking one on the runtime's blocking pool.

mod body;
mod call;
mod http2;
mod roll;
mod socket;
mod strays;
mod switch;
mod task;
mod wire;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::{Caller, Departure, Door};
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Scratch, Service};
use oxicorn_core::sys::{Epoll, EpollEvent};
use oxicorn_core::wait::Interest;
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};
use tokio::runtime::{Builder, LocalOptions};
use tokio::select;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{spawn_local, yield_now};
use tokio::time::sleep;

use roll::Roll;
use socket::Socket;
use strays::Strays;
use task::Shared;

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Tokio;

impl Worker for Tokio {
    fn names(&self) -> &'static [&'static str] {
        &["tokio", "async"]
    }

    fn check(&self, _: &Config, _: &Application) -> Result<(), ConfigError> {
        Ok(())
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        let at_once = cx.config.worker_connections;
        let service = Service::new(&cx, Capacity(at_once.into()), KeepPolicy::Always, Writers::One);
        let threads = at_once.clamp(1, 512) as usize;
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // A thread that is lost to a handler that does not come back has another in its place,
            // until the worker is replaced.
            .max_blocking_threads(threads * 2)
            .build_local(LocalOptions::default())
            .map_err(WorkerError::io("tokio runtime"))?;
        let done = runtime.block_on(async { Main::new(cx, &service, threads)?.run().await });
        // Whatever still blocks is left behind: the process ends now.
        runtime.shutdown_background();
        done
    }
}

/// The main task: the door, the heartbeat, and leaving.
struct Main {
    socket: Socket<Rc<Epoll>>,
    service: Arc<Service>,
    shared: Rc<Shared>,
    /// When a request may have taken too long; `None`: never.
    look_at_handlers: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    LeaveNow,
}

impl Main {
    fn new(
        cx: WorkerContext,
        service: &Arc<Service>,
        blocking_threads: usize,
    ) -> Result<Main, WorkerError> {
        // The door's own set stands in tokio's: tokio's is edge-triggered, and the accept rule needs
        // to hear of the queue again as long as somebody waits in it.
        let epoll = Rc::new(Epoll::new().map_err(WorkerError::io("epoll set"))?);
        let door = Door::new(cx, service, &epoll, 0)
            .map_err(WorkerError::io("watching the listening sockets"))?;
        Ok(Main {
            socket: Socket::new(epoll.clone()).map_err(WorkerError::io("watching the door"))?,
            service: service.clone(),
            shared: Rc::new(Shared {
                scratch: RefCell::new(Scratch::new(service)),
                door: RefCell::new(door),
                set: epoll,
                roll: Roll::default(),
                room: Notify::new(),
                lines: Notify::new(),
                streams: Semaphore::new(service.config().worker_connections as usize),
                strays: Strays::of(blocking_threads),
            }),
            look_at_handlers: service.config().timeout.get().map(|_| Instant::now()),
        })
    }

    async fn run(mut self) -> Result<(), WorkerError> {
        spawn_local(hand_lines_over(self.shared.clone()));
        self.shared.door.borrow().announce();
        loop {
            self.shared.scratch.borrow_mut().tick();
            self.service.beat();
            self.end_overdue();
            let events = self.note_events()?;
            let next = self.answer_door();
            let departure = self.shared.door.borrow().departure(Instant::now());
            if next == Next::LeaveNow || departure != Departure::NotYet {
                self.shared.scratch.borrow_mut().flush();
                return Ok(());
            }
            if events > 0 {
                // tokio reports a change only: the set has to be looked at until it is quiet, and
                // the connections get their turn in between.
                yield_now().await;
                continue;
            }
            let wants_room = self.shared.door.borrow().is_waiting_for_room();
            let now = Instant::now();
            let handlers = self.look_at_handlers.map(|then| then.saturating_duration_since(now));
            let door = self.shared.door.borrow().may_sleep_for(now);
            let pause = handlers.map_or(door, |handlers| handlers.min(door));
            select! {
                biased;
                ready = self.socket.ready(Interest::Read) => {
                    ready.map_err(WorkerError::io("epoll set"))?;
                }
                () = self.shared.room.notified(), if wants_room => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Ends the requests that have taken too long.
    fn end_overdue(&mut self) {
        let now = self.shared.scratch.borrow().now();
        let Some(limit) = self.service.config().timeout.get() else { return };
        if self.look_at_handlers.is_none_or(|then| now < then) {
            return;
        }
        let (overdue, next) = self.shared.roll.end_overdue(limit, now);
        self.look_at_handlers = Some(next);
        if !overdue.is_empty() {
            let entries: Vec<_> = overdue.into_iter().flatten().collect();
            self.service.report_overdue(&entries);
        }
    }

    fn note_events(&mut self) -> Result<usize, WorkerError> {
        let mut events = [EpollEvent::EMPTY; 8];
        let count = self
            .socket
            .owner()
            .wait(&mut events, Some(Duration::ZERO))
            .map_err(WorkerError::io("epoll set"))?;
        let now = self.shared.scratch.borrow().now();
        let mut door = self.shared.door.borrow_mut();
        door.begin_notes();
        events[..count].iter().for_each(|event| door.note(event.key(), now));
        Ok(count)
    }

    fn answer_door(&mut self) -> Next {
        let now = self.shared.scratch.borrow().now();
        loop {
            let caller = self.shared.door.borrow_mut().next(&self.shared.set, now);
            match caller {
                Some(Caller::Connection(connection)) => task::begin(connection, &self.shared),
                Some(Caller::Crowd) => self.shared.roll.dismiss_longest_idle(),
                Some(Caller::Leave) => self.shared.roll.call(),
                Some(Caller::LeaveNow) => return Next::LeaveNow,
                None => return Next::GoOn,
            }
        }
    }
}

/// Hands the access log's lines over once for all responses that were written in one turn of the
/// runtime.
async fn hand_lines_over(shared: Rc<Shared>) {
    loop {
        shared.lines.notified().await;
        shared.scratch.borrow_mut().flush();
    }
}
