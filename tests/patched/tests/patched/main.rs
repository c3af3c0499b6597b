//! Ordinary blocking code under `-k coroutine`, where all handlers of a worker are on one thread; and,
//! for what it gives, under the class whose handlers have threads.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod alike;
mod crowds;
mod mix;
mod overdue;
mod settings;
mod torture;
mod waits;

use oxicorn_tests::asking::{ask, asked, told};
use oxicorn_tests::{Launch, Serving, Subject};

fn subject(class: &str, serving: Serving) -> Subject {
    // The script `torture` has one that was built in another way.
    let binary = std::env::var_os("PATCHED").unwrap_or(env!("CARGO_BIN_EXE_patched").into());
    let binary = binary.into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

fn coroutine() -> Launch {
    Launch::of(&subject("coroutine", Serving::Many))
}
