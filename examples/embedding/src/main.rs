//! A server inside a program that has a command line of its own: the program decides everything, and
//! nothing of `server`'s options, variables and files is looked at.
//!
//! ```text
//! $ cargo run -p example-embedding -- /tmp/shop.sock
//! $ curl --unix-socket /tmp/shop.sock http://localhost/
//! ```
//!
//! What a process has only once is the server's from `run` on: its signals, and that it forks. So `run`
//! comes last in `main`, before there are threads, and what it gives back is the exit code.

use std::os::unix::net::UnixListener;
use std::process::ExitCode;

use oxicorn::{Request, Server};

#[expect(clippy::print_stderr, reason = "it has no log yet")]
fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: example-embedding SOCKET");
        return ExitCode::from(2);
    };
    let listener = match UnixListener::bind(&path) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let code = Server::new(|request: Request| format!("{} of the shop\n", request.uri().path()))
        .settings([("workers", "2"), ("timeout", "5s"), ("accesslog", "-")])
        .settings([("threads", "4"), ("proc_name", "shop")])
        .worker_class("threaded")
        .listener(listener)
        .run();
    // Who has made the socket's file removes it.
    let _ = std::fs::remove_file(path);
    code
}
