//! The zygote: a Python that imports the application once, and from then on does nothing but fork
//! workers when the master says so. Its memory is what all of them begin with, so nothing is started
//! in it that a fork would not survive, and what the garbage collector knows is frozen: a collection
//! in a worker then touches, and so copies, nothing of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use nix::unistd::Pid;
use oxicorn_arbiter::zygote::post::{self, PostError};
use oxicorn_arbiter::zygote::words::{Happening, Opening, Stage, VERSION, Word};
use oxicorn_arbiter::zygote::{Answer, Blame, Letter, Loads, child};
use oxicorn_core::config::Config;
use oxicorn_core::config::gunicorn::Hook;
use oxicorn_core::scoreboard::Scoreboard;
use oxicorn_core::worker::WorkerExit;
use oxicorn_core::{log, sys};
use pyo3::prelude::*;

use crate::classes::{self, PythonWorker};
use crate::config::{self, Executed};
use crate::folders;
use crate::fork::{Forked, fork, quit};
use crate::hooks::Scene;
use crate::load;
use crate::speech;
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
    /// If there are hooks.
    pub(crate) scene: Option<Scene>,
}

/// Why it cannot be one.
struct Failed {
    blame: Blame,
    answer: Answer,
}

impl Failed {
    fn new(blame: Blame, reason: String) -> Failed {
        Failed { blame, answer: Answer::Failed { blame, reason } }
    }

    fn ours(reason: impl std::fmt::Display) -> Failed {
        Failed::new(Blame::Ours, reason.to_string())
    }
}

impl From<config::Failed> for Failed {
    fn from(failed: config::Failed) -> Failed {
        let config::Failed { reason, traceback } = failed;
        Failed { blame: Blame::Broken, answer: Answer::Unreadable { reason, traceback } }
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
            // It has done nearly all that it will ever do; its workers find the files' pages by themselves.
            sys::shed_untouched_files();
            if post::send(socket.as_fd(), &Answer::Ready, &[]).is_ok() {
                serve(py, zygote, socket);
            }
            quit(0)
        }
        Err(Failed { blame, answer }) => {
            flush(py);
            let _ = post::send(socket.as_fd(), &answer, &[]);
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
    let (mut executed, letter, descriptors) = open(py, socket)?;
    sys::set_title(&letter.title);
    let [board, life, bell] = <[OwnedFd; 3]>::try_from(descriptors)
        .map_err(|_| Failed::ours("the master has sent other descriptors than it should"))?;
    let board = Scoreboard::of(board.as_fd()).map_err(Failed::ours)?;
    let config = Config::from_portable(letter.config).map_err(Failed::ours)?;
    log::init(&config).map_err(Failed::ours)?;
    log::record_panics();
    child::settle_in(&config, &letter.folder).map_err(Failed::ours)?;
    set_environment(py, &config).map_err(Failed::ours)?;
    speech::install(py).map_err(Failed::ours)?;
    let class = classes::find(&letter.class)
        .ok_or_else(|| Failed::ours(format!("there is no worker class {}", letter.class)))?;
    load::set_path(py, &config).map_err(Failed::ours)?;
    if let (None, Some(file)) = (&executed, &letter.configuration) {
        executed = Some(config::execute(py, file)?);
        std::env::set_current_dir(&letter.folder).map_err(Failed::ours)?;
    }
    let scene = executed.map(|executed| Scene::new(py, executed, &config, &letter.application));
    let mut zygote = Zygote {
        config: Arc::new(config),
        class,
        application: letter.application,
        callable: None,
        board,
        life,
        bell,
        worker_title: letter.worker_title,
        scene: scene.transpose().map_err(Failed::ours)?.flatten(),
    };
    zygote.before_import(py, letter.stage)?;
    let imported = match letter.loads {
        Loads::BeforeFork => zygote.import(py),
        Loads::InWorker => Ok(()),
    };
    if zygote.config.reload {
        folders::tell(py, socket);
    }
    imported?;
    zygote.after_import(py, letter.stage)?;
    freeze(py).map_err(Failed::ours)?;
    Ok(zygote)
}

impl Zygote {
    fn import(&mut self, py: Python<'_>) -> Result<(), Failed> {
        match load::load(py, &self.application, self.class) {
            Ok(callable) => {
                let told = self.scene.as_ref().map(|scene| scene.imported(py, &callable));
                self.callable = Some(callable);
                told.unwrap_or(Ok(())).map_err(Failed::ours)
            }
            Err(refusal) => {
                refusal.write(py, &self.application);
                Err(Failed::new(refusal.blame(), refusal.line(&self.application)))
            }
        }
    }
}

/// What comes first: the letter, or the configuration file and then the letter.
fn open(
    py: Python<'_>,
    socket: &OwnedFd,
) -> Result<(Option<Executed>, Letter, Vec<OwnedFd>), Failed> {
    let receive = || post::receive::<Opening>(socket.as_fd()).map_err(Failed::ours);
    let same = |version: &str| match version == VERSION {
        true => Ok(()),
        false => Err(Failed::ours(format!(
            "the extension for Python is of version {VERSION}, and the server of {version}"
        ))),
    };
    let mut executed = None;
    loop {
        match receive()? {
            (Opening::Read { version, file }, _) => {
                same(&version)?;
                let Executed { names, hooks, module } = config::execute(py, &file)?;
                flush(py);
                post::send(socket.as_fd(), &Answer::Read(names), &[]).map_err(Failed::ours)?;
                executed = Some(Executed { names: Vec::new(), hooks, module });
            }
            (Opening::Load(letter), descriptors) => {
                same(&letter.version)?;
                return Ok((executed, letter, descriptors));
            }
        }
    }
}

/// The application's variables, where Python sees them.
fn set_environment(py: Python<'_>, config: &Config) -> PyResult<()> {
    let environ = py.import("os")?.getattr("environ")?;
    let variables = &config.raw_env.0;
    variables.iter().try_for_each(|variable| environ.set_item(&variable.name, &variable.value))
}

impl Zygote {
    /// The hooks of a start that come first.
    fn before_import(&self, py: Python<'_>, stage: Stage) -> Result<(), Failed> {
        let Some(scene) = &self.scene else { return Ok(()) };
        if stage == Stage::Start {
            scene.workers_changed(py, self.workers(), None);
            let failed = |reason| Failed::new(Blame::Broken, reason);
            scene.call_server(py, Hook::OnStarting).map_err(failed)?;
        }
        Ok(())
    }

