//! What gunicorn reads at a start and this server does not. Nothing is wrong with a file or a variable
//! that is there for somebody else, but whoever has just moved over wonders why it has no effect.

use std::ffi::OsStr;
use std::path::Path;

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

/// What to say about a configuration file that is named as gunicorn allows and is not a path.
pub(crate) fn not_a_path(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    if let Some(file) = text.strip_prefix("file:") {
        return Some(format!("write the path alone: -c {file}"));
    }
    text.starts_with("python:")
        .then(|| "a Python module is not read, a file of plain assignments is: -c FILE".to_owned())
}
