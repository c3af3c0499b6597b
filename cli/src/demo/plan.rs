//! What is left to do for a request once it has been understood: the seam between what the two forms
//! of the application share and the waiting, in which they differ.

use std::time::Duration;

use oxicorn_core::app::IntoResponse;
use oxicorn_core::{Application, Body, Request, Response};

use super::bytes::Blocks;
use super::echo::Echo;
use super::lines::Lines;
use super::upstream::Fetch;
use super::{asynchronous, blocking};

pub(super) enum Plan {
    Answer(Response),
    Wait(Duration, Response),
    /// Computes, then waits.
    Compute(Duration, Duration, Response),
    Blocks(Blocks),
    Lines(Lines),
    Fetch(Fetch),
    Echo(Box<Echo>, Body),
    Panic,
}

impl Plan {
    pub(super) fn answer(answer: impl IntoResponse) -> Plan {
        Plan::Answer(answer.into_response())
    }
}

pub(super) fn in_both_forms<P>(name: &str, plan: P) -> Application
where
    P: Fn(Request) -> Plan + Clone + Send + Sync + 'static,
{
    let asynchronous = asynchronous::Planned(plan.clone());
    Application::both(
        name,
        move |request: Request| blocking::carry_out(plan(request)),
        asynchronous,
    )
}

/// Both forms panic here, so that the place in the log is the same.
#[expect(clippy::panic, reason = "the route exists for this")]
pub(super) fn panic_on_purpose() -> Response {
    panic!("the route /panic panics on purpose")
}
