//! The master of oxicorn: a pure state machine, and the driver that forks, execs and handles signals.
//!
//! Supervision goes wrong in orders of events that nobody thinks of: a reload during a reload, a
//! worker that dies while it is told to leave, a machine that sleeps. Therefore the decisions are one
//! pure function, [`state::Arbiter::step`], which a simulator can drive through millions of such
//! orders in seconds; and what touches the system, the driver, decides nothing.
//!
//! [`Master::run`] is the way in.

mod backoff;
mod driver;
pub mod event;
pub mod line;
mod master;
mod observer;
mod oom;
mod roster;
mod signals;
mod sockets;
mod spawn;
pub mod state;

#[cfg(test)]
mod sim;

pub use master::{Master, Plan};
