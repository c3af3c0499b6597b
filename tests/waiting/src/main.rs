//! An application that waits: for time, for other parts of itself, for foreign threads, for sockets, for
//! what blocks. Each route waits in one way and says what has come of it; `UPSTREAM` names a server of
//! the test's, which decides when a wait is over. The command line is that of `server`.
#![allow(clippy::panic, clippy::print_stderr, reason = "an application of the tests' own")]

mod endless;
mod parts;
mod timeouts;

use std::process::ExitCode;

use oxicorn::Request;

type Route = (&'static str, fn(&mut Request) -> String);

static ROUTES: &[Route] = &[
    ("/", |_| "hello\n".to_owned()),
    ("/fan", |_| parts::fan()),
    ("/foreign", |_| parts::foreign()),
    ("/named", |_| parts::named()),
    ("/panic", |_| parts::panic()),
    ("/leave-behind", |_| parts::leave_behind()),
    ("/both-ways", |_| parts::both_ways()),
    ("/crowd", |_| parts::crowd()),
    ("/nested", |_| timeouts::nested()),
    ("/many-short", |_| timeouts::many_short()),
    ("/body", timeouts::body),
    ("/unblock-late", |_| timeouts::unblock_late()),
    ("/endless/sleep", |_| endless::sleep()),
    ("/endless/receive", |_| endless::receive()),
    ("/endless/send", |_| endless::send()),
    ("/endless/join", |_| endless::join()),
    ("/endless/read", |_| endless::read()),
    ("/endless/unblock", |_| endless::unblock()),
    ("/endless/timeout", |_| endless::within_timeout()),
];

/// Where the test listens.
fn upstream() -> String {
    std::env::var("UPSTREAM").unwrap_or_default()
}

fn answer(request: &mut Request) -> String {
    let path = request.uri().path();
    match ROUTES.iter().find(|(known, _)| *known == path) {
        Some((_, route)) => route(request),
        None => "no such wait\n".to_owned(),
    }
}

fn main() -> ExitCode {
    oxicorn::serve(|mut request: Request| answer(&mut request))
}