    /// Those that come before the first worker.
    fn after_import(&self, py: Python<'_>, stage: Stage) -> Result<(), Failed> {
        let Some(scene) = &self.scene else { return Ok(()) };
        let done = match stage {
            Stage::Start => scene.call_server(py, Hook::WhenReady),
            Stage::Reload { workers } => {
                scene.workers_changed(py, self.workers(), Some(workers));
                scene.call_server(py, Hook::OnReload)
            }
            Stage::Again => Ok(()),
        };
        done.map_err(|reason| Failed::new(Blame::Broken, reason))
    }

    fn workers(&self) -> usize {
        self.config.workers.count().and_then(|count| usize::try_from(count).ok()).unwrap_or(1)
    }
}

fn happened(py: Python<'_>, scene: &mut Scene, happening: Happening) {
    match happening {
        Happening::Workers { new, old } => scene.workers_changed(py, new, Some(old)),
        Happening::Ended { pid, age } => scene.ended(py, pid, age),
        Happening::Upgrade => drop(scene.call_server(py, Hook::PreExec)),
        Happening::Exit => drop(scene.call_server(py, Hook::OnExit)),
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
fn serve(py: Python<'_>, mut zygote: Zygote, socket: OwnedFd) {
    loop {
        // Threads that the application has started run meanwhile.
        let received = py.detach(|| post::receive::<Word>(socket.as_fd()));
        let (order, descriptors) = match received {
            Ok((Word::Fork(order), descriptors)) => (order, descriptors),
            Ok((Word::Happened(happening), _)) => {
                let is_last = happening == Happening::Exit;
                zygote.scene.iter_mut().for_each(|scene| happened(py, scene, happening.clone()));
                flush(py);
                if is_last {
                    return;
                }
                continue;
            }
            Err(PostError::Gone) => return,
            Err(error) => return tracing::error!("The zygote does not understand: {error}"),
        };
        let (slot, age) = (order.slot, order.age);
        let prepared = zygote.scene.as_mut().map_or(Ok(()), |scene| scene.before_fork(py, age));
        flush(py);
        if let Err(reason) = prepared {
            let answer = Answer::NotForked { slot, reason };
            match post::send(socket.as_fd(), &answer, &[]) {
                Ok(()) => continue,
                Err(_) => return,
            }
        }
        let tell = |pid: Pid| {
            let answer = Answer::Forked { slot, pid: pid.as_raw() };
            post::send(socket.as_fd(), &answer, &[]).map_err(drop)
        };
        match fork(py, tell) {
            Ok(Forked::Zygote(pid)) => {
                if let (Some(scene), Some(pid)) = (&zygote.scene, pid) {
                    scene.forked(py, age, pid);
                }
            }
            Ok(Forked::Worker) => {
                let watched = zygote.config.reload && zygote.callable.is_none();
                worker::live(py, zygote, order, descriptors, watched.then_some(socket))
            }
            Err(error) => {
                zygote.scene.iter_mut().for_each(|scene| drop(scene.forget(age)));
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
