//! Settings on their way to another program. A worker that is not a copy of the master is told them
//! as they are, value by value with their origins, and resolves them with the same code: so there
//! is nothing that the two could understand differently.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::layers::{Given, Origin, platform_variable};
use super::settings::{Config, TABLE};
use super::table::find;
use super::value::Raw;

/// One setting, as it is written down for another program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portable {
    name: String,
    value: Raw,
    origin: Source,
}

/// An [`Origin`], which refers to nothing in this program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Source {
    Default,
    DefaultFrom(String),
    Program,
    File(PathBuf, Option<usize>),
    CmdArgs,
    Env(String),
    CommandLine,
    Passed,
}

impl From<&Origin> for Source {
    fn from(origin: &Origin) -> Source {
        match origin {
            Origin::Default => Source::Default,
            Origin::DefaultFrom(variable) => Source::DefaultFrom((*variable).to_owned()),
            Origin::Program => Source::Program,
            Origin::File { path, line } => Source::File(path.clone(), *line),
            Origin::CmdArgs => Source::CmdArgs,
            Origin::Env(variable) => Source::Env(variable.clone()),
            Origin::CommandLine => Source::CommandLine,
            Origin::Passed => Source::Passed,
        }
    }
}

impl From<Source> for Origin {
    fn from(source: Source) -> Origin {
        match source {
            Source::Default => Origin::Default,
            // Both programs are of one version: what one knows the other knows.
            Source::DefaultFrom(name) => {
                platform_variable(&name).map_or(Origin::Default, Origin::DefaultFrom)
            }
            Source::Program => Origin::Program,
            Source::File(path, line) => Origin::File { path, line },
            Source::CmdArgs => Origin::CmdArgs,
            Source::Env(variable) => Origin::Env(variable),
            Source::CommandLine => Origin::CommandLine,
            Source::Passed => Origin::Passed,
        }
    }
}

impl Config {
    /// All settings that are not plain defaults.
    pub fn portable(&self) -> Vec<Portable> {
        let told = TABLE.iter().filter(|row| {
            self.origin(row.name) != &Origin::Default || row.value(self) != row.default()
        });
        let portable = told.map(|row| Portable {
            name: row.name.to_owned(),
            value: row.value(self),
            origin: self.origin(row.name).into(),
        });
        portable.collect()
    }

    /// The opposite of [`Config::portable`].
    ///
    /// # Errors
    /// A setting that there is not, or a value that is none: the other program is of another version.
    pub fn from_portable(portable: Vec<Portable>) -> Result<Config, ConfigError> {
        let given = portable.into_iter().map(|Portable { name, value, origin }| {
            let origin = origin.into();
            let setting = find(&name)
                .ok_or_else(|| ConfigError::at(&name, &origin, "there is no such setting"))?;
            Ok(Given { setting, raw: value, origin })
        });
        Config::resolve(given.collect::<Result<Vec<_>, ConfigError>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::environment;
    use crate::config::{Environment, file};

    #[test]
    fn settings_arrive_as_they_were() {
        let env: Environment =
            [("WEB_CONCURRENCY", "3"), ("OXICORN_TIMEOUT", "500ms"), ("PORT", "80")]
                .map(|(name, value)| (name.into(), value.into()))
                .into();
        let mut given = environment(&env).unwrap();
        let text =
            "raw_env = [\"A=b c\", \"D=\\\"e\\\"\"]\nthreads = 4\nforwarded_allow_ips = \"*\"";
        given.extend(file::parse("x.toml".as_ref(), text).unwrap());
        let config = Config::resolve(given).unwrap();
        let letter = serde_json::to_string(&config.portable()).unwrap();
        let read = serde_json::from_str(&letter).unwrap();
        assert_eq!(Config::from_portable(read).unwrap(), config);
        assert_eq!(Config::from_portable(Config::default().portable()).unwrap(), Config::default());
    }

    #[test]
    fn what_nobody_here_knows_is_refused() {
        let portable = Portable {
            name: "nothing".to_owned(),
            value: Raw::One("1".to_owned()),
            origin: Source::CommandLine,
        };
        let error = Config::from_portable(vec![portable]).unwrap_err();
        assert_eq!(error.to_string(), "nothing (command line): there is no such setting");
    }
}
