//! A server whose handler prints, to both standard streams, and answers with the request's name:
//! what the tests of `capture_output` look at.

use std::process::ExitCode;

use oxicorn::{Request, RequestExt};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]
fn main() -> ExitCode {
    oxicorn::serve(|request: Request| {
        let name = request.request_id().map(|name| name.to_string()).unwrap_or_default();
        println!("printed {name} {}", "x".repeat(500));
        eprintln!("said to standard error");
        name
    })
}
