//! From the name on the command line to something that can be called. Whatever a module does while it is
//! imported can go wrong here, and each way has its own line: somebody who has just deployed reads it.
//! The finding itself is Python (load.py): it speaks of modules, attributes and tracebacks, and it is
//! shorter there.

use std::path::PathBuf;

use oxicorn_arbiter::zygote::Blame;
use oxicorn_core::config::Config;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyModule};

use crate::classes::{Interface, PythonWorker};
use crate::traceback;

/// The code, and the file that tracebacks know it by.
const CODE: &std::ffi::CStr = {
    match std::ffi::CStr::from_bytes_with_nul(concat!(include_str!("load.py"), "\0").as_bytes()) {
        Ok(code) => code,
        Err(_) => c"",
    }
};

/// The ways in which there is no application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ModuleNotFound,
    AttributeMissing,
    NotCallable,
    FactoryFailed,
    SyntaxError,
    ImportRaised,
    ExitDuringImport,
    WrongInterface,
    /// Not the application's fault.
    Ours,
}

/// By the names that load.py has for them, and what each is to the master.
const KINDS: [(&str, Kind, Blame); 8] = [
    ("ModuleNotFound", Kind::ModuleNotFound, Blame::NotFound),
    ("AttributeMissing", Kind::AttributeMissing, Blame::NotFound),
    ("NotCallable", Kind::NotCallable, Blame::NotFound),
    ("FactoryFailed", Kind::FactoryFailed, Blame::Broken),
    ("SyntaxError", Kind::SyntaxError, Blame::Broken),
    ("ImportRaised", Kind::ImportRaised, Blame::Broken),
    ("ExitDuringImport", Kind::ExitDuringImport, Blame::Broken),
    ("WrongInterface", Kind::WrongInterface, Blame::Broken),
];

/// Why there is no application.
#[derive(Debug)]
pub(crate) struct Refusal {
    kind: Kind,
    /// In one line, without the application's name.
    reason: String,
    /// What the application has raised.
    cause: Option<PyErr>,
}

impl Refusal {
    fn ours(reason: impl std::fmt::Display) -> Refusal {
        Refusal { kind: Kind::Ours, reason: reason.to_string(), cause: None }
    }

    /// What it is to the master.
    pub(crate) fn blame(&self) -> Blame {
        let row = KINDS.iter().find(|(_, kind, _)| *kind == self.kind);
        row.map_or(Blame::Ours, |(.., blame)| *blame)
    }

    /// Writes it into the log: the line, and behind it what Python has to say.
    pub(crate) fn write(&self, py: Python<'_>, application: &str) {
        tracing::error!("{}", self.line(application));
        self.cause.iter().for_each(|cause| traceback::write(py, cause));
    }

    /// The line.
    pub(crate) fn line(&self, application: &str) -> String {
        format!("application {application:?}: {}", self.reason)
    }
}

/// Has modules be found in the folders of the settings, and in the one that the server was started in.
///
/// # Errors
/// Python says no.
pub(crate) fn set_path(py: Python<'_>, config: &Config) -> PyResult<()> {
    let path = py.import("sys")?.getattr("path")?.cast_into::<PyList>()?;
    // What Python puts there for a program that it reads from its command line.
    while path.get_item(0).is_ok_and(|first| first.eq("").unwrap_or(false)) {
        path.del_item(0)?;
    }
    let folder = std::env::current_dir().unwrap_or_default();
    let own = config.pythonpath.0.iter().map(|path| folder.join(path));
    let mut folders: Vec<PathBuf> = own.collect();
    folders.push(folder);
    for (at, folder) in folders.iter().enumerate() {
        path.insert(at, folder.as_os_str())?;
    }
    Ok(())
}

/// The application of that name, which this class can serve.
///
/// # Errors
/// See [`Refusal`].
pub(crate) fn load(
    py: Python<'_>,
    application: &str,
    class: &dyn PythonWorker,
) -> Result<Py<PyAny>, Refusal> {
    class.before_import(py).map_err(Refusal::ours)?;
    let finder = PyModule::from_code(py, CODE, c"<oxicorn>", c"_oxicorn_load");
    let finder = finder.map_err(Refusal::ours)?;
    let found = finder.call_method1("application", (application,));
    let found = found.map_err(|error| refused(py, &error))?;
    let is_asgi = finder.call_method1("is_asgi", (&found,));
    let is_asgi: Option<bool> = is_asgi.and_then(|answer| answer.extract()).unwrap_or(None);
    match suits(class, is_asgi) {
        None => Ok(found.unbind()),
        Some(reason) => Err(Refusal { kind: Kind::WrongInterface, reason, cause: None }),
    }
}

fn refused(py: Python<'_>, error: &PyErr) -> Refusal {
    let written: Option<String> =
        error.value(py).getattr("kind").and_then(|kind| kind.extract()).ok();
    let row = written.and_then(|written| KINDS.into_iter().find(|(name, ..)| *name == written));
    match row {
        Some((_, kind, _)) => {
            Refusal { kind, reason: error.value(py).to_string(), cause: error.cause(py) }
        }
        None => Refusal::ours(error),
    }
}

/// Why not, if it certainly does not.
fn suits(class: &dyn PythonWorker, is_asgi: Option<bool>) -> Option<String> {
    let name = class.names().first().copied().unwrap_or_default();
    match (class.interface(), is_asgi) {
        (Interface::Wsgi, Some(true)) => Some(format!(
            "it is an ASGI application, and the worker class {name} serves WSGI; use -k tokio"
        )),
        (Interface::Asgi, Some(false)) => Some(format!(
            "it is a WSGI application, and the worker class {name} serves ASGI; use -k sync, \
             -k threaded or -k coroutine"
        )),
        _ => None,
    }
}
