//! What the user says, in layers: the defaults, a file, the environment, the command line. Each
//! layer is a list of values that know where they come from; the order of the layers is the order of
//! [`Origin`]s and nothing else, so that it can be read in one place.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::error::{ConfigError, Spelling};
use super::settings::Config;
use super::table::{Setting, VARIABLE_PREFIX, find};
use super::value::{Arity, Raw};

/// The environment of the process as it was at the start: settings are resolved again on a reload,
/// and must not depend on what has happened since.
pub type Environment = BTreeMap<OsString, OsString>;

/// Where a value comes from. What is later in this list overrules what is earlier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody has said anything.
    Default,
    /// The default, which an environment variable of the platform changes: `PORT`.
    DefaultFrom(&'static str),
    /// The program itself, which embeds the server.
    Program,
    /// The configuration file.
    File {
        /// As it was given.
        path: PathBuf,
        /// The first line is 1. A file that was executed does not tell which line sets what.
        line: Option<usize>,
    },
    /// The options in the variable [`CMD_ARGS`].
    CmdArgs,
    /// The setting's own environment variable.
    Env(String),
    /// An option on the command line.
    CommandLine,
    /// Sockets that whoever started this process has passed: see [`crate::listener::passed`].
    Passed,
}

/// An environment variable with options, quoted as in a shell.
pub const CMD_ARGS: &str = "SERVER_CMD_ARGS";

impl Origin {
    /// Whether somebody has set it for this server: not the default, however it came about.
    pub fn is_explicit(&self) -> bool {
        match self {
            Origin::Default | Origin::DefaultFrom(_) => false,
            Origin::Program
            | Origin::File { .. }
            | Origin::CmdArgs
            | Origin::Env(_)
            | Origin::CommandLine
            | Origin::Passed => true,
        }
    }

    /// Two values of the same rank come from the same layer.
    fn rank(&self) -> u8 {
        match self {
            Origin::Default => 0,
            Origin::DefaultFrom(_) => 1,
            Origin::Program => 2,
            Origin::File { .. } => 3,
            Origin::CmdArgs => 4,
            Origin::Env(_) => 5,
            Origin::CommandLine => 6,
            Origin::Passed => 7,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::DefaultFrom(variable) => write!(f, "default, from {variable}"),
            Origin::Program => f.write_str("the program"),
            Origin::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Origin::File { path, line: None } => write!(f, "{}", path.display()),
            Origin::CmdArgs => f.write_str(CMD_ARGS),
            Origin::Env(variable) => f.write_str(variable),
            Origin::CommandLine => f.write_str("command line"),
            Origin::Passed => f.write_str("LISTEN_FDS"),
        }
    }
}

/// A value for a setting, as a layer has it.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which setting.
    pub setting: &'static Setting,
    /// What was written.
    pub raw: Raw,
    /// Where.
    pub origin: Origin,
}

impl Given {
    fn refused(&self, reason: impl fmt::Display) -> ConfigError {
        ConfigError::new(self.setting.name, &self.raw.to_string(), &self.origin, reason)
    }
}

/// The origins of all values that are not plain defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origins(pub(super) BTreeMap<&'static str, Origin>);

impl Config {
    /// The settings that the layers come to; for each the last layer that has it counts. The order
    /// of `given` is of no importance.
    ///
    /// # Errors
    /// The first value that is none, even where a later layer overrules it: a mistake in a file is
    /// not found on the day when the command line changes. Only a changed default is not looked at
    /// when nobody needs it: `PORT` is not ours alone.
    pub fn resolve(given: impl IntoIterator<Item = Given>) -> Result<Config, ConfigError> {
        let mut given: Vec<Given> = given.into_iter().collect();
        given.sort_by_key(|given| given.origin.rank());
        let mut config = Config::default();
        for (at, value) in given.iter().enumerate() {
            let same = |later: &Given| std::ptr::eq(later.setting, value.setting);
            let overruled = given.iter().skip(at + 1).any(same);
            if overruled && !value.origin.is_explicit() {
                continue;
            }
            (value.setting.set)(&mut config, &value.raw).map_err(|reason| value.refused(reason))?;
            let (name, origin) = (value.setting.name, value.origin.clone());
            config.origins.0.insert(name, origin);
        }
        Ok(config)
    }

    /// Where the value of the setting `name` comes from.
    pub fn origin(&self, name: &str) -> &Origin {
        self.origins.0.get(name).unwrap_or(&Origin::Default)
    }

    /// Whether somebody has set it for this server: see [`Origin::is_explicit`].
    pub fn explicit(&self, name: &str) -> bool {
        self.origin(name).is_explicit()
    }

