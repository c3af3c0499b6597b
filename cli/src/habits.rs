//! What gunicorn reads at a start and this server does not. Nothing is wrong with a file or a variable
//! that is there for somebody else, but whoever has just moved over wonders why it has no effect.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use oxicorn_core::config::layers::CMD_ARGS;
use oxicorn_core::config::{Config, Environment};

const THEIR_CMD_ARGS: &str = "GUNICORN_CMD_ARGS";
const THEIR_FILE: &str = "gunicorn.conf.py";

/// Lines for the log, about what lies in `folder` and in the environment.
pub(crate) fn warnings(folder: &Path, config: &Config, env: &Environment) -> Vec<String> {
    let variable = env
        .contains_key(OsStr::new(THEIR_CMD_ARGS))
        .then(|| format!("{THEIR_CMD_ARGS} is set and not read: the variable here is {CMD_ARGS}"));
    let no_file_at_all = config.config.is_none() && !config.explicit("config");
    let file = (no_file_at_all && folder.join(THEIR_FILE).is_file())
        .then(|| format!("./{THEIR_FILE} is not read unless it is named: -c {THEIR_FILE}"));
    variable.into_iter().chain(file).collect()
}

/// How a configuration file is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// By its path, with `file:` before it or without.
    File(PathBuf),
    /// `python:` and the name of a module.
    Module(String),
}

/// Takes gunicorn's prefixes off.
pub(crate) fn form(written: &Path) -> Form {
    let text = written.to_str().unwrap_or_default();
    match (text.strip_prefix("file:"), text.strip_prefix("python:")) {
        (Some(path), _) => Form::File(PathBuf::from(path)),
        (None, Some(module)) => Form::Module(module.to_owned()),
        (None, None) => Form::File(written.to_owned()),
    }
}

impl Form {
    /// What to write instead, where there is no Python.
    pub(crate) fn instead(&self) -> Option<&'static str> {
        match self {
            Form::File(_) => None,
            Form::Module(_) => Some(
                "a Python module is read for a Python application; for others a file of plain \
                 assignments is: -c FILE",
            ),
        }
    }
}
