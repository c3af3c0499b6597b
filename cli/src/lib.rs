//! **oxicorn**: an application server with gunicorn's process model and interchangeable worker
//! classes. The binary `server` is this library with the demo application; a program of your own
//! becomes the same server, command line and all, with its own handler:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     oxicorn::serve(|_request: oxicorn::Request| "hi\n")
//! }
//! ```
//!
//! The handler is blocking in form and the same for every worker class (`-k`): what it waits with
//! ([`time`], [`net`], [`channel`], [`spawn`](spawn()), [`unblock`](unblock())) blocks its process under
//! `sync`, its thread under `threaded`, and gives way to other requests under `coroutine`.

mod args;
#[cfg(test)]
mod artefacts;
mod background;
pub mod channel;
mod command;
mod completions;
pub mod demo;
#[cfg(test)]
mod documents;
pub mod files;
mod habits;
mod help;
mod load;
mod logs;
mod man;
pub mod net;
mod plan;
mod pointless;
mod print;
mod registry;
mod server;
mod spawn;
pub mod time;
mod unblock;

pub use help::VERSION;
pub use load::{Action, Loaded, Start, load};
pub use oxicorn_core::app::IntoResponse;
pub use oxicorn_core::{App, Application, AsyncApp, Body, Request, RequestExt, Response, Scheme};
pub use print::print_config;
pub use registry::WORKERS;
pub use server::{Applications, run, serve};
pub use spawn::{JoinHandle, spawn};
pub use unblock::unblock;
