//! A folder of files over HTTP.
//!
//! ```text
//! cargo run -p example-static-files -- -k sync -w 2
//! STATIC_FILES_ROOT=/srv/www cargo run --release -p example-static-files -- -k tokio
//! ```
//!
//! Without `STATIC_FILES_ROOT` it serves its own `public/`. Then, from another terminal:
//!
//! ```text
//! $ curl -i http://127.0.0.1:8000/                                   # index.html, its ETag, its date
//! $ curl -i -r 0-9 http://127.0.0.1:8000/robots.txt                  # 206: ten bytes
//! $ curl -i -H 'If-None-Match: "…"' http://127.0.0.1:8000/robots.txt # 304, with the ETag of before
//! ```
//!
//! The bytes go from the kernel's cache to the socket by sendfile(2), in every worker class: a large
//! file costs no memory, and a slow reader of it does not occupy a worker, not even one of `-k sync`.

use std::process::ExitCode;

use oxicorn::files::Files;

fn main() -> ExitCode {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/public");
    let root = std::env::var_os("STATIC_FILES_ROOT").unwrap_or_else(|| own.into());
    oxicorn::serve(Files::new(root))
}