    /// The error that the setting `name` cannot be what it is.
    pub fn refuse(&self, name: &str, reason: impl fmt::Display) -> ConfigError {
        let value = find(name).map_or(String::new(), |row| row.value(self).to_string());
        ConfigError::new(name, &value, self.origin(name), reason)
    }
}

/// Variables that begin as ours do and are no settings: the demo application's list of allowed
/// addresses, the sockets handed over in an upgrade, the Python interpreter, and what only a build of
/// the server reads.
const RESERVED: [&str; 4] =
    ["OXICORN_DEMO_UPSTREAM", "OXICORN_EXTENSION", "OXICORN_FDS", "OXICORN_PYTHON"];

/// The variables of the platform that change a default, the setting that each concerns, and what
/// stands before its value.
const PLATFORM: [(&str, &str, &str); 3] = [
    ("PORT", "bind", "0.0.0.0:"),
    ("WEB_CONCURRENCY", "workers", ""),
    ("FORWARDED_ALLOW_IPS", "forwarded_allow_ips", ""),
];

/// The variable of the platform that is called so.
pub(super) fn platform_variable(name: &str) -> Option<&'static str> {
    PLATFORM.iter().map(|(variable, ..)| *variable).find(|known| *known == name)
}

/// What the environment says, [`CMD_ARGS`] excepted.
///
/// # Errors
/// A variable that begins as ours do and is no setting; a value that is not UTF-8.
pub fn environment(env: &Environment) -> Result<Vec<Given>, ConfigError> {
    let mut layer = Vec::new();
    for (variable, name, before) in PLATFORM {
        let (Some(value), Some(setting)) = (env.get(OsStr::new(variable)), find(name)) else {
            continue;
        };
        let text = format!("{before}{}", value.to_string_lossy());
        let (raw, origin) = (Raw::One(text), Origin::DefaultFrom(variable));
        layer.push(Given { setting, raw, origin });
    }
    for (variable, value) in env {
        let variable = variable.to_string_lossy();
        if !variable.starts_with(VARIABLE_PREFIX) || RESERVED.contains(&&*variable) {
            continue;
        }
        layer.push(own_variable(&variable, value)?);
    }
    Ok(layer)
}

fn own_variable(variable: &str, value: &OsStr) -> Result<Given, ConfigError> {
    let origin = Origin::Env(variable.to_owned());
    let Some(setting) = super::TABLE.iter().find(|row| row.variable() == variable) else {
        return Err(ConfigError::unknown(variable, Spelling::Variable, &origin));
    };
    let Some(text) = value.to_str() else {
        let shown = value.to_string_lossy();
        return Err(ConfigError::new(setting.name, &shown, &origin, "it is not UTF-8"));
    };
    Ok(Given { setting, raw: in_one_text(setting, text), origin })
}

/// A list is separated by commas.
fn in_one_text(setting: &Setting, text: &str) -> Raw {
    match setting.arity {
        Arity::Many | Arity::Pairs => {
            Raw::Many(text.split(',').map(|item| item.trim().to_owned()).collect())
        }
        Arity::Flag | Arity::One => Raw::One(text.to_owned()),
    }
}

