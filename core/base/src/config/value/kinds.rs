//! The other types of values: counts, switches, texts, paths, addresses, and the two enumerations.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::{Arity, Completes, Value};
use crate::listener::ListenerSpec;

impl Value for u32 {
    const HOLDER: &'static str = "N";
    const SYNTAX: &'static str = "a whole number";

    fn parse(text: &str) -> Result<u32, String> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err("not a whole number".to_owned());
        }
        if text.starts_with('-') {
            return Err("it cannot be negative".to_owned());
        }
        text.parse().map_err(|_| format!("too large: at most {}", u32::MAX))
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

/// Whether a count is within its row's range.
///
/// # Errors
/// The range.
pub(crate) fn within(value: u32, range: RangeInclusive<u32>) -> Result<(), String> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!("it must be from {} to {}", range.start(), range.end())),
    }
}

impl Value for bool {
    const HOLDER: &'static str = "BOOL";
    const SYNTAX: &'static str = "`true` or `false`; the flag alone means `true`";
    const ARITY: Arity = Arity::Flag;

    fn parse(text: &str) -> Result<bool, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("it must be true or false".to_owned()),
        }
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const HOLDER: &'static str = "TEXT";
    const SYNTAX: &'static str = "a text";

    fn parse(text: &str) -> Result<String, String> {
        match text {
            "" => Err("it is empty".to_owned()),
            text => Ok(text.to_owned()),
        }
    }

    fn print(&self) -> String {
        self.clone()
    }
}

impl Value for PathBuf {
    const HOLDER: &'static str = "FILE";
    const SYNTAX: &'static str = "a path";
    const COMPLETES: Completes = Completes::Files;

    fn parse(text: &str) -> Result<PathBuf, String> {
        match text {
            "" => Err("the path is empty".to_owned()),
            text => Ok(text.into()),
        }
    }

    fn print(&self) -> String {
        self.display().to_string()
    }
}

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The standard stream: standard error for the error log, standard output for the access log.
    Standard,
    /// A file, which is appended to.
    File(PathBuf),
}

impl Value for Destination {
    const HOLDER: &'static str = "FILE";
    const SYNTAX: &'static str = "a path, or `-` for the standard stream";
    const COMPLETES: Completes = Completes::Files;

    fn parse(text: &str) -> Result<Destination, String> {
        match text {
            "-" => Ok(Destination::Standard),
            text => PathBuf::parse(text).map(Destination::File),
        }
    }

    fn print(&self) -> String {
        match self {
            Destination::Standard => "-".to_owned(),
            Destination::File(path) => path.print(),
        }
    }
}

/// What is worth a line in the error log: this level, and what is more serious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What helps to find a fault.
    Debug,
    /// The normal course of things.
    Info,
    /// Something that someone should look at some day.
    Warning,
    /// Something failed.
    Error,
    /// Something failed and clients have noticed.
    Critical,
}

impl LogLevel {
    /// The least serious first.
    pub const ALL: [LogLevel; 5] =
        [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error, LogLevel::Critical];

    /// As the setting spells it.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warning => "warning",
            LogLevel::Error => "error",
            LogLevel::Critical => "critical",
        }
    }
}

impl Value for LogLevel {
    const HOLDER: &'static str = "LEVEL";
    const SYNTAX: &'static str = "`debug`, `info`, `warning`, `error` or `critical`";
    const COMPLETES: Completes =
        Completes::Words(&["debug", "info", "warning", "error", "critical"]);

    fn parse(text: &str) -> Result<LogLevel, String> {
        LogLevel::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| "it must be debug, info, warning, error or critical".to_owned())
    }

    fn print(&self) -> String {
        self.name().to_owned()
    }
}

impl Value for ListenerSpec {
    const HOLDER: &'static str = "ADDRESS";
    const SYNTAX: &'static str = "`HOST:PORT`, `:PORT`, `PORT`, `[V6]:PORT`, `unix:PATH`, \
         `unix:@NAME` or `fd://N`; several as a list, or separated by commas in the environment";

    fn parse(text: &str) -> Result<ListenerSpec, String> {
        text.parse()
    }

    fn print(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Value + PartialEq + std::fmt::Debug>(good: &[(&str, T)], bad: &[(&str, &str)]) {
        for (text, value) in good {
            assert_eq!(T::parse(text).as_ref(), Ok(value), "{text}");
            assert_eq!(T::parse(&value.print()).as_ref(), Ok(value), "{text}");
        }
        for (text, reason) in bad {
            assert_eq!(T::parse(text), Err((*reason).to_owned()), "{text}");
        }
    }

    #[test]
    fn counts() {
        let (no, negative) = ("not a whole number", "it cannot be negative");
        check::<u32>(
            &[("0", 0), ("4", 4), ("4294967295", u32::MAX)],
            &[
                ("", no),
                ("-", no),
                ("four", no),
                ("4.0", no),
                ("0x10", no),
                ("+4", no),
                ("1_000", no),
                ("-3", negative),
                ("4294967296", "too large: at most 4294967295"),
            ],
        );
        assert_eq!(within(512, 1..=512), Ok(()));
        assert_eq!(within(0, 1..=512), Err("it must be from 1 to 512".to_owned()));
    }

    #[test]
    fn switches() {
        let reason = "it must be true or false";
        check::<bool>(
            &[("true", true), ("True", true), ("false", false)],
            &[("1", reason), ("yes", reason), ("", reason)],
        );
    }

    #[test]
    fn texts_and_destinations() {
        check::<String>(&[("a b", "a b".to_owned())], &[("", "it is empty")]);
        check::<Destination>(
            &[("-", Destination::Standard), ("/var/log/x", Destination::File("/var/log/x".into()))],
            &[("", "the path is empty")],
        );
    }

    #[test]
    fn levels() {
        let reason = "it must be debug, info, warning, error or critical";
        check::<LogLevel>(
            &[("info", LogLevel::Info), ("WARNING", LogLevel::Warning)],
            &[("warn", reason), ("", reason), ("trace", reason)],
        );
        assert!(LogLevel::ALL.is_sorted());
    }

    #[test]
    fn addresses() {
        check::<ListenerSpec>(
            &[("fd://3", ListenerSpec::Fd(3))],
            &[("x:http", "\"http\" is not a port number")],
        );
    }
}
