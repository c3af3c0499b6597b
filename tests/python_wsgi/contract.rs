//! The suite that every worker class must pass, with the demo written in Python.

use oxicorn_tests::{Hosted, Subject};

use crate::apps::{Class, module};

/// What an `environ` cannot tell, and what is about Rust.
const EXCUSED: &[(&str, &str)] = &[
    (
        "header_names_with_underscores",
        "SCRIPT_NAME mounts the application, and in an environ X_A and X-A are the same: environ.rs",
    ),
    ("trailers", "an environ has no place for what stands behind a body"),
    ("panicking_handler", "the place of a panic is one in Rust: raising.rs has the exceptions"),
];

fn subject(class: Class) -> Subject {
    let hosted = Hosted { module: module("demo"), python: class.python(), excused: EXCUSED };
    class.subject().hosting(hosted)
}

macro_rules! suites {
    ($($module:ident: $class:ident, $serving:ident;)+) => {
        $(
            mod $module {
                fn subject() -> oxicorn_tests::Subject {
                    super::subject(crate::apps::Class::$class)
                }
                oxicorn_tests::contract_table!(oxicorn_tests::contract_tests, $serving);
            }
        )+
    };
}

suites! {
    sync: Sync, Inline;
    threaded: Threaded, Threads;
    coroutine: Gevent, Many;
}
