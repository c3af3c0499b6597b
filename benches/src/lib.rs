//! Worker classes against I/O-bound loads: what `server bench` runs, as a library.
//!
//! Most published comparisons of application servers measure their own client: a closed loop of a
//! fixed number of connections, which divides connections by latency and calls the result the
//! server's. This one sends at rates that do not depend on the answers, counts from when a request
//! should have been sent, measures what the generator itself costs, and does not rank a run that the
//! generator has limited. docs/benchmarking.md says how to run it and how to read it.
//!
//! | module | what it is |
//! |---|---|
//! | [`load`] | the load generator, in a process of its own |
//! | [`loads`], [`subject`] | what is asked, of whom: tables |
//! | [`delay`] | the server behind `/upstream` |
//! | [`system`] | processes, processors, what is used, Ctrl-C |
//! | [`run`] | one measurement, the search for goodput, a whole session |
//! | [`report`] | the table, the JSON, the plots, the page |
//! | [`codec`] | the codec's work without a socket, for criterion and callgrind |

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::process::ExitCode;

pub mod access_log;
pub mod codec;
mod command;
pub mod delay;
pub mod load;
pub mod loads;
pub mod options;
pub mod report;
pub mod run;
pub mod subject;
pub mod system;

/// The argument of the server's binary that means all this.
pub const SUBCOMMAND: &str = "bench";

/// What begins the name of a role that the benchmark gives to its own processes.
const INNER: &str = ":";

/// Does what the command line `arguments` says, program name first, if it is the benchmark's.
/// To be called before anything else: no thread may have been started.
pub fn intercept(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    let first = arguments.next()?;
    (first == OsStr::new(SUBCOMMAND)).then(|| command::run(arguments.collect()))
}

/// Writing fails when nobody reads: no reason to panic.
fn say(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
    let _ = to.flush();
}

/// As [`say`], to standard error.
fn warn(text: &str) {
    say(io::stderr(), text);
}
