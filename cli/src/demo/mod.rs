//! The embedded demo: a server that has just been installed answers something, and every worker
//! class is measured with the same load. It exists in both forms, blocking and asynchronous, which
//! share everything (`routes` decides, `plan` says what is left to do) except how they wait.
//!
//! | route | does |
//! |---|---|
//! | `/` | `Hello, world!\n` |
//! | `/read` | waits 5 ms, then one line; `?ms=` overrides |
//! | `/write` | waits 50 ms, then one line; `?ms=` overrides |
//! | `/cpu` | computes for 5 ms of processor time; `?ms=` overrides. An asynchronous worker stands still meanwhile: that is what the route is there to show. `?wait=` milliseconds of waiting follow |
//! | `/bytes` | 1024 bytes; `?n=`, up to 1073741824 (1 GiB), overrides |
//! | `/stream` | 10 lines, each sent by itself, 100 ms apart, the first at once; `?n=` (up to 1000000) and `?ms=` override |
//! | `/upstream?url=` | fetches an `http://` address and tells its status and its size in bytes; 403 unless the address' `host:port` is one of those in the environment's `OXICORN_DEMO_UPSTREAM` (comma-separated; read once, when the application is made); 502 when it does not answer properly |
//! | `/echo` and all below | what the server has received, see [`echo`] |
//! | `/healthz` | `ok\n`, and 503 with `stopping\n` as soon as the server was told to stop |
//! | `/panic` | panics, on purpose: what a server makes of that can be tested |
//!
//! `ms` is a whole number of milliseconds up to 3600000. A wrong value is answered with 400 and one
//! line that names it. `/echo` takes every method, the others GET and HEAD (else 405); any other
//! path is 404. A value is percent-decoded where it is text (`url`); unknown keys are ignored.

mod allowed;
mod asynchronous;
mod blocking;
mod bytes;
mod chunked;
mod cpu;
pub mod echo;
mod exchange;
mod lines;
mod plan;
mod query;
mod routes;
#[cfg(test)]
mod tests;
mod upstream;

use std::sync::Arc;

use oxicorn_core::Application;
use oxicorn_core::config::ConfigError;

use allowed::AllowList;

/// The demo application, in both forms.
///
/// Reads `OXICORN_DEMO_UPSTREAM`, once; an entry that is not `host:port` is warned of and allows
/// nothing.
pub fn application() -> Application {
    fetching_from(AllowList::from_environment())
}

/// The application that `server NAME` means.
///
/// # Errors
/// There is none of that name.
pub fn by_name(name: Option<&str>) -> Result<Application, ConfigError> {
    match name {
        None | Some("demo") => Ok(application()),
        Some("echo") => Ok(echo::application()),
        Some(other) => Err(ConfigError::message(format!(
            "application {other:?} (command line): this program serves demo and echo, and no \
             Python applications"
        ))),
    }
}

fn fetching_from(allowed: AllowList) -> Application {
    let allowed = Arc::new(allowed);
    plan::in_both_forms("demo", move |request| routes::plan(request, &allowed))
}
