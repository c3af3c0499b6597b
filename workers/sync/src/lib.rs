//! Worker class `sync`: one request at a time, on the one thread of the process.
//!
//! The reactor reads requests and writes responses, so slow clients cost nothing; only the handler
//! occupies the worker. It takes a connection only when it has nothing to do, and keeps one only
//! while the application is fast: whatever has to wait then waits in the queue that all workers
//! share, where the first that is free takes it.

use std::time::Duration;

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::{Patience, Reactor, Turn};
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{self, Capacity, KeepPolicy, Service};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};

/// Above this a kept connection would hold requests back that another worker could answer sooner
/// than this one.
const FAST: Duration = Duration::from_millis(1);

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Sync;

impl Worker for Sync {
    fn names(&self) -> &'static [&'static str] {
        &["sync"]
    }

    fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
        app.need_thread_form("sync")
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        let keep = KeepPolicy::WhileFasterThan(FAST);
        let service = Service::new(&cx, Capacity(1), keep, Writers::One);
        let mut reactor = Reactor::new(cx, &service)?;
        reactor.answer_together();
        let scratch = reactor.scratch();
        service.app().begin_thread();
        reactor.announce();
        loop {
            match reactor.next(Patience::Endless).map_err(WorkerError::io("reactor"))? {
                Turn::Request(job) => {
                    service.slot().busy();
                    let outcome = serve::handle(job.connection, &scratch);
                    service.slot().idle();
                    reactor.settle(job.ticket, outcome);
                }
                Turn::Leave => return Ok(()),
                Turn::Ready(_) | Turn::Alarm(_) | Turn::Nothing => {}
            }
        }
    }
}
