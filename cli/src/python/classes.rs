//! The worker classes of Python applications, as the master knows them: by name. What they do is in the
//! extension, which has a class for each first name. The names are those of the classes for Rust,
//! so that a setting means the same to both, and those that gunicorn's users write.

use oxicorn_core::Application;
use oxicorn_core::config::{Config, ConfigError};
use oxicorn_core::worker::{Worker, WorkerContext, WorkerError};

/// One of them.
struct Class {
    names: &'static [&'static str],
}

impl Worker for Class {
    fn names(&self) -> &'static [&'static str] {
        self.names
    }

    /// What the application is shows when it has been imported.
    fn check(&self, _: &Config, _: &Application) -> Result<(), ConfigError> {
        Ok(())
    }

    fn run(&self, _: WorkerContext) -> Result<(), WorkerError> {
        Err(WorkerError::App("a class for Python runs in Python".to_owned()))
    }
}

/// All of them, the default first.
pub(super) static ALL: &[&dyn Worker] = &[
    &Class { names: &["sync", "gunicorn.workers.sync.SyncWorker"] },
    &Class { names: &["threaded", "gthread", "gunicorn.workers.gthread.ThreadWorker"] },
    &Class { names: &["coroutine", "gevent", "gunicorn.workers.ggevent.GeventWorker"] },
    &Class {
        names: &[
            "tokio",
            "async",
            "asgi",
            "gunicorn.workers.gasgi.ASGIWorker",
            "uvicorn",
            "uvicorn.workers.UvicornWorker",
            "uvicorn.workers.UvicornH11Worker",
            "uvicorn_worker.UvicornWorker",
            "uvicorn_worker.UvicornH11Worker",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_share_a_name() {
        let mut seen = BTreeSet::new();
        assert!(ALL.iter().flat_map(|class| class.names()).all(|name| seen.insert(*name)));
    }

    #[test]
    fn each_is_one_of_ours_with_its_own_code() {
        let ours: Vec<&str> = crate::WORKERS.iter().map(|class| class.names()[0]).collect();
        assert!(ALL.iter().all(|class| ours.contains(&class.names()[0])));
    }
}
