//! The settings. There is one table of them, [`TABLE`]; the flags, the keys of the
//! configuration file, the environment variables, `--help`, `--print-config` and the reference page
//! are all made from it, so a setting is one row and the place that reads it. What the user says
//! comes in layers, each value with its origin, and [`Config::resolve`] makes a [`Config`] of them
//! or one line that says what is wrong.

mod class;
mod error;
pub mod file;
pub mod gunicorn;
pub mod layers;
mod portable;
#[cfg(test)]
mod reference;
mod settings;
mod table;
#[cfg(test)]
mod used;
pub mod value;

pub use class::EffectiveClass;
pub use error::{ConfigError, Spelling, nearest};
pub use layers::{Environment, Given, Origin, Origins};
pub use portable::Portable;
pub use settings::{Config, TABLE};
pub use table::{Classes, Group, OTHER_FLAGS, Reload, Setting, find};
pub use value::{
    AsgiLifespan, AsgiLoop, ByteSize, Destination, Facility, FieldPattern, GroupAccount, Listed,
    LogFormat, LogLevel, MetricPrefix, MetricTags, ProxyProtocol, Raw, ReloadEngine, SchemeHeader,
    Sender, StatsdHost, SyslogAddress, Timeout, Umask, Underscores, UnixKind, UserAccount, Value,
    Variables, Workers,
};

/// For tests: what the command line gives in these settings.
#[cfg(test)]
pub(crate) fn from_command_line(pairs: &[(&str, &str)]) -> Config {
    let given = pairs.iter().map(|(name, text)| Given {
        setting: find(name).unwrap(),
        raw: Raw::One((*text).to_owned()),
        origin: Origin::CommandLine,
    });
    Config::resolve(given).unwrap()
}
