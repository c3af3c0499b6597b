//! The suite that every worker class must pass, with the demo written as an ASGI application.

use oxicorn_tests::{Hosted, Subject, python};

use crate::apps::{self, module};

/// What a scope cannot tell, and what is about Rust.
const EXCUSED: &[(&str, &str)] = &[
    ("trailers", "there is no event for what stands behind a body"),
    ("panicking_handler", "the place of a panic is one in Rust: handlers.rs has the exceptions"),
];

fn subject() -> Subject {
    let hosted = Hosted { module: module("demo"), python: python::machine(), excused: EXCUSED };
    apps::subject().hosting(hosted)
}

mod asgi {
    use super::subject;

    oxicorn_tests::contract_table!(oxicorn_tests::contract_tests, Many);
}