/// What a program that embeds the server says about the setting `name`.
///
/// # Errors
/// There is none of that name.
pub fn by_program(name: &str, text: &str) -> Result<Given, ConfigError> {
    let origin = Origin::Program;
    match find(name) {
        Some(setting) => Ok(Given { setting, raw: in_one_text(setting, text), origin }),
        None => Err(ConfigError::unknown(name, Spelling::Key, &origin)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Workers;
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn given(name: &str, text: &str, origin: Origin) -> Given {
        let raw = Raw::One(text.to_owned());
        let setting = find(name).unwrap();
        Given { setting, raw, origin }
    }

    fn file(line: usize) -> Origin {
        let path = "server.toml".into();
        Origin::File { path, line: Some(line) }
    }

    fn env(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(k, v)| (k.into(), v.into())).collect()
    }

    fn from_env(pairs: &[(&str, &str)]) -> Result<Config, String> {
        environment(&env(pairs)).and_then(Config::resolve).map_err(|error| error.to_string())
    }

    #[test]
    fn the_last_layer_counts_in_whatever_order_they_come() {
        let ladder = [
            Origin::DefaultFrom("WEB_CONCURRENCY"),
            file(1),
            Origin::CmdArgs,
            Origin::Env("OXICORN_WORKERS".to_owned()),
            Origin::CommandLine,
        ];
        for top in 0..ladder.len() {
            let layers =
                (0..=top).map(|n| given("workers", &(n + 2).to_string(), ladder[n].clone()));
            let upward: Vec<Given> = layers.collect();
            let downward = upward.iter().rev().cloned().collect::<Vec<_>>();
            for layers in [upward, downward] {
                let config = Config::resolve(layers).unwrap();
                assert_eq!(config.workers, Workers::Count(top as u32 + 2));
                assert_eq!(config.origin("workers"), &ladder[top]);
                assert_eq!(config.explicit("workers"), top > 0);
                assert_eq!(config.origin("threads"), &Origin::Default);
            }
        }
        assert_eq!(Config::resolve([]).unwrap(), Config::default());
    }

    #[test]
    fn a_list_replaces_the_list_below() {
        let layers = [
            given("bind", "a:1", file(1)),
            Given {
                raw: Raw::Many(vec!["b:2".to_owned(), "c:3".to_owned()]),
                ..given("bind", "", Origin::CommandLine)
            },
        ];
        let config = Config::resolve(layers).unwrap();
        let bind: Vec<String> = config.bind.iter().map(ToString::to_string).collect();
        assert_eq!(bind, ["b:2", "c:3"]);
    }

    #[test]
    fn an_overruled_mistake_is_a_mistake_but_not_in_an_overruled_default() {
        let layers = [given("workers", "abc", file(7)), given("workers", "4", Origin::CommandLine)];
        let error = Config::resolve(layers).unwrap_err();
        assert_eq!(error.to_string(), r#"workers = "abc" (server.toml:7): not a whole number"#);
        let layers = [
            given("workers", "abc", Origin::DefaultFrom("WEB_CONCURRENCY")),
            given("workers", "4", Origin::CommandLine),
        ];
        assert_eq!(Config::resolve(layers).unwrap().workers, Workers::Count(4));
    }

    #[test]
    fn the_environment_is_read_by_name() {
        let config = from_env(&[
            ("OXICORN_BIND", "a:1, unix:/x"),
            ("OXICORN_PERMIT_MISSING_HOST", "true"),
            ("OXICORN_DEMO_UPSTREAM", "127.0.0.1:1"),
            ("OXICORN_FDS", "3"),
            ("OXICORN_PYTHON", "/usr/bin/python3"),
            ("WORKERS", "9"),
        ])
        .unwrap();
        assert_eq!(config.bind.len(), 2);
        assert!(config.permit_missing_host);
        assert_eq!(config.origin("bind"), &Origin::Env("OXICORN_BIND".to_owned()));
        assert_eq!(config.workers, Workers::Count(1));
    }

    #[test]
    fn the_platform_changes_defaults() {
        let config = from_env(&[
            ("PORT", "5000"),
            ("WEB_CONCURRENCY", "3"),
            ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,192.0.2.1"),
        ])
        .unwrap();
        assert_eq!(config.bind[0].to_string(), "0.0.0.0:5000");
        assert_eq!(config.workers, Workers::Count(3));
        assert_eq!(config.forwarded_allow_ips.0.len(), 2);
        assert!(!config.explicit("bind") && !config.explicit("workers"));
        assert_eq!(config.origin("bind").to_string(), "default, from PORT");
    }

    #[test]
    fn what_is_wrong_in_the_environment_is_named() {
        for (variable, value, text) in [
            (
                "WEB_CONCURRENCY",
                "many",
                r#"workers = "many" (default, from WEB_CONCURRENCY): not a whole number"#,
            ),
            (
                "PORT",
                "tcp://10.0.0.1:80",
                r#"bind = "0.0.0.0:tcp://10.0.0.1:80" (default, from PORT): an IPv6 address is written in brackets: [::1]:8000"#,
            ),
            (
                "OXICORN_TIMEOUT",
                "soon",
                r#"timeout = "soon" (OXICORN_TIMEOUT): not a time: write 30 (seconds), 0.5, 500ms, 30s, 5m or 1h"#,
            ),
            (
                "OXICORN_BIND",
                "a:1,b:http",
                r#"bind = "a:1, b:http" (OXICORN_BIND): "b:http": "http" is not a port number"#,
            ),
            (
                "OXICORN_WORKERS",
                "0",
                r#"workers = "0" (OXICORN_WORKERS): it must be from 1 to 512"#,
            ),
            (
                "OXICORN_WORKER",
                "1",
                "OXICORN_WORKER: no such setting; did you mean OXICORN_WORKERS?",
            ),
        ] {
            assert_eq!(from_env(&[(variable, value)]), Err(text.to_owned()));
        }
        let binary = OsString::from_vec(b"a\xff".to_vec());
        let env = Environment::from([("OXICORN_PROC_NAME".into(), binary)]);
        assert_eq!(
            environment(&env).unwrap_err().to_string(),
            "proc_name = \"a\u{fffd}\" (OXICORN_PROC_NAME): it is not UTF-8"
        );
    }
}
