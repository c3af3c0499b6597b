//! The one place where two settings have to do with each other: the worker class, and what has no
//! effect with it. A setting that is given and does nothing is a mistake that nobody would find, so
//! it is an error.

use super::error::ConfigError;
use super::settings::{Config, TABLE};
use super::table::{CLASSES, Classes};
use crate::capacity::Density;

/// The worker class that is to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveClass<'a> {
    /// Its name, or an alias of it.
    pub name: &'a str,
    /// A line for the log when it is not the one that was asked for.
    pub note: Option<String>,
}

const ONE_AT_A_TIME: &str = "sync";
const WITH_THREADS: &str = "threaded";

impl Config {
    /// The class to serve with: the setting's, except that threads are what `sync` does not have, and
    /// gunicorn's users rely on getting them without a word about the class.
    pub fn effective_class(&self) -> EffectiveClass<'_> {
        if self.worker_class != ONE_AT_A_TIME || self.threads <= 1 {
            let name = &self.worker_class;
            return EffectiveClass { name, note: None };
        }
        let (threads, origin) = (self.threads, self.origin("threads"));
        EffectiveClass {
            name: WITH_THREADS,
            note: Some(format!(
                "threads = {threads} ({origin}): the worker class is {WITH_THREADS} instead of \
                 {ONE_AT_A_TIME}"
            )),
        }
    }

    /// How many workers of the class share a CPU.
    pub fn density(&self) -> Density {
        match self.effective_class().name {
            ONE_AT_A_TIME => Density::OneRequestEach,
            _ => Density::ManyRequestsEach,
        }
    }

    /// Whether everything that was given means something to the class that goes by `names`, the first
    /// of them its own. Of a class that is not ours nothing is known: it may use what it likes.
    ///
    /// # Errors
    /// The first setting that was given explicitly and has no effect with it.
    pub fn check_class(&self, names: &[&str]) -> Result<(), ConfigError> {
        let Some(class) = names.first().filter(|name| CLASSES.contains(name)) else {
            return Ok(());
        };
        for setting in TABLE {
            let Classes::Only(concerned) = setting.classes else {
                continue;
            };
            if self.explicit(setting.name) && !concerned.contains(class) {
                let concerned = concerned.join(" and ");
                let reason = format!("no effect with the worker class {class}, only {concerned}");
                return Err(self.refuse(setting.name, reason));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::from_command_line as config;
    use super::*;

    #[test]
    fn threads_select_the_class_that_has_them() {
        for pairs in [&[("threads", "4")][..], &[("threads", "4"), ("worker_class", "sync")]] {
            let config = config(pairs);
            let class = config.effective_class();
            assert_eq!(class.name, "threaded");
            assert_eq!(
                class.note.as_deref(),
                Some("threads = 4 (command line): the worker class is threaded instead of sync")
            );
            assert_eq!(config.worker_class, "sync", "the setting stays what it is");
        }
    }

    #[test]
    fn otherwise_the_class_is_the_one_that_is_set() {
        for (pairs, name) in [
            (&[][..], "sync"),
            (&[("threads", "1")], "sync"),
            (&[("worker_class", "gthread")], "gthread"),
            (&[("worker_class", "tokio"), ("threads", "4")], "tokio"),
        ] {
            let config = config(pairs);
            let class = config.effective_class();
            assert_eq!((class.name, class.note), (name, None));
        }
    }

    #[test]
    fn what_has_no_effect_is_an_error() {
        let threads = config(&[("threads", "4")]);
        for names in [&["coroutine", "gevent"], &["tokio", "async"]] {
            let error = threads.check_class(names).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "threads = \"4\" (command line): no effect with the worker class {}, only \
                     sync and threaded",
                    names[0]
                )
            );
            assert_eq!(error.exit_status(), 2);
            assert_eq!(Config::default().check_class(names), Ok(()));
        }
        for names in [&["sync"][..], &["threaded", "gthread"], &["their_own"], &[]] {
            assert_eq!(threads.check_class(names), Ok(()));
        }
    }
}
