//! Clients as they are published, many at once in one thread, and beside it each in a thread of its own.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod mariadb;
mod mysql;
mod stacks;
mod tls;
mod upstream;

use oxicorn_tests::{CLASSES, Launch, Subject};

/// Clients of a server at once.
const MANY: usize = 50;

/// The class, with room for all of them.
fn launch(class: &str) -> Launch {
    let (class, serving) =
        CLASSES.into_iter().find(|(known, _)| *known == class).expect("the name of a class");
    let binary = env!("CARGO_BIN_EXE_clients").into();
    let launch = Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None });
    if class == "threaded" { launch.threads(MANY as u32 + 1) } else { launch }
}
