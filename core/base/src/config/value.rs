//! What the value of a setting can be. Every source (a flag, a variable, a file) hands over plain
//! text, so that each type is read in one place and means the same everywhere, and what is printed
//! can be read again.

mod account;
pub(super) mod kinds;
mod listed;
mod logs;
mod metrics;
mod mode;
mod patch;
mod proxies;
mod size;
mod time;
mod variable;
pub(crate) mod workers;

use std::fmt;

pub use account::{GroupAccount, Person, UserAccount};
pub use kinds::{Destination, LogLevel};
pub use listed::Listed;
pub use logs::{Facility, LogFormat, SyslogAddress, UnixKind};
pub use metrics::{MetricPrefix, MetricTags, StatsdHost};
pub use mode::{Permissions, Umask};
pub use patch::Patch;
pub use proxies::{FieldPattern, ProxyProtocol, SchemeHeader, Sender, Underscores};
pub use size::ByteSize;
pub use time::Timeout;
pub use variable::{Variable, Variables};
pub use workers::Workers;

/// A value as the user wrote it, before it is read as one of a setting's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raw {
    /// One value.
    One(String),
    /// A list, in order.
    Many(Vec<String>),
}

impl Raw {
    /// The same as TOML, on one line: numbers and booleans bare, everything else a string.
    pub fn to_toml(&self) -> String {
        match self {
            Raw::One(text) => toml_scalar(text),
            Raw::Many(items) => {
                let items: Vec<String> = items.iter().map(|item| toml_scalar(item)).collect();
                format!("[{}]", items.join(", "))
            }
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Raw::One(text) => f.write_str(text),
            Raw::Many(items) => f.write_str(&items.join(", ")),
        }
    }
}

fn toml_scalar(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_number || matches!(text, "true" | "false") {
        return text.to_owned();
    }
    let quoted = text.contains(['"', '\\']);
    // A log format is unreadable with each of its quotes escaped: TOML's literal string needs none.
    if quoted && !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    let mut basic = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => basic.extend(['\\', c]),
            c if c.is_control() => basic.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => basic.push(c),
        }
    }
    basic.push('"');
    basic
}

/// How many values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// A switch: its flag alone means `true`.
    Flag,
    /// One.
    One,
    /// A list: its flag may be repeated.
    Many,
    /// A list of NAME=VALUE, which may also be a table in a file.
    Pairs,
}

/// What a shell offers when a value is to be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completes {
    /// Nothing: the value is the user's own.
    Nothing,
    /// One of these words.
    Words(&'static [&'static str]),
    /// The name of a file.
    Files,
    /// The name of a folder.
    Folders,
}

/// A type that a setting can have. `parse` reads what `print` has written.
pub trait Value: Sized {
    /// What stands for it in `--help`.
    const HOLDER: &'static str;
    /// How it is written, for the reference page.
    const SYNTAX: &'static str;
    /// How many values it takes.
    const ARITY: Arity = Arity::One;
    /// What a shell offers for it.
    const COMPLETES: Completes = Completes::Nothing;

    /// Reads one value.
    ///
    /// # Errors
    /// The reason, as it follows "bind = ... (command line): ".
    fn parse(text: &str) -> Result<Self, String>;

    /// Writes it so that [`Value::parse`] reads the same.
    fn print(&self) -> String;

    /// Reads it as it came from a layer.
    ///
    /// # Errors
    /// Those of [`Value::parse`], and a list where one value is meant.
    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::One(text) => Self::parse(text.trim()),
            Raw::Many(_) => Err("one value is expected, not a list".to_owned()),
        }
    }

    /// The opposite of [`Value::read`].
    fn write(&self) -> Raw {
        Raw::One(self.print())
    }
}

/// The word for an optional setting that is not set: TOML has no null.
pub const NONE: &str = "none";

impl<T: Value> Value for Option<T> {
    const HOLDER: &'static str = T::HOLDER;
    const SYNTAX: &'static str = T::SYNTAX;
    const ARITY: Arity = T::ARITY;
    const COMPLETES: Completes = T::COMPLETES;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" | NONE => Ok(None),
            text => T::parse(text).map(Some),
        }
    }

    fn print(&self) -> String {
        self.as_ref().map_or(NONE.to_owned(), T::print)
    }
}

impl<T: Value> Value for Vec<T> {
    const HOLDER: &'static str = T::HOLDER;
    const SYNTAX: &'static str = T::SYNTAX;
    const ARITY: Arity = Arity::Many;
    const COMPLETES: Completes = T::COMPLETES;

    fn parse(text: &str) -> Result<Self, String> {
        T::parse(text).map(|value| vec![value])
    }

    fn print(&self) -> String {
        self.write().to_string()
    }

    fn read(raw: &Raw) -> Result<Self, String> {
        match raw {
            Raw::One(text) => Self::parse(text.trim()),
            Raw::Many(items) if items.is_empty() => Err("the list is empty".to_owned()),
            Raw::Many(items) => items
                .iter()
                .map(|item| T::parse(item.trim()).map_err(|reason| in_list(items, item, reason)))
                .collect(),
        }
    }

    fn write(&self) -> Raw {
        Raw::Many(self.iter().map(T::print).collect())
    }
}

fn in_list(items: &[String], item: &str, reason: String) -> String {
    match items {
        [_] => reason,
        _ => format!("{item:?}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn many(items: &[&str]) -> Raw {
        Raw::Many(items.iter().map(|&item| item.to_owned()).collect())
    }

    #[test]
    fn lists_are_read_item_by_item_and_name_the_bad_one() {
        assert_eq!(Vec::<u32>::read(&many(&["1", " 2 "])), Ok(vec![1, 2]));
        assert_eq!(Vec::<u32>::read(&Raw::One("3".to_owned())), Ok(vec![3]));
        assert_eq!(
            Vec::<u32>::read(&many(&["1", "x"])),
            Err("\"x\": not a whole number".to_owned())
        );
        assert_eq!(Vec::<u32>::read(&many(&["x"])), Err("not a whole number".to_owned()));
        assert!(Vec::<u32>::read(&many(&[])).is_err());
        assert!(u32::read(&many(&["1"])).is_err());
    }

    #[test]
    fn none_has_a_word() {
        for text in ["", NONE] {
            assert_eq!(Option::<u32>::parse(text), Ok(None));
        }
        assert_eq!(Option::<u32>::parse("7"), Ok(Some(7)));
        assert_eq!(None::<u32>.print(), NONE);
    }

    #[test]
    fn toml_is_bare_where_it_can_be() {
        for (text, written) in [
            ("30", "30"),
            ("007", "\"007\""),
            ("true", "true"),
            ("500ms", "\"500ms\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("it's \"hi\"", "\"it's \\\"hi\\\"\""),
            ("a\nb", "\"a\\u000Ab\""),
        ] {
            assert_eq!(Raw::One(text.to_owned()).to_toml(), written);
        }
        assert_eq!(many(&["a", "b"]).to_toml(), "[\"a\", \"b\"]");
    }

    proptest! {
        #[test]
        fn any_text_survives_toml(text in any::<String>()) {
            let line = format!("key = {}", Raw::One(text.clone()).to_toml());
            prop_assert_eq!(line.lines().count(), 1);
            let table: toml::Table = line.parse().unwrap();
            let read = match &table["key"] {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            prop_assert_eq!(read, text);
        }
    }
}
