//! An application that does what applications must not do, one thing on each route.
//!
//! A server owes its clients well-formed HTTP whatever the application gives it, and owes the other
//! requests that one bad handler does not cost them anything. The demo behaves too well to show
//! that. Its command line is that of `server`; `UNRULY_FORM=blocking` leaves the asynchronous form
//! out, so that a class that prefers it runs the blocking one.

mod deed;
mod forms;
mod requests;
mod routes;
mod script;

use std::process::ExitCode;

use oxicorn::{Application, Applications, run};

fn main() -> ExitCode {
    let application = match std::env::var("UNRULY_FORM").as_deref() {
        Ok("blocking") => Application::blocking("unruly", forms::Blocking),
        _ => Application::both("unruly", forms::Blocking, forms::Asynchronous),
    };
    run(Applications::Own(application))
}
