//! Worker class `coroutine`: a single-threaded hub, and one stackful coroutine for each request in
//! flight, as gevent has greenlets.
//!
//! A handler is written as if it blocked; when it waits, in whatever way (`patch`), its coroutine is
//! set aside and the thread goes on with another. A connection between two requests
//! holds no stack: it waits in the reactor as in every class. What a handler spawns is a coroutine of
//! the same hub, and what blocks after all (`oxicorn::unblock`) goes to a few threads.

#![cfg_attr(
    not(all(
        target_os = "linux",
        target_env = "gnu",
        target_arch = "x86_64",
        not(target_feature = "crt-static")
    )),
    allow(dead_code, unused_imports, reason = "waits that only the C library's functions make")
)]

mod awaited;
mod hub;
mod mailbox;
mod overdue;
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    target_arch = "x86_64",
    not(target_feature = "crt-static")
))]
mod patch;
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    target_arch = "x86_64",
    not(target_feature = "crt-static")
)))]
#[path = "patch/absent.rs"]
mod patch;
mod pool;
mod spans;
mod spares;
mod stack;
mod task;
mod yielding;

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::reactor::Reactor;
use oxicorn_core::scoreboard::Writers;
use oxicorn_core::serve::{Capacity, KeepPolicy, Service};
use oxicorn_core::wait;
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};

/// A stack is two mappings (its pages and its guard), of which Linux allows a process 65,530
/// (vm.max_map_count). Further requests wait in the queue rather than fail.
const MOST_STACKS: u64 = 30_000;
/// The stacks of requests and of what they spawn, together.
const MOST_TASKS: u64 = 32_000;

/// The class.
#[derive(Clone, Copy, Debug)]
pub struct Coroutines;

impl Worker for Coroutines {
    fn names(&self) -> &'static [&'static str] {
        &["coroutine", "gevent"]
    }

    fn check(&self, _: &Config, app: &Application) -> Result<(), ConfigError> {
        app.need_blocking("coroutine")
    }

    fn run(&self, cx: WorkerContext) -> Result<(), WorkerError> {
        let at_once = u64::from(cx.config.worker_connections).min(MOST_STACKS);
        let service = Service::new(&cx, Capacity(at_once), KeepPolicy::Always, Writers::One);
        stack::report_overflows();
        wait::install(&yielding::Yielding);
        patch::say(&cx.config);
        let reactor = Reactor::new(cx, &service)?;
        let spawned = usize::try_from(MOST_TASKS - at_once).unwrap_or(usize::MAX);
        let hub = hub::Hub::install(&service, reactor, spawned)?;
        service.app().begin_thread();
        hub.announce();
        hub.run()
    }
}
