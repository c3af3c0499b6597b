//! An application server with gunicorn's process model and interchangeable worker classes.

mod args;
mod help;
mod load;
mod print;

pub use help::VERSION;
pub use load::{Action, Loaded, load};
pub use print::print_config;
