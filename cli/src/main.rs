//! The binary `server`: the library with the applications that it carries.

use std::process::ExitCode;

use oxicorn::{Applications, demo};

fn main() -> ExitCode {
    oxicorn::run(Applications::Named(demo::by_name))
}
