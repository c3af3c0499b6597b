//! A handler that mostly waits, as one that asks a database does: the same blocking code in every
//! worker class. Try `--timeout 1` with `/60000`.

use std::process::ExitCode;
use std::time::Duration;

use oxicorn::{Request, RequestExt};

/// `/MS` waits for so many milliseconds.
fn wait(request: &Request) -> String {
    let path = String::from_utf8_lossy(request.target());
    let millis = path.trim_start_matches('/').parse().unwrap_or(0);
    oxicorn::time::sleep(Duration::from_millis(millis));
    format!("waited for {millis} ms\n")
}

fn main() -> ExitCode {
    oxicorn::serve(|request: Request| wait(&request))
}
