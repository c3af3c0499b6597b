//! From a list of servers and loads to figures: one measurement, the search for the highest rate
//! that a server keeps up with, and the order in which all of it happens.

mod measure;
mod progress;
pub mod results;
mod search;
mod server;
mod session;

pub use measure::{Bench, Case, Failed};
pub use progress::Progress;
pub use session::{Plan, Rates, run};
