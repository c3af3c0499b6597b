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
//! | you have | call |
//! |---|---|
//! | a function that answers a request, written as if it could block | [`serve`] |
//! | an axum `Router`, or any other `tower` service | [`serve_async`] |
//! | a program that has its own idea of settings | [`Server`] |
//! | several applications to choose from on the command line | [`run`] |
//! | a folder of files | [`files::Files`] |
//! | a worker class of your own | [`Server::with_worker`] |
//!
//! A blocking handler is the same for every worker class (`-k`): what it waits with ([`time`], [`net`],
//! [`channel`], [`spawn`](spawn()), [`unblock`](unblock())) blocks its process under `sync`, its thread
//! under `threaded`, and gives way to other requests under `coroutine`; `tokio` runs it on its blocking
//! pool. A service is what `tokio` is for; under `sync` and `threaded` a runtime of the request's thread
//! drives it.
//!
//! What a handler may return is said at [`IntoResponse`], how a body is read and made at [`Body`], and
//! what is known of the client at [`RequestExt`].
//!
//! # Features
//!
//! - `json`: `Json` as an answer, and `Body::json`.
//! - `axum`: `ConnectInfo<SocketAddr>` for the handlers of a router, which is served without it, too.

#![warn(missing_docs)]

/// The pages' examples are examples of this crate: they compile.
#[cfg(all(doctest, feature = "json", feature = "axum"))]
#[doc = include_str!("../../docs/for-rust-authors.md")]
struct ForRustAuthors;

mod args;
#[cfg(test)]
mod artefacts;
mod background;
pub mod channel;
mod command;
mod completions;
mod configuration;
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
mod pointless;
mod print;
#[cfg(feature = "python")]
mod python;
mod registry;
mod server;
mod spawn;
pub mod time;
mod tower;
mod unblock;

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
pub use spawn::{JoinHandle, spawn};
pub use tower::{asynchronous, serve_async};
pub use unblock::unblock;
