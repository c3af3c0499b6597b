//! What the benchmark does with processes: starts them so that none outlives it, keeps them on the
//! processors that are theirs, reads from /proc what they use, and hears Ctrl-C without dying of it.

mod child;
mod cores;
mod interrupt;
mod machine;
mod usage;

pub use child::{Group, exec, in_role, kill_descendants};
pub(crate) use child::{adopt_orphans, become_command, settle};
pub use cores::Cores;
pub use interrupt::{Interrupt, Interrupted, Waited};
pub use machine::Machine;
pub use usage::Usage;
