//! The binary `server`: the library with the applications that it carries.

use std::process::ExitCode;

use oxicorn::{Applications, demo};

fn main() -> ExitCode {
    #[cfg(feature = "bench")]
    if let Some(code) = oxicorn_bench::intercept(std::env::args_os()) {
        return code;
    }
    oxicorn::run(Applications::Named(demo::by_name))
}
