//! What the master and every worker class share: the contracts between them, the settings, the
//! listening sockets, the shared-memory scoreboard, the reactor, the one place that owns a request
//! from its head to its access-log line, and the two logs.
//!
//! Nothing here forks, execs or handles a signal: that is `oxicorn-arbiter`. Nothing here knows a
//! worker class by name: each is a crate of its own that implements [`worker::Worker`].

pub mod access_log;
pub mod app;
pub mod body;
pub mod capacity;
pub mod config;
pub mod connection;
pub mod handover;
pub mod identity;
pub mod in_flight;
pub mod lifeline;
pub mod listener;
pub mod log;
pub mod orders;
mod post;
pub mod proxy;
pub mod reactor;
pub mod request_id;
pub mod scoreboard;
pub mod serve;
pub mod statsd;
pub mod sys;
mod syslog;
pub mod wait;
pub mod worker;

pub use app::{App, Application, Arrival, AsyncApp, Request, RequestExt, Response, Scheme};
pub use body::Body;
pub use request_id::RequestId;
