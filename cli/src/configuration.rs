//! Which configuration file is read, and what it is: settings, or a program that has to be executed
//! before there are any. gunicorn's users name it in three ways, or not at all.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use oxicorn_arbiter::zygote::{ConfigurationFile, Names, Source};
use oxicorn_core::config::file::{self, Contents, Evaluated};
use oxicorn_core::config::{Config, ConfigError, Given, Origin, Raw, find};

use crate::habits;

/// Read when nobody says which file to read.
const DEFAULT_FILE: &str = "server.toml";

/// Read for a Python application when there is none of those.
const GUNICORNS: &str = "gunicorn.conf.py";

/// Whether an application has somebody who can execute a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "python"),
    expect(dead_code, reason = "then everything is in the program")
)]
pub(crate) enum Hosted {
    /// It is in this program.
    Never,
    /// None was named: the file may say which it is.
    Perhaps,
    /// It is a Python application.
    Surely,
}

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) given: Vec<Given>,
    pub(crate) warnings: Vec<String>,
    /// If it was executed.
    pub(crate) program: Option<ConfigurationFile>,
}

/// A file that has to be executed.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) file: ConfigurationFile,
    /// For whoever cannot execute it.
    pub(crate) needs_python: ConfigError,
}

impl Program {
    /// Executing it has failed.
    pub(crate) fn failed(&self, reason: impl std::fmt::Display) -> ConfigError {
        ConfigError::message(format!("{}: {reason}", self.file))
    }
}

/// What the configuration file says, which `outer`, the settings from everywhere else, name; or that
/// it has to be executed, as long as there are no `names`. All of it is relative to `folder`.
///
/// # Errors
/// It cannot be read, or something in it is wrong.
pub(crate) fn layer(
    folder: &Path,
    outer: &Config,
    hosted: Hosted,
    names: Option<Names>,
) -> Result<Result<Layer, Program>, ConfigError> {
    if outer.config.is_none() && outer.explicit("config") {
        return Ok(Ok(Layer::default()));
    }
    let default = || default_file(folder, hosted);
    let path = outer.config.clone().unwrap_or_else(default);
    let written = path.display().to_string();
    let refused = |reason: &dyn std::fmt::Display| {
        ConfigError::new("config", &written, outer.origin("config"), reason)
    };
    let program = |source, needs_python| Program {
        file: ConfigurationFile { source, folder: folder.to_owned() },
        needs_python,
    };
    let form = habits::form(&path);
    if let (Hosted::Never, Some(reason)) = (hosted, form.instead()) {
        return Err(refused(&reason));
    }
    let path = match form {
        habits::Form::Module(module) => {
            let program = program(Source::Module(module), refused(&"it needs Python"));
            return executed(program, &path, names);
        }
        habits::Form::File(path) => path,
    };
    let there = folder.join(&path);
    match std::fs::read_to_string(&there) {
        Ok(text) => match file::read(&path, &text)? {
            Contents::Settings(mut given) => {
                given.extend(outer.config.is_none().then(|| default_given(&path)).flatten());
                Ok(Ok(Layer { given, ..Layer::default() }))
            }
            Contents::Program(reason) => {
                if hosted == Hosted::Never {
                    return Err(reason);
                }
                let program = program(Source::Path(there), reason);
                let mut layer = executed(program, &path, names)?;
                if let (Ok(layer), None) = (&mut layer, &outer.config) {
                    layer.given.extend(default_given(&path));
                }
                Ok(layer)
            }
        },
        Err(_) if outer.config.is_none() && !is_there(&there) => Ok(Ok(Layer::default())),
        Err(error) => Err(match error.kind() {
            ErrorKind::NotFound => refused(&"there is no such file"),
            ErrorKind::InvalidData => refused(&"not UTF-8"),
            _ => refused(&error),
        }),
    }
}

fn executed(
    program: Program,
    path: &Path,
    names: Option<Names>,
) -> Result<Result<Layer, Program>, ConfigError> {
    let Some(names) = names else {
        return Ok(Err(program));
    };
    let Evaluated { given, warnings } = file::evaluated(path, names)?;
    Ok(Ok(Layer { given, warnings, program: Some(program.file) }))
}

fn default_file(folder: &Path, hosted: Hosted) -> PathBuf {
    let theirs = hosted == Hosted::Surely
        && !is_there(&folder.join(DEFAULT_FILE))
        && is_there(&folder.join(GUNICORNS));
    PathBuf::from(if theirs { GUNICORNS } else { DEFAULT_FILE })
}

/// Whether somebody has put a file there, as far as can be seen: a user whom the system has given a
/// folder that it may not even look into has put none there.
fn is_there(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied),
    }
}

/// That the default file was read, for whoever prints the settings.
fn default_given(path: &Path) -> Option<Given> {
    let raw = Raw::One(path.display().to_string());
    Some(Given { setting: find("config")?, raw, origin: Origin::Default })
}
