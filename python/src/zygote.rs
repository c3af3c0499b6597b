//! The zygote: a Python that imports the application once, and from then on does nothing but fork
//! workers when the master says so. Its memory is what all of them begin with, so nothing is started
//! in it that a fork would not survive, and what the garbage collector knows is frozen: a collection
//! in a worker then touches, and so copies, nothing of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::unistd::Pid;
use oxicorn_arbiter::zygote::post::{self, PostError};
use oxicorn_arbiter::zygote::words::VERSION;
use oxicorn_arbiter::zygote::{Answer, Blame, Fork, Letter, Loads, child};
use oxicorn_core::config::Config;
use oxicorn_core::scoreboard::Scoreboard;
use oxicorn_core::worker::WorkerExit;
use oxicorn_core::{log, sys};
use pyo3::prelude::*;

use crate::classes::{self, PythonWorker};
use crate::fork::{Forked, fork, quit};
use crate::load;
use crate::worker;

/// What it keeps for its workers.
pub(crate) struct Zygote {
    pub(crate) config: Arc<Config>,
    pub(crate) class: &'static dyn PythonWorker,
    pub(crate) application: String,
    /// The application, if it was imported here.
    pub(crate) callable: Option<Py<PyAny>>,
    pub(crate) board: Scoreboard,
    pub(crate) life: OwnedFd,
    pub(crate) bell: OwnedFd,
    pub(crate) worker_title: String,
}

/// Why it cannot be one.
struct Failed {
    blame: Blame,
    reason: String,
}

impl Failed {
    fn ours(reason: impl std::fmt::Display) -> Failed {
        Failed { blame: Blame::Ours, reason: reason.to_string() }
    }
}

/// Is one, until the master has no more use for it. Does not return.
pub(crate) fn run(py: Python<'_>, socket: i32) -> ! {
    let socket = match child::socket(socket) {
        Ok(socket) => socket,
        Err(_) => quit(WorkerExit::BootFailed as i32),
    };
    match prepare(py, &socket) {
        Ok(zygote) => {
            if post::send(socket.as_fd(), &Answer::Ready, &[]).is_ok() {
                serve(py, zygote, socket);
            }
            quit(0)
        }
        Err(Failed { blame, reason }) => {
            let _ = post::send(socket.as_fd(), &Answer::Failed { blame, reason }, &[]);
            quit(match blame {
                Blame::NotFound => WorkerExit::AppNotFound as i32,
                Blame::Broken | Blame::Ours => WorkerExit::BootFailed as i32,
            })
        }
    }
}

fn prepare(py: Python<'_>, socket: &OwnedFd) -> Result<Zygote, Failed> {
    sys::prepare_title();
    child::heed_nobody().map_err(Failed::ours)?;
    let (letter, descriptors) = post::receive::<Letter>(socket.as_fd()).map_err(Failed::ours)?;
    if letter.version != VERSION {
        let theirs = letter.version;
        return Err(Failed::ours(format!(
            "the extension for Python is of version {VERSION}, and the server of {theirs}"
        )));
    }
    sys::set_title(&letter.title);
    let [board, life, bell] = <[OwnedFd; 3]>::try_from(descriptors)
        .map_err(|_| Failed::ours("the master has sent other descriptors than it should"))?;
    let board = Scoreboard::of(board.as_fd()).map_err(Failed::ours)?;
    let config = Config::from_portable(letter.config).map_err(Failed::ours)?;
    log::init(&config).map_err(Failed::ours)?;
    log::record_panics();
    let class = classes::find(&letter.class)
        .ok_or_else(|| Failed::ours(format!("there is no worker class {}", letter.class)))?;
    load::set_path(py, &config).map_err(Failed::ours)?;
    let mut zygote = Zygote {
        config: Arc::new(config),
        class,
        application: letter.application,
        callable: None,
        board,
        life,
        bell,
        worker_title: letter.worker_title,
    };
    if letter.loads == Loads::BeforeFork {
        zygote.import(py)?;
    }
    freeze(py).map_err(Failed::ours)?;
    Ok(zygote)
}

impl Zygote {
    fn import(&mut self, py: Python<'_>) -> Result<(), Failed> {
        match load::load(py, &self.application, self.class) {
            Ok(callable) => {
                self.callable = Some(callable);
                Ok(())
            }
            Err(refusal) => {
                refusal.write(py, &self.application);
                flush(py);
                Err(Failed { blame: refusal.blame(), reason: refusal.line(&self.application) })
            }
        }
    }
}

/// What is buffered would be written by each worker once more, or by nobody.
pub(crate) fn flush(py: Python<'_>) {
    let Ok(sys) = py.import("sys") else { return };
    for name in ["stdout", "stderr"] {
        // Somebody may have put something there that cannot be flushed, or nothing.
        let _ = sys.getattr(name).and_then(|stream| stream.call_method0("flush"));
    }
}

/// What there is now is there for good.
fn freeze(py: Python<'_>) -> PyResult<()> {
    let gc = py.import("gc")?;
    gc.call_method0("collect")?;
    gc.call_method0("freeze").map(drop)
}

/// Forks workers until the master has gone, or has closed its end.
fn serve(py: Python<'_>, zygote: Zygote, socket: OwnedFd) {
    loop {
        // Threads that the application has started run meanwhile.
        let received = py.detach(|| post::receive::<Fork>(socket.as_fd()));
        let (order, descriptors) = match received {
            Ok(received) => received,
            Err(PostError::Gone) => return,
            Err(error) => return tracing::error!("The zygote does not understand: {error}"),
        };
        let slot = order.slot;
        flush(py);
        let tell = |pid: Pid| {
            let answer = Answer::Forked { slot, pid: pid.as_raw() };
            post::send(socket.as_fd(), &answer, &[]).map_err(drop)
        };
        match fork(py, tell) {
            Ok(Forked::Zygote) => {}
            Ok(Forked::Worker) => {
                drop(socket);
                worker::live(py, zygote, order, descriptors)
            }
            Err(error) => {
                let reason = because(&error);
                let answer = Answer::NotForked { slot, reason };
                if post::send(socket.as_fd(), &answer, &[]).is_err() {
                    return;
                }
            }
        }
    }
}

fn because(error: &io::Error) -> String {
    format!("fork: {error}")
}
