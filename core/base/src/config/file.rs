//! The configuration file: assignments of plain values, in TOML or as gunicorn's users have them in a
//! Python file. Both readers hand over the same `Entry`s, so that what is wrong is said in the same
//! words, with the line, whatever the file is called. What needs a Python interpreter is told apart: where
//! there is one it is executed, and its names come back to `evaluated`.

mod evaluated;
mod python;
mod toml;

use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use self::evaluated::{Evaluated, evaluated};
use self::python::Trouble;
use super::error::{ConfigError, Spelling};
use super::gunicorn::{Hook, Ours, theirs};
use super::layers::{Given, Origin};
use super::table::find;
use super::value::{Arity, Raw};

/// One assignment of the file.
#[derive(Debug)]
struct Entry {
    name: String,
    value: Plain,
    /// The first is 1.
    line: usize,
}

/// A value as all kinds of files have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Plain {
    /// Python's `None`: what the default is for.
    Nothing,
    /// A text, a number, a truth value.
    Scalar(String),
    /// Several values.
    List(Vec<Plain>),
    /// A table.
    Pairs(Vec<(String, Plain)>),
    /// What no setting is made of: a date, a function.
    Other(String),
}

impl Plain {
    fn kind(&self) -> &str {
        match self {
            Plain::Nothing => "None",
            Plain::Scalar(_) => "value",
            Plain::List(_) => "list",
            Plain::Pairs(_) => "table",
            Plain::Other(kind) => kind,
        }
    }

    fn scalar(&self) -> Result<String, &str> {
        match self {
            Plain::Scalar(text) => Ok(text.clone()),
            other => Err(other.kind()),
        }
    }

    /// Whether it asks for nothing: what a switch that is not there is without anybody's doing.
    fn asks_for_nothing(&self) -> bool {
        match self {
            Plain::Nothing => true,
            Plain::Scalar(text) => text == "false",
            Plain::List(_) | Plain::Pairs(_) | Plain::Other(_) => false,
        }
    }
}

/// What the file `path` with the contents `text` says.
///
/// # Errors
/// What is no assignment of a plain value, no setting, or no setting's value; each with its line.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Given>, ConfigError> {
    match read(path, text)? {
        Contents::Settings(given) => Ok(given),
        Contents::Program(reason) => Err(reason),
    }
}

/// What a file is.
#[derive(Debug)]
pub enum Contents {
    /// Plain assignments, or TOML.
    Settings(Vec<Given>),
    /// A program in Python; why it cannot do without one.
    Program(ConfigError),
}

/// What the file `path` with the contents `text` is.
///
/// # Errors
/// Those of [`parse`]; only a file whose name ends in `.py` can be a program.
pub fn read(path: &Path, text: &str) -> Result<Contents, ConfigError> {
    // Windows editors begin a file with it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let source = Source { path, text };
    let is_python = path.extension() == Some(OsStr::new(PYTHON));
    match is_python.then(|| source.program()).flatten() {
        Some(reason) => Ok(Contents::Program(reason)),
        None => source.layer(source.entries()?).map(Contents::Settings),
    }
}

/// What the name of a program in Python ends in.
const PYTHON: &str = "py";

struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// Why it has to be executed, if it has to be: it computes something, or names a function to be
    /// called.
    fn program(&self) -> Option<ConfigError> {
        match python::entries(self.text) {
            Ok(entries) => entries.iter().find_map(|entry| {
                Hook::find(&entry.name).filter(|_| !entry.value.asks_for_nothing())?;
                self.entry(entry).err()
            }),
            Err(Trouble { cause: python::Cause::Program, line, reason }) => {
                toml::entries(self.text).is_err().then(|| self.unreadable(line, &reason))
            }
            Err(Trouble { cause: python::Cause::Typo, .. }) => None,
        }
    }

    /// The readers agree about most files. Where they do not, the name decides whose turn it is
    /// first, and whose complaint is heard.
    fn entries(&self) -> Result<Vec<Entry>, ConfigError> {
        if self.path.extension() == Some(OsStr::new(PYTHON)) {
            return python::entries(self.text)
                .or_else(|trouble| toml::entries(self.text).map_err(|_| trouble))
                .map_err(|trouble| self.unreadable(trouble.line, &trouble.reason));
        }
        toml::entries(self.text).or_else(|(line, reason)| {
            python::entries(self.text).map_err(|trouble| match trouble {
                Trouble { cause: python::Cause::Program, line, reason } => {
                    self.unreadable(line, &reason)
                }
                // Both mean the same mistake: this reader's words are for people.
                Trouble { line: same, reason, .. } if same == line => {
                    self.unreadable(line, &reason)
                }
                Trouble { cause: python::Cause::Typo, .. } => self.unreadable(line, &reason),
            })
        })
    }

    fn layer(&self, entries: Vec<Entry>) -> Result<Vec<Given>, ConfigError> {
        let mut given: Vec<Given> = Vec::new();
        let mut seen: Vec<(&str, usize)> = Vec::new();
        for entry in &entries {
            if let Some((_, line)) = seen.iter().find(|(name, _)| *name == entry.name) {
                let reason = format!("it has been set in line {line} already");
                return Err(ConfigError::at(&entry.name, &self.origin(entry.line), reason));
            }
            seen.push((&entry.name, entry.line));
            given.extend(self.entry(entry)?);
        }
        Ok(given)
    }

    /// Nothing, where the file asks for nothing.
    fn entry(&self, entry: &Entry) -> Result<Option<Given>, ConfigError> {
        self.value(&entry.name, &entry.value, Some(entry.line))
    }

    fn value(
        &self,
        name: &str,
        value: &Plain,
        line: Option<usize>,
    ) -> Result<Option<Given>, ConfigError> {
        let origin = Origin::File { path: self.path.to_owned(), line };
        let setting = find(name);
        let may_have_pairs = match setting {
            Some(setting) => setting.arity == Arity::Pairs,
            // For these there is something better to be said.
            None => theirs(name).is_some(),
        };
        if matches!(value, Plain::Pairs(_)) && !may_have_pairs {
            let reason = "there are no sections, settings stand at the top level";
            return Err(ConfigError::at(name, &origin, reason));
        }
        let Some(setting) = setting else {
            let missing = theirs(name).filter(|row| row.name == name);
            let off = value.asks_for_nothing();
            return match missing.map(|row| row.ours) {
                Some(Ours::Instead(_) | Ours::Hook) if off => Ok(None),
                _ => Err(ConfigError::unknown(name, Spelling::Key, &origin)),
            };
        };
        if !setting.belongs_in_a_file() {
            let reason = "it is for the command line, not for a file";
            return Err(ConfigError::at(name, &origin, reason));
        }
        if let Plain::Nothing = value {
            return Ok(None);
        }
        let raw = raw(value).map_err(|reason| ConfigError::at(name, &origin, reason))?;
        Ok(Some(Given { setting, raw, origin }))
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: self.path.to_owned(), line: Some(line) }
    }

    /// The line itself is its subject: there may be no name in it.
    fn unreadable(&self, number: usize, reason: &str) -> ConfigError {
        let line = self.text.lines().nth(number - 1).unwrap_or_default().trim();
        let shown: String = line.chars().take(MOST_SHOWN).collect();
        let subject = match shown.is_empty() {
            true => "end of the file",
            false => &shown,
        };
        ConfigError::at(subject, &self.origin(number), reason)
    }
}

/// Of a line that cannot be read, in characters: the file may be anything, on one line.
const MOST_SHOWN: usize = 60;

fn raw(value: &Plain) -> Result<Raw, String> {
    let part = |value: &Plain| {
        let wrong = |kind: &str| format!("one of its values is a {kind}");
        value.scalar().map_err(wrong)
    };
    match value {
        Plain::List(items) => items.iter().map(part).collect::<Result<_, _>>().map(Raw::Many),
        Plain::Pairs(pairs) => pairs
            .iter()
            .map(|(name, value)| part(value).map(|value| format!("{name}={value}")))
            .collect::<Result<_, _>>()
            .map(Raw::Many),
        Plain::Nothing | Plain::Scalar(_) | Plain::Other(_) => value
            .scalar()
            .map(Raw::One)
            .map_err(|kind| format!("a {kind} is no value for a setting")),
    }
}

/// The line in which the byte at `offset` is.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests;
