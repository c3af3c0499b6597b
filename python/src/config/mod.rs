//! gunicorn's configuration file, executed. Which of its names are settings the master knows; what is
//! kept here are the functions in it that are hooks.

mod plain;

use oxicorn_arbiter::zygote::{ConfigurationFile, Names, Source};
use oxicorn_core::config::file::Plain;
use oxicorn_core::config::find;
use oxicorn_core::config::gunicorn::{GUNICORN, Hook};
use pyo3::exceptions::{PySystemExit, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyString};

use crate::hooks::{Function, Functions};
use crate::traceback;

/// What the module is called while it is executed, as in gunicorn.
const NAME: &str = "__config__";

/// What a file has come to.
pub(crate) struct Executed {
    /// What the master is to know.
    pub(crate) names: Names,
    /// The hooks.
    pub(crate) hooks: Functions,
    /// The names themselves.
    pub(crate) module: Py<PyDict>,
}

/// Why there is nothing to go by.
pub(crate) struct Failed {
    /// In one line.
    pub(crate) reason: String,
    /// Python's own words, if it has any.
    pub(crate) traceback: Vec<String>,
}

/// Executes the file.
///
/// # Errors
/// It cannot be read, is no Python, raises something, or a hook in it is no function that can be called
/// as it is going to be.
pub(crate) fn execute(py: Python<'_>, file: &ConfigurationFile) -> Result<Executed, Failed> {
    let module = names(py, file).map_err(|error| Failed::of(py, &error))?;
    let (mut names, mut hooks) = (Vec::new(), Functions::default());
    for (name, value) in &module {
        let Ok(name) = name.extract::<String>() else { continue };
        if let Some(hook) = Hook::find(&name).filter(|_| !value.is_none()) {
            let function = Function::new(hook, &value).map_err(|error| Failed {
                reason: format!("{name}: {}", in_one_line(py, &error)),
                traceback: Vec::new(),
            })?;
            hooks.insert(hook, function);
        }
        names.extend(told(name, &value));
    }
    Ok(Executed { names, hooks, module: module.unbind() })
}

/// What the master is to know of a name: of one that is no setting, that it is there.
fn told(name: String, value: &Bound<'_, PyAny>) -> Option<(String, Plain)> {
    let is_known = find(&name).is_some() || GUNICORN.iter().any(|row| row.name == name);
    let value = plain::plain(value);
    match (is_known, &value) {
        (true, _) => Some((name, value)),
        (false, Plain::Other(_)) => None,
        (false, _) => (!name.starts_with('_')).then_some((name, Plain::Nothing)),
    }
}

fn names<'py>(py: Python<'py>, file: &ConfigurationFile) -> PyResult<Bound<'py, PyDict>> {
    std::env::set_current_dir(&file.folder)?;
    let path = match &file.source {
        Source::Module(name) => return Ok(PyModule::import(py, name)?.dict()),
        Source::Path(path) => path,
    };
    let builtins = PyModule::import(py, "builtins")?;
    // As bytes: the file says itself how it is encoded. And not through the import system, which would
    // write what it has compiled beside the file, and take that for the file after an edit.
    let arguments = (path, "rb");
    let text = builtins.call_method1("open", arguments)?;
    let source = text.call_method0("read")?;
    text.call_method0("close")?;
    let flags = (source, path, "exec", 0, true);
    let code = builtins.call_method1("compile", flags)?;
    let module = PyModule::new(py, NAME)?;
    module.setattr("__file__", path)?;
    // Functions find their globals through it, and so does `pickle`.
    PyModule::import(py, "sys")?.getattr("modules")?.set_item(NAME, &module)?;
    module.setattr("__builtins__", &builtins)?;
    builtins.call_method1("exec", (code, module.dict()))?;
    Ok(module.dict())
}

impl Failed {
    fn of(py: Python<'_>, error: &PyErr) -> Failed {
        let is_exit = error.is_instance_of::<PySystemExit>(py);
        let reason = match is_exit {
            true => format!("it ends its process: {}", in_one_line(py, error)),
            false => in_one_line(py, error),
        };
        let traceback = traceback::lines(py, error);
        Failed { reason, traceback }
    }
}

/// The type and the message, as Python writes them last.
pub(crate) fn in_one_line(py: Python<'_>, error: &PyErr) -> String {
    let lines = PyModule::import(py, "traceback").and_then(|module| {
        let arguments = (error.get_type(py), error.value(py));
        module.call_method1("format_exception_only", arguments)?.extract::<Vec<String>>()
    });
    let last = lines.ok().and_then(|lines| lines.last().map(|line| line.trim().to_owned()));
    last.unwrap_or_else(|| error.to_string())
}

/// The object that a dotted name stands for.
pub(crate) fn by_name<'py>(name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    let text: String = name.extract()?;
    let Some((module, attribute)) = text.rsplit_once('.') else {
        return Err(PyTypeError::new_err(format!("{text:?}: write module.function")));
    };
    PyModule::import(name.py(), module)?.getattr(attribute)
}
