//! The one place that owns a request from its head to its access-log line. What is decided here
//! (keep-alive, draining, what is counted and logged, what a panic becomes) means the same in every
//! worker class; a class only chooses on what the handler runs.

mod blocked;
mod blocking;
mod early;
pub mod last_words;
mod lend;
mod overdue;
mod pace;
mod running;
mod scratch;
mod service;
mod together;
mod wear;

pub use blocked::{Hold, Place};
pub use blocking::{HAND_OVER_UP_TO, Job, WRITE_FROM, handle};
pub use early::{Early, EarlyApp};
pub use pace::Pace;
pub use running::Running;
pub(crate) use scratch::READ_SIZE;
pub use scratch::{Scratch, Standing};
pub use service::{Capacity, KeepPolicy, Posture, Service};
pub(crate) use service::{FirstRequest, InFlight, printable};
pub(crate) use together::{Company, Push, Together};
pub use wear::Weariness;
