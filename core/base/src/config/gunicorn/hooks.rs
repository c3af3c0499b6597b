//! gunicorn's hooks: functions in a configuration file that the server calls when something happens.
//! They are Python's, so only the program that hosts an application in Python can call them; here is
//! what all who speak of them must agree about.

use serde::{Deserialize, Serialize};

macro_rules! hooks {
    ($($hook:ident = $name:literal, $arguments:expr, $meaning:literal;)+) => {
        /// A function that the server calls.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Hook {
            $(#[doc = $meaning] $hook,)+
        }

        impl Hook {
            /// All of them, in the order of a server's life.
            pub const ALL: &[Hook] = &[$(Hook::$hook,)+];

            /// What it is called in the file.
            pub fn name(self) -> &'static str {
                match self {
                    $(Hook::$hook => $name,)+
                }
            }

            /// How many arguments it is called with: one of these numbers, the first that the function
            /// takes.
            pub fn arguments(self) -> &'static [usize] {
                match self {
                    $(Hook::$hook => $arguments,)+
                }
            }
        }
    };
}

hooks! {
    OnStarting = "on_starting", &[1], "Before the application is imported, at the first start.";
    NworkersChanged = "nworkers_changed", &[3], "The number of workers is another one.";
    WhenReady = "when_ready", &[1], "The application is imported, no worker is started yet.";
    OnReload = "on_reload", &[1], "After a reload, before its first worker.";
    PreFork = "pre_fork", &[2], "Before a worker is forked.";
    PostFork = "post_fork", &[2], "In the new worker, first.";
    PostWorkerInit = "post_worker_init", &[1], "In the worker, which has its application now.";
    PreRequest = "pre_request", &[2], "Before a request is handed to the application.";
    PostRequest = "post_request", &[4, 3, 2], "After the response.";
    WorkerInt = "worker_int", &[1], "The worker was told to leave at once.";
    WorkerAbort = "worker_abort", &[1], "The worker is ended by the master's SIGABRT.";
    WorkerExit = "worker_exit", &[2], "In the worker, last.";
    ChildExit = "child_exit", &[2], "A worker's end was seen by the master.";
    PreExec = "pre_exec", &[1], "Before another binary is started, on SIGUSR2.";
    OnExit = "on_exit", &[1], "The master ends.";
}

impl Hook {
    /// The one of that name.
    pub fn find(name: &str) -> Option<Hook> {
        Hook::ALL.iter().copied().find(|hook| hook.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GUNICORN, Ours};
    use super::*;

    #[test]
    fn gunicorns_table_knows_them_all() {
        let rows = GUNICORN.iter().filter(|row| matches!(row.ours, Ours::Hook));
        let mut rows: Vec<&str> = rows.map(|row| row.name).collect();
        let mut hooks: Vec<&str> = Hook::ALL.iter().map(|hook| hook.name()).collect();
        rows.sort_unstable();
        hooks.sort_unstable();
        assert_eq!(rows, hooks);
        assert_eq!(Hook::find("pre_fork"), Some(Hook::PreFork));
        assert_eq!(Hook::find("ssl_context"), None);
    }
}
