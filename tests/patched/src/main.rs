//! An application of ordinary blocking code: it sleeps, talks and locks as the standard library and
//! crates from elsewhere do, and knows nothing of the server but its `Request`. Each route blocks in one
//! way and says what has come of it; `UPSTREAM` names a server of the test's, which decides when a wait
//! is over.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what an application does that was written for threads"
)]

mod crowd;
mod endless;
mod faults;
mod files;
mod locks;
mod pthreads;
mod script;
mod sockets;

use std::process::ExitCode;
use std::time::Duration;

use oxicorn::Request;

type Route = (&'static str, fn(&str) -> String);

static ROUTES: &[Route] = &[
    ("/", |_| "hello\n".to_owned()),
    ("/sleep", |_| {
        std::thread::sleep(Duration::from_millis(20));
        "slept\n".to_owned()
    }),
    ("/script", script::compare),
    ("/crowd/barrier", |_| crowd::barrier()),
    ("/crowd/condvar", |_| crowd::condvar()),
    ("/crowd/parking-lot", |_| crowd::parking_lot()),
    ("/crowd/block-on", |_| crowd::block_on()),
    ("/crowd/thread-local", |_| crowd::thread_local()),
    ("/locks/mutex", |_| locks::mutex()),
    ("/locks/parking-lot", |_| locks::parking_lot()),
    ("/locks/rwlock", |_| locks::rwlock()),
    ("/locks/once", |_| locks::once()),
    ("/locks/stdout", |_| locks::stdout()),
    ("/locks/queue", |_| locks::queue()),
    ("/locks/receive", |_| locks::receive()),
    ("/locks/send", |_| locks::send()),
    ("/locks/park", |_| locks::park()),
    ("/locks/panic", |_| locks::panic()),
    ("/pthreads/mutex", |_| pthreads::mutex()),
    ("/pthreads/recursive", |_| pthreads::recursive()),
    ("/pthreads/rwlock", |_| pthreads::rwlock()),
    ("/pthreads/condvar", |_| pthreads::condvar()),
    ("/pthreads/table-tennis", |_| pthreads::table_tennis()),
    ("/pthreads/semaphore", |_| pthreads::semaphore()),
    ("/pthreads/once", |_| pthreads::once()),
    ("/pthreads/fortified", |_| pthreads::fortified()),
    ("/pthreads/errors", |_| pthreads::errors()),
    ("/sockets/fetch", |_| sockets::fetch()),
    ("/sockets/ureq", |_| sockets::ureq()),
    ("/sockets/block-on", |_| sockets::block_on()),
    ("/sockets/poll", |_| sockets::poll()),
    ("/sockets/select", |_| sockets::select()),
    ("/sockets/accept", |_| sockets::accept()),
    ("/sockets/timeouts", |_| sockets::timeouts()),
    ("/sockets/closed", |_| sockets::closed()),
    ("/sockets/copy", |_| sockets::copied()),
    ("/sockets/resolve", |_| sockets::resolve()),
    ("/faults/panic", |_| faults::panic()),
    ("/faults/use-after-free", |_| faults::use_after_free()),
    ("/files/pipe", |_| files::pipe()),
    ("/files/child", |_| files::child()),
    ("/files/threads", |_| files::threads()),
    ("/files/lock", |_| files::lock()),
    ("/files/records", |_| files::records()),
    ("/files/fork", |_| files::fork()),
    ("/endless/sleep", |_| endless::sleep()),
    ("/endless/read", |_| endless::read()),
    ("/endless/stubborn", |_| endless::stubborn()),
    ("/endless/lock", |_| endless::lock()),
    ("/endless/block-on", |_| endless::block_on()),
    ("/endless/limit", |_| endless::limit()),
];

/// Where the test listens.
fn upstream() -> String {
    std::env::var("UPSTREAM").unwrap_or_default()
}

/// How many a crowd is.
fn many() -> usize {
    std::env::var("MANY").ok().and_then(|many| many.parse().ok()).unwrap_or(1)
}

fn answer(request: &Request) -> String {
    let path = request.uri().path();
    match ROUTES.iter().find(|(known, _)| *known == path) {
        Some((_, route)) => route(request.uri().query().unwrap_or_default()),
        None => "no such wait\n".to_owned(),
    }
}

fn main() -> ExitCode {
    oxicorn::serve(|request: Request| answer(&request))
}
