//! What the master and a zygote say to each other: what the zygote begins with, the order to fork, and
//! the answers. Each is one message, and each order has one answer; what has happened is told besides,
//! and not answered. The two are always of
//! the same version, and say so first.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use oxicorn_core::config::Portable;
use oxicorn_core::config::file::Plain;

use crate::line::BootFailure;

/// What both must be.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// When the application is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loads {
    /// Once, before the fork: the workers share it.
    BeforeFork,
    /// In each worker.
    InWorker,
}

/// A configuration file that is a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationFile {
    /// Where it is.
    pub source: Source,
    /// The folder that it is executed in: where the server was started.
    pub folder: PathBuf,
}

impl fmt::Display for ConfigurationFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Path(path) => {
                write!(f, "{}", path.strip_prefix(&self.folder).unwrap_or(path).display())
            }
            Source::Module(name) => write!(f, "module {name}"),
        }
    }
}

/// Where a program is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// In a file.
    Path(PathBuf),
    /// In a module, by its dotted name.
    Module(String),
}

/// What the names of a configuration file stand for. Of a name that is no setting only the name counts.
pub type Names = Vec<(String, Plain)>;

/// What a zygote is told first.
#[derive(Debug, Serialize, Deserialize)]
pub enum Opening {
    /// To execute the configuration file, so that there can be a letter.
    Read {
        /// [`VERSION`] of the master.
        version: String,
        /// The file.
        file: ConfigurationFile,
    },
    /// To load the application, at once or when the file has been executed.
    Load(Letter),
}

/// At which point of the server's life a zygote loads its application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// At its start.
    Start,
    /// At a reload.
    Reload {
        /// How many workers there were to be until then.
        workers: usize,
    },
    /// In place of a zygote that has ended: nothing has happened.
    Again,
}

/// What a zygote needs to load the application. With it come three descriptors: the scoreboard, and the
/// worker's ends of the lifeline and of the doorbell.
#[derive(Debug, Serialize, Deserialize)]
pub struct Letter {
    /// [`VERSION`] of the master.
    pub version: String,
    /// The settings.
    pub config: Vec<Portable>,
    /// The file whose functions are hooks; it is executed if it has not been.
    pub configuration: Option<ConfigurationFile>,
    /// The master's folder: it was perhaps another one when the file was executed.
    pub folder: PathBuf,
    /// Which hooks are due.
    pub stage: Stage,
    /// The application, as it was named.
    pub application: String,
    /// When it is to be loaded.
    pub loads: Loads,
    /// The first name of the worker class.
    pub class: String,
    /// What `ps` is to show of the zygote.
    pub title: String,
    /// What `ps` is to show of a worker.
    pub worker_title: String,
}

/// What a zygote is told when its application is loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Word {
    /// To make a worker.
    Fork(Fork),
    /// What has happened; it is not answered.
    Happened(Happening),
}

/// What hooks are called for that are about the master.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// There are to be more workers, or fewer.
    Workers {
        /// How many.
        new: usize,
        /// How many there were to be.
        old: usize,
    },
    /// A worker has ended.
    Ended {
        /// Its process.
        pid: i32,
        /// Which of the server's workers it was.
        age: u64,
    },
    /// Another binary is about to be started.
    Upgrade,
    /// The master is about to end. When the hook is done the zygote ends.
    Exit,
}

/// The order to make a worker. With it come the descriptors of its table of requests and of the
/// sockets that it listens at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The worker's place.
    pub slot: usize,
    /// Which of the server's workers it is: the first is 1.
    pub age: u64,
    /// The addresses of the sockets, in their order.
    pub addresses: Vec<String>,
}

/// What a zygote says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It has executed the configuration file, and waits for the letter.
    Read(Names),
    /// The configuration file cannot be used, and the zygote ends.
    Unreadable {
        /// In one line.
        reason: String,
        /// What Python says about it.
        traceback: Vec<String>,
    },
    /// Modules have been imported from these folders. It is said besides, at any time; a worker that
    /// imports the application itself says it, too.
    Folders(Vec<PathBuf>),
    /// It has done what the letter says, and waits for orders.
    Ready,
    /// It cannot do what the letter says, and ends.
    Failed {
        /// What kind of failure it is.
        blame: Blame,
        /// In one line.
        reason: String,
    },
    /// There is a worker.
    Forked {
        /// Its place.
        slot: usize,
        /// Its process.
        pid: i32,
    },
    /// There is none.
    NotForked {
        /// The place.
        slot: usize,
        /// Why.
        reason: String,
    },
}

/// Why an application could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Blame {
    /// There is none of that name.
    NotFound,
    /// It is there, and does not load.
    Broken,
    /// The system, or this program.
    Ours,
}

impl Blame {
    /// What a first generation ends with because of it.
    pub fn boot_failure(self) -> BootFailure {
        match self {
            Blame::NotFound => BootFailure::NotFound,
            Blame::Broken | Blame::Ours => BootFailure::Failed,
        }
    }
}
