//! The smallest program that is a whole server: it has the command line, the signals, the settings
//! and the worker classes of `server`, and its own handler.
//!
//! ```text
//! cargo run -p example-hello -- -k coroutine -w 2
//! ```

use std::process::ExitCode;

fn main() -> ExitCode {
    oxicorn::serve(|_request: oxicorn::Request| "hi\n")
}
