//! The worker classes. A class is one crate and one row here; a program that has one of its own adds
//! it to these ([`crate::Server::with_worker`]).

use oxicorn_core::config::gunicorn::instead_of_class;
use oxicorn_core::config::{Config, ConfigError, nearest};
use oxicorn_core::worker::Worker;

/// All classes, the default first.
pub static WORKERS: &[&dyn Worker] = &[
    &oxicorn_sync::Sync,
    &oxicorn_threaded::Threaded,
    &oxicorn_coroutine::Coroutines,
    &oxicorn_tokio::Tokio,
];

/// The classes that a program has: those of [`WORKERS`], and its own.
#[derive(Clone, Copy)]
pub(crate) struct Registry {
    /// [`WORKERS`], or those of another language.
    base: &'static [&'static dyn Worker],
    /// Few, and at the start of a process that lives long: see [`Registry::with`].
    own: &'static [&'static dyn Worker],
}

impl Registry {
    /// No others than those that come with the server.
    pub(crate) const OURS: Registry = Registry { base: WORKERS, own: &[] };

    /// Those of an application in another language, and no others.
    #[cfg(feature = "python")]
    pub(crate) const fn of(base: &'static [&'static dyn Worker]) -> Registry {
        Registry { base, own: &[] }
    }

    /// These, and `worker`.
    pub(crate) fn with(self, worker: &'static dyn Worker) -> Registry {
        let own: Vec<_> = self.own.iter().copied().chain([worker]).collect();
        Registry { own: own.leak(), ..self }
    }

    fn all(self) -> impl Iterator<Item = &'static dyn Worker> {
        self.base.iter().chain(self.own).copied()
    }

    /// What `-k` takes.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        self.all().flat_map(|worker| worker.names()).copied()
    }

    /// The class that the settings name.
    ///
    /// # Errors
    /// There is no such class: the line lists those that there are. Two go by one name.
    pub(crate) fn find(self, config: &Config) -> Result<&'static dyn Worker, ConfigError> {
        let wanted = config.effective_class().name;
        let mut found = self.all().filter(|worker| worker.names().contains(&wanted));
        match (found.next(), found.next()) {
            (Some(worker), None) => return Ok(worker),
            (Some(_), Some(_)) => {
                return Err(config.refuse("worker_class", "two worker classes have this name"));
            }
            (None, _) => {}
        }
        let all = self.all().map(|worker| listed(worker.names())).collect::<Vec<_>>();
        let advice = match (instead_of_class(wanted), nearest(wanted, self.names())) {
            (Some(hint), _) => hint.to_owned(),
            (None, Some(name)) => format!("there are {}; did you mean {name}?", all.join(", ")),
            (None, None) => format!("there are {}", all.join(", ")),
        };
        Err(config.refuse("worker_class", format!("there is no such worker class: {advice}")))
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn listed(names: &[&str]) -> String {
    match names {
        [name] => (*name).to_owned(),
        [name, aliases @ ..] => format!("{name} ({})", aliases.join(", ")),
        [] => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::Application;
    use oxicorn_core::worker::{WorkerContext, WorkerError};
    use std::collections::BTreeSet;

    #[test]
    fn every_class_has_a_name_and_no_two_share_one() {
        let mut seen = BTreeSet::new();
        for worker in WORKERS {
            assert!(!worker.names().is_empty());
            assert!(worker.names().iter().all(|name| seen.insert(*name)), "{:?}", worker.names());
        }
    }

    #[test]
    fn classes_are_found_by_name_and_by_alias() {
        for (asked, canonical) in
            [("sync", "sync"), ("gthread", "threaded"), ("gevent", "coroutine")]
        {
            let config = Config { worker_class: asked.to_owned(), ..Config::default() };
            assert_eq!(
                Registry::OURS.find(&config).ok().map(|worker| worker.names()[0]),
                Some(canonical)
            );
        }
    }

    #[test]
    fn an_unknown_class_is_refused_in_one_line_that_lists_all() {
        let config = Config { worker_class: "corutine".to_owned(), ..Config::default() };
        let line = Registry::OURS.find(&config).err().unwrap().to_string();
        assert!(line.ends_with(
            "there are sync, threaded (gthread), coroutine (gevent), tokio (async); did you mean coroutine?"
        ), "{line}");
    }

    struct Mine(&'static [&'static str]);

    impl Worker for Mine {
        fn names(&self) -> &'static [&'static str] {
            self.0
        }

        fn check(&self, _: &Config, _: &Application) -> Result<(), ConfigError> {
            Ok(())
        }

        fn run(&self, _: WorkerContext) -> Result<(), WorkerError> {
            Ok(())
        }
    }

    #[test]
    fn a_programs_own_class_stands_beside_ours_and_takes_nobodys_name() {
        static MINE: Mine = Mine(&["mine"]);
        static SYNC: Mine = Mine(&["sync"]);
        let classes = Registry::OURS.with(&MINE).with(&SYNC);
        let find = |name: &str| {
            let config = Config { worker_class: name.to_owned(), ..Config::default() };
            classes.find(&config).map(|worker| worker.names()[0]).map_err(|e| e.to_string())
        };
        assert_eq!(find("mine"), Ok("mine"));
        assert_eq!(find("tokio"), Ok("tokio"));
        assert!(find("mime").unwrap_err().ends_with("mine, sync; did you mean mine?"));
        assert!(find("sync").unwrap_err().ends_with("two worker classes have this name"));
    }
}
