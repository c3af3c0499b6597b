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
//! ([`time`], [`net`]) blocks its process under `sync`, its thread under `threaded`, and gives way to
//! other requests under `coroutine`.

mod args;
#[cfg(test)]
mod artefacts;
mod background;
mod command;
mod completions;
pub mod demo;
#[cfg(test)]
mod documents;
mod driven;
mod embed;
pub mod files;
mod habits;
mod help;
mod load;
mod logs;
mod man;
pub mod net;
mod plan;
mod print;
mod registry;
mod server;
pub mod time;
mod tower;

pub use embed::Server;
pub use help::VERSION;
pub use http::StatusCode;
pub use load::{Action, Loaded, Start, load};
pub use oxicorn_core::app::{Arrival, ConnectionInfo, Fields, IntoApplication, IntoResponse};
#[cfg(feature = "json")]
pub use oxicorn_core::app::{Json, JsonError};
pub use oxicorn_core::body::FilePart;
pub use oxicorn_core::config::{Config, ConfigError};
pub use oxicorn_core::listener::{LocalAddress, Peer};
pub use oxicorn_core::worker;
pub use oxicorn_core::{App, Application, AsyncApp, Body, Request, RequestExt, RequestId};
pub use oxicorn_core::{Response, Scheme};
pub use print::print_config;
pub use registry::WORKERS;
pub use server::{Applications, run, serve};
pub use tower::{asynchronous, serve_async};
