//! An application that does nothing but ask others, by clients that know nothing of coroutines: those of
//! databases, and TLS by rustls and by OpenSSL. Each route says what was answered, and how deep the stack
//! was that it took.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what an application does that was written for threads"
)]

mod databases;
mod depth;
mod openssl;
mod tls;

use std::process::ExitCode;

use oxicorn::Request;

type Route = (&'static str, fn() -> String);

static ROUTES: &[Route] = &[
    ("/", || "hello".to_owned()),
    ("/text", || format!("{:?}", std::time::SystemTime::now())),
    ("/resolve", || tls::resolved().to_string()),
    ("/backtrace", || {
        let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(7)));
        let trace = std::backtrace::Backtrace::force_capture().to_string();
        format!("{} {}", caught.is_err(), trace.len() > 10)
    }),
    ("/mysql", databases::mysql),
    ("/mysql/gate", databases::mysql_gate),
    ("/postgres", databases::postgres),
    ("/redis", databases::redis),
    ("/rustls", tls::rustls),
    ("/ureq", tls::ureq),
    ("/openssl", openssl::get),
];

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `?depth` adds a line: the KiB of the stack that were used.
fn answer(request: &Request) -> String {
    let path = request.uri().path();
    let Some((_, route)) = ROUTES.iter().find(|(known, _)| *known == path) else {
        return "nobody to ask\n".to_owned();
    };
    match request.uri().query() {
        Some("depth") => {
            let (text, used) = depth::of(route);
            format!("{text}\n{} KiB\n", used.div_ceil(1024))
        }
        _ => format!("{}\n", route()),
    }
}

fn main() -> ExitCode {
    oxicorn::serve(|request: Request| answer(&request))
}
