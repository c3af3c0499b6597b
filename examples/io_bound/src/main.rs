//! A handler that mostly waits, as one that asks a database does: the same blocking code in every
//! worker class. The README has the table; `tests/classes.rs` makes it.

use std::io::{self, Read};
use std::process::ExitCode;
use std::time::Duration;

use oxicorn::net::TcpStream;
use oxicorn::{Request, RequestExt};

/// Connects and reads to the end, which comes when the upstream likes.
fn ask(address: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// `/upstream` asks `UPSTREAM` (host:port), `/MS` waits for so many milliseconds.
fn wait(request: &Request) -> String {
    let path = String::from_utf8_lossy(request.target());
    let name = path.trim_start_matches('/');
    if name == "upstream" {
        let address = std::env::var("UPSTREAM").unwrap_or_default();
        return match ask(&address) {
            Ok(text) => format!("the upstream says: {text}\n"),
            Err(error) => format!("the upstream {address} says nothing: {error}\n"),
        };
    }
    let millis = name.parse().unwrap_or(0);
    oxicorn::time::sleep(Duration::from_millis(millis));
    format!("waited for {millis} ms\n")
}

fn main() -> ExitCode {
    oxicorn::serve(|request: Request| wait(&request))
}
