//! The binary run to its end, for what answers and exits: `--help`, `--check-config`, and every
//! mistake a user can make on the command line.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use tempfile::TempDir;

use super::launch::clean_environment;
use crate::deadline::Deadline;

/// A command line that is expected to end by itself.
#[derive(Debug)]
pub struct Invocation {
    binary: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    folder: TempDir,
}

/// How it ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Invocation {
    /// This binary, in an empty folder, with nothing but `PATH` in its environment.
    pub fn of(binary: &Path) -> Invocation {
        Invocation {
            binary: binary.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            folder: tempfile::tempdir().expect("a folder to run in"),
        }
    }

    /// More arguments.
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Invocation {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable for its environment.
    pub fn env(mut self, name: &str, value: &str) -> Invocation {
        self.env.push((name.into(), value.into()));
        self
    }

    /// A file in its working directory.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(self, name: &str, text: &str) -> Invocation {
        std::fs::write(self.folder.path().join(name), text).expect("a file for the command");
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started, or does not end in time.
    #[track_caller]
    pub fn run(self, deadline: Deadline) -> Finished {
        let mut command = Command::new(&self.binary);
        clean_environment(&mut command);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.path()).args(&self.args);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{}: {e}", self.binary.display()));
        let stdout = collect("stdout", child.stdout.take());
        let stderr = collect("stderr", child.stderr.take());
        let status = deadline.poll(|| child.try_wait().expect("waiting for our own child"));
        if status.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let finished = Finished {
            code: status.and_then(|status| status.code()),
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        };
        let allowed = deadline.allowed();
        assert!(status.is_some(), "{:?} did not end within {allowed:?}: {finished:?}", self.args);
        finished
    }
}

fn collect(name: &str, source: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let read = move || {
        let mut bytes = Vec::new();
        let _: io::Result<_> = source.map(|mut s| s.read_to_end(&mut bytes)).transpose();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(read);
    thread.expect("a thread that reads a pipe")
}
