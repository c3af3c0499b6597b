//! `server` with a fifth worker class, which no crate of the server knows.
//!
//! ```text
//! $ cargo run -p example-own-worker-class -- -k lifo -w 2
//! ```

mod lifo;

use std::process::ExitCode;

use oxicorn::{Applications, Server, demo};

fn main() -> ExitCode {
    Server::of(Applications::Named(demo::by_name)).with_worker(&lifo::Lifo).command_line().run()
}
