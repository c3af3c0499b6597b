//! The worker classes. A class is one crate and one row here.

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

/// The class that the settings name.
///
/// # Errors
/// There is no such class: the line lists those that there are.
pub(crate) fn find(config: &Config) -> Result<&'static dyn Worker, ConfigError> {
    let wanted = config.effective_class().name;
    let found = WORKERS.iter().find(|worker| worker.names().contains(&wanted));
    found.copied().ok_or_else(|| {
        let all = WORKERS.iter().map(|worker| listed(worker.names())).collect::<Vec<_>>();
        let names = WORKERS.iter().flat_map(|worker| worker.names()).copied();
        let advice = match (instead_of_class(wanted), nearest(wanted, names)) {
            (Some(hint), _) => hint.to_owned(),
            (None, Some(name)) => format!("there are {}; did you mean {name}?", all.join(", ")),
            (None, None) => format!("there are {}", all.join(", ")),
        };
        config.refuse("worker_class", format!("there is no such worker class: {advice}"))
    })
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
            assert_eq!(find(&config).ok().map(|worker| worker.names()[0]), Some(canonical));
        }
    }

    #[test]
    fn an_unknown_class_is_refused_in_one_line_that_lists_all() {
        let config = Config { worker_class: "corutine".to_owned(), ..Config::default() };
        let line = find(&config).err().unwrap().to_string();
        assert!(line.ends_with(
            "there are sync, threaded (gthread), coroutine (gevent), tokio (async); did you mean coroutine?"
        ), "{line}");
    }
}
