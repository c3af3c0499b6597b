//! The binary `server`: the library with the applications that it carries.

use std::process::ExitCode;

use oxicorn::{Applications, demo};

fn main() -> ExitCode {
    #[cfg(feature = "bench")]
    if let Some(code) = oxicorn_bench::intercept(std::env::args_os()) {
        return code;
    }
    #[cfg(feature = "python")]
    return oxicorn::run(Applications::Hosting(|name| demo::by_name(name).ok()));
    #[cfg(not(feature = "python"))]
    oxicorn::run(Applications::Named(demo::by_name))
}
