//! The server as a process: started with a socket that the test has bound, listened to through its
//! two logs, told things by signals, and cleaned up after whatever happens.
//!
//! The socket comes from the test, as descriptor 3, because a test that picks a free port and tells
//! the server its number has lost the port to somebody else once in a thousand runs.

mod executable;
mod launch;
mod lines;
mod log;
mod oneshot;
mod server;

pub use executable::{copy_executable, write_executable};
pub use launch::{Address, Launch};
pub use lines::Lines;
pub use log::{AccessLine, ErrorLine, Level};
pub use oneshot::{Finished, Invocation};
pub use server::Server;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Lets one test at a time measure time or memory. (nextest runs each test in a process of its own,
/// where this does nothing: `.config/nextest.toml` has a group for the same tests.)
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
