//! Worker class `lifo`: one request at a time, as `sync`, but of those that wait on its connections the
//! newest first. When there is more to do than can be done, somebody waits too long in any order; in
//! this one it is those whose clients have perhaps given up already, and the others are answered as if
//! there were no crowd.
//!
//! This is all that a class is. How requests are read and written, who is accepted, what times out,
//! what is logged and counted, and how a worker leaves is the reactor's and the service's affair, and
//! means the same as in the classes that come with the server: the contract suite says so.

use std::time::Duration;

use oxicorn::worker::{Worker, WorkerContext, WorkerError};
use oxicorn::{Application, Config, ConfigError};
use oxicorn_core::reactor::{Job, Patience, Reactor, Turn};
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{self, Capacity, KeepPolicy, Service};

/// Whoever answers slower than this closes a connection behind its answer, so that its next request
/// goes to whichever worker is free.
const FAST: Duration = Duration::from_millis(1);

pub(crate) struct Lifo;

impl Worker for Lifo {
    fn names(&self) -> &'static [&'static str] {
        &["lifo"]
    }

    /// In the master, before any fork: what this class cannot serve is refused here.
    fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
        app.need_thread_form("lifo")
    }

    /// In the worker: everything is made here, and the process ends when this returns.
    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        // Its door is closed while a request is in hand: what is new waits where any worker can take
        // it. What waits here has come on connections that were kept.
        let keep = KeepPolicy::WhileFasterThan(FAST);
        let service = Service::new(&cx, Capacity(1), keep, Writers::One);
        let mut reactor = Reactor::new(cx, &service)?;
        let scratch = reactor.scratch();
        service.app().begin_thread();
        reactor.announce();
        let mut waiting: Vec<Job> = Vec::new();
        loop {
            // Everything that is there is looked at before the newest of it is taken.
            let patience = if waiting.is_empty() { Patience::Endless } else { Patience::None };
            match reactor.next(patience).map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => {
                    waiting.push(job);
                    continue;
                }
                Turn::Leave => return Ok(()),
                Turn::Nothing | Turn::Ready(_) | Turn::Alarm(_) => {}
            }
            if let Some(job) = waiting.pop() {
                service.slot().busy();
                let outcome = serve::handle(job.connection, &scratch);
                service.slot().idle();
                reactor.settle(job.ticket, outcome);
            }
        }
    }
}
