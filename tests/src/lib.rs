//! Harness and contract suite: what every worker class must do, tried on the real binary.
//!
//! A server that forks is only as good as what its processes do together, so nothing here links
//! the server's crates: a test starts the binary, hands it a listening socket, and then knows what
//! an operator knows (signals, log lines, /proc) and what a client knows (bytes on a connection).
//! That is also why the suite can be run against anybody's binary: whoever writes a worker class
//! calls [`contract::run`] with the path of theirs.
//!
//! A broken promise is reported by panicking at the place that noticed it; a [`Server`] that is
//! dropped while the thread panics prints everything that the server has logged.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a library of tests: panicking is how it reports"
)]

pub mod asking;
pub mod browser;
pub mod client;
pub mod contract;
pub mod deadline;
pub mod harness;
pub mod load;
pub mod losses;
pub mod process;
pub mod python;

pub use client::{Asked, ClientError, Connection, Request, Response};
pub use contract::{CLASSES, Hosted, Serving, Subject};
pub use deadline::Deadline;
pub use harness::{Address, Launch, Server};
pub use nix::sys::signal::Signal;
