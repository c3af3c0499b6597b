//! Workers that this program cannot be. An application in another language lives in a program of its
//! own, and to start that program once for each worker would be to load the application once for
//! each: so it is started once for each generation, loads the application, and is the *zygote* that
//! workers are forked from. They share its memory, and are the master's own children all the same:
//! the zygote forks a process that forks the worker and ends, and an orphan is given to the master,
//! which has asked for that (PR_SET_CHILD_SUBREAPER, prctl(2)). So a worker that has been made here
//! is reaped, told and judged as any other.
//!
//! This module is both ends of the talk between the two. What is said is in [`words`], how it is sent
//! in [`post`]; `start` makes the process, `nursery` is the master's side of its life.

pub mod child;
pub(crate) mod nursery;
pub mod post;
mod reader;
mod rehearsal;
mod start;
pub mod words;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

pub use reader::{Reader, Unread, read};
pub use rehearsal::rehearse;
pub use words::{Answer, Blame, ConfigurationFile, Fork, Letter, Loads, Names, Source};

/// The program that hosts an application which this one cannot.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its file.
    pub program: PathBuf,
    /// Its arguments, its name first. The number of the socket to the master is appended.
    pub arguments: Vec<OsString>,
    /// What it is to find open, under the number that it has here.
    pub carried: Option<Arc<OwnedFd>>,
    /// The application, by the name that it was given on the command line.
    pub application: String,
    /// When it loads the application.
    pub loads: Loads,
    /// The configuration file that it has hooks from.
    pub configuration: Option<ConfigurationFile>,
}
