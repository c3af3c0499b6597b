//! The master of oxicorn: a pure state machine, and the driver that forks, execs and handles signals.
//!
//! Supervision goes wrong in orders of events that nobody thinks of: a reload during a reload, a
//! worker that dies while it is told to leave, a machine that sleeps. Therefore the decisions are one
//! pure function, [`state::Arbiter::step`], which a simulator can drive through millions of such
//! orders in seconds; and what touches the system, the driver, decides nothing.
//!
//! [`Master::run`] is the way in.

mod backoff;
pub mod daemon;
mod driver;
pub mod event;
mod handover;
mod herald;
mod identity;
pub mod life;
pub mod line;
mod master;
mod notify;
mod observer;
mod oom;
mod pidfile;
mod reexec;
mod roster;
mod signals;
mod sockets;
mod spawn;
pub mod state;
mod watch;
pub mod zygote;

#[cfg(test)]
mod sim;

pub use handover::Handover;
pub use herald::Herald;
pub use master::{Master, Plan, Reload, Reloaded};
pub use notify::Notify;
pub use pidfile::{PidfileError, check_pidfile};
pub use reexec::Birth;
