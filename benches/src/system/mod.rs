//! What the benchmark does with processes: starts them so that none outlives it, keeps them on the
//! processors that are theirs, reads from /proc what they use, and hears Ctrl-C without dying of it.

mod child;
mod cores;
mod interrupt;
mod machine;
mod usage;

pub use child::{Group, exec, internal, kill_descendants};
pub use cores::Cores;
pub use interrupt::{Interrupt, Interrupted};
pub use machine::Machine;
pub use usage::Usage;
