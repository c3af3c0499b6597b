//! What every worker class must do. The rows are in one table ([`contract_table!`](crate::contract_table)): the test
//! targets make a test of each for each class, and [`run`] runs them all for whoever writes a class
//! of their own. A row is a function that starts the server it needs, looks at it from outside, and
//! panics when a promise is broken.

mod basics;
mod blocked;
mod bodies;
mod corpus;
mod crowd;
mod group_stop;
mod kept;
mod leaving;
mod limits;
mod logs;
mod methods;
mod overload;
mod proxies;
mod records;
mod recycling;
mod reload;
mod resources;
mod slow;
mod stopping;
mod supervision;
mod table;
mod timeouts;
mod upgrade;
mod waiting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

pub use table::TABLE;

/// The environment variable that names another binary to test: a release build, an installed one.
pub const BINARY: &str = "SUITE_BINARY";

/// What is tested.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The server's binary: it takes the command line of `server`, and its application is the demo.
    pub binary: PathBuf,
    /// The worker class, as `-k` takes it.
    pub class: String,
    /// What that class promises about handlers that wait.
    pub serving: Serving,
    /// What is served in place of the demo; `None`: the demo.
    pub hosted: Option<Hosted>,
}

/// A Python application that does what the demo does, as far as it can.
#[derive(Clone, Debug)]
pub struct Hosted {
    /// The module, with a callable `application` in it.
    pub module: PathBuf,
    /// The interpreter that runs it.
    pub python: PathBuf,
    /// The rows of the table that cannot be asked of it, each with the reason.
    pub excused: &'static [(&'static str, &'static str)],
}

/// How handlers run while they wait: the one thing that worker classes differ in, and so the one
/// thing that decides which rows of the table concern a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// One at a time; connections are kept only while the application is fast.
    Inline,
    /// On a pool of `--threads` threads.
    Threads,
    /// Any number, each giving way to the others while it waits.
    Many,
}

/// Which classes a row concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// All of them.
    All,
    /// Those that serve like this.
    Only(Serving),
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// Its name, which is the test's.
    pub name: &'static str,
    /// Which classes it concerns.
    pub concerns: Concerns,
    /// Tries it.
    pub check: fn(&Subject),
}

impl Subject {
    /// The class `class` of a binary; the environment variable [`BINARY`] overrides which binary.
    pub fn new(binary: &str, class: &str, serving: Serving) -> Subject {
        let other = std::env::var_os(BINARY);
        Subject {
            binary: other.map_or_else(|| binary.into(), PathBuf::from),
            class: class.to_owned(),
            serving,
            hosted: None,
        }
    }

    /// The same with a Python application.
    #[must_use]
    pub fn hosting(self, hosted: Hosted) -> Subject {
        Subject { hosted: Some(hosted), ..self }
    }

    /// The rows that concern this class.
    pub fn contracts(&self) -> impl Iterator<Item = &'static Contract> {
        let mine = Concerns::Only(self.serving);
        TABLE.iter().filter(move |row| row.concerns == Concerns::All || row.concerns == mine)
    }

    /// Why a row cannot be asked of it.
    fn excuse(&self, row: &str) -> Option<&'static str> {
        let excused = self.hosted.as_ref()?.excused;
        excused.iter().find(|(name, _)| *name == row).map(|(_, reason)| *reason)
    }
}

/// Tries every row that concerns the subject, one after the other.
///
/// # Panics
/// At the end, naming the rows that failed; each has said why on standard error.
#[expect(clippy::print_stderr, reason = "shows progress to whoever runs the suite")]
pub fn run(subject: &Subject) {
    let mut failed = Vec::new();
    for row in subject.contracts() {
        eprintln!("{}: {}", subject.class, row.name);
        if catch_unwind(AssertUnwindSafe(|| (row.check)(subject))).is_err() {
            failed.push(row.name);
        }
    }
    assert!(failed.is_empty(), "{}: {failed:?} failed", subject.class);
}

/// Tries one row: what a generated test does.
///
/// # Panics
/// When the row does, or when there is none of that name.
#[doc(hidden)]
#[expect(clippy::print_stderr, reason = "tells whoever runs the test")]
pub fn try_row(name: &str, subject: &Subject) {
    let row = subject.contracts().find(|row| row.name == name);
    let row = row.expect("the tests are made from the same table");
    match subject.excuse(name) {
        Some(reason) => eprintln!("{name} is not tried: {reason}"),
        None => (row.check)(subject),
    }
}
