//! How a test gets a server with one of the applications.

use std::path::{Path, PathBuf};

use oxicorn_tests::{Launch, Serving, Subject, python};

/// A worker class that runs WSGI applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Sync,
    Threaded,
    Gevent,
}

impl Class {
    pub(crate) const ALL: [Class; 3] = [Class::Sync, Class::Threaded, Class::Gevent];

    pub(crate) fn subject(self) -> Subject {
        let (name, serving) = match self {
            Class::Sync => ("sync", Serving::Inline),
            Class::Threaded => ("threaded", Serving::Threads),
            Class::Gevent => ("coroutine", Serving::Many),
        };
        Subject::new(env!("CARGO_BIN_EXE_server"), name, serving)
    }

    /// An interpreter that can run it.
    pub(crate) fn python(self) -> PathBuf {
        match self {
            Class::Sync | Class::Threaded => python::machine(),
            Class::Gevent => python::with_packages(),
        }
    }

    /// A server of this class with the application of that name.
    pub(crate) fn launch(self, app: &str) -> Launch {
        Launch::of(&self.subject()).python(&self.python(), &module(app))
    }
}

/// The file of an application.
pub(crate) fn module(app: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/python_wsgi/apps")
        .join(format!("{app}.py"))
}

/// A pipe with a name: who reads from it waits for a test that writes into it.
pub(crate) fn make_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
    assert!(made.success());
}
