//! A setting as data. Whatever has to do with all settings (the command line, the help, the
//! reference page, a reload) goes through the rows and knows none of them by name.

use std::ops::RangeInclusive;

use super::settings::{Config, TABLE};
use super::value::{Arity, Completes, Raw};

/// One setting: a row of [`TABLE`].
#[derive(Debug)]
pub struct Setting {
    /// Its name: the key in a configuration file, and what errors call it.
    pub name: &'static str,
    /// Its short flag.
    pub short: Option<char>,
    /// The spellings of its long flag that gunicorn's users know, besides its own.
    pub also: &'static [&'static str],
    /// Where `--help` puts it.
    pub group: Group,
    /// The worker classes that it means something to.
    pub classes: Classes,
    /// What a reload does when its value has changed.
    pub reload: Reload,
    /// What stands for its value in `--help`.
    pub holder: &'static str,
    /// How its value is written.
    pub syntax: &'static str,
    /// How many values it takes.
    pub arity: Arity,
    /// What a shell offers for its value.
    pub completes: Completes,
    /// The bounds of a count.
    pub range: Option<RangeInclusive<u32>>,
    /// What it is, in one line.
    pub help: &'static str,
    /// The rest that there is to say, line by line, in Markdown.
    pub long: &'static [&'static str],
    pub(super) set: fn(&mut Config, &Raw) -> Result<(), String>,
    pub(super) get: fn(&Config) -> Raw,
}

impl Setting {
    /// Its long flag, without the dashes in front.
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// Its value in `config`.
    pub fn value(&self, config: &Config) -> Raw {
        (self.get)(config)
    }

    /// Its value when nobody says anything.
    pub fn default(&self) -> Raw {
        self.value(&Config::default())
    }

    /// Whether a configuration file may have it: one that says which file to read, or that nothing
    /// is to be started, may not.
    pub fn belongs_in_a_file(&self) -> bool {
        self.group != Group::Tools
    }
}

/// What the names of all environment variables begin with that are ours.
pub(super) const VARIABLE_PREFIX: &str = "OXICORN_";

/// The long flags that are no settings.
pub const OTHER_FLAGS: [&str; 4] = ["help", "version", "man", "completions"];

/// The row of the setting `name`.
pub fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().find(|setting| setting.name == name)
}

/// What settings have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Where connections come in.
    Socket,
    /// The worker processes.
    Workers,
    /// How long things may take.
    Time,
    /// How large requests may be.
    Limits,
    /// The processes as the system sees them.
    Process,
    /// Who is believed about the client.
    Proxies,
    /// What is written down.
    Logs,
    /// What is counted, and who is told.
    Metrics,
    /// What to do instead of serving, and with which file.
    Tools,
}

impl Group {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Group::Socket => "Socket",
            Group::Workers => "Workers",
            Group::Time => "Time",
            Group::Limits => "Limits",
            Group::Process => "Process",
            Group::Proxies => "Proxies",
            Group::Logs => "Logs",
            Group::Metrics => "Metrics",
            Group::Tools => "Tools",
        }
    }
}

/// The worker classes that a setting means something to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classes {
    /// Every one, also those that others write.
    All,
    /// Of ours, these, by their first names.
    Only(&'static [&'static str]),
}

/// The first names of our worker classes.
pub(super) const CLASSES: [&str; 4] = ["sync", "threaded", "coroutine", "tokio"];

/// What a reload does when the value of a setting has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// The master goes by the new value at once.
    Live,
    /// The workers that the reload starts have the new value.
    Generation,
    /// Nothing: the new value needs a restart, and a WARNING says so.
    Restart,
}

impl Reload {
    /// As the reference page says it.
    pub fn effect(self) -> &'static str {
        match self {
            Reload::Live => "applies at once",
            Reload::Generation => "applies to the workers that it starts",
            Reload::Restart => "changes nothing; a restart does",
        }
    }
}

impl Config {
    /// The settings whose values differ in `newer`, in the order of the table.
    pub fn changed(&self, newer: &Config) -> Vec<&'static Setting> {
        TABLE.iter().filter(|setting| setting.value(self) != setting.value(newer)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_spelling_belongs_to_one_setting() {
        let mut seen = BTreeSet::from(OTHER_FLAGS.map(str::to_owned));
        let mut shorts = BTreeSet::from(['h', 'v', 'V']);
        for setting in TABLE {
            assert!(seen.insert(setting.flag()), "--{}", setting.flag());
            for also in setting.also {
                assert!(seen.insert((*also).to_owned()), "--{also}");
            }
            assert!(setting.short.is_none_or(|short| shorts.insert(short)), "-{:?}", setting.short);
        }
    }

    #[test]
    fn names_are_plain_and_found() {
        for setting in TABLE {
            assert!(setting.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            assert!(find(setting.name).is_some_and(|found| std::ptr::eq(found, setting)));
        }
        assert!(find("no_such").is_none());
    }

    #[test]
    fn groups_are_not_scattered() {
        let mut groups: Vec<Group> = TABLE.iter().map(|setting| setting.group).collect();
        groups.dedup();
        let titles: BTreeSet<&str> = groups.iter().map(|group| group.title()).collect();
        assert_eq!(titles.len(), groups.len());
    }

    #[test]
    fn defaults_are_what_they_print() {
        for setting in TABLE {
            let mut config = Config::default();
            (setting.set)(&mut config, &setting.default()).unwrap();
            assert_eq!(setting.value(&config), setting.default());
            assert!(Config::default().changed(&config).is_empty());
        }
    }

    #[test]
    fn each_row_sets_its_own_field_and_no_other() {
        for setting in TABLE {
            let texts = ["3", "true", "x.toml", "error", "10.0.0.0/8", "X-A=b", "refuse"];
            let texts = texts.iter().chain(&[
                "json",
                "udp://host",
                "daemon",
                "false",
                "asyncio",
                "on",
                "poll",
                "check",
            ]);
            let changed = { texts }.find_map(|text| {
                let mut config = Config::default();
                (setting.set)(&mut config, &Raw::One((*text).to_owned())).ok()?;
                let changed = Config::default().changed(&config);
                (!changed.is_empty()).then_some(changed)
            });
            let names: Vec<&str> = changed.unwrap_or_default().iter().map(|s| s.name).collect();
            assert_eq!(names, [setting.name]);
        }
    }

    #[test]
    fn docs_read_alike() {
        for setting in TABLE {
            let help = setting.help.trim();
            assert!(help.len() <= 70, "{}: too long", setting.name);
            assert!(!help.ends_with('.'), "{}: a dot", setting.name);
            assert!(help.starts_with(|c: char| c.is_ascii_uppercase()), "{}", setting.name);
            assert!(setting.long.len() >= 2, "{}: no long doc after an empty line", setting.name);
            assert_eq!(setting.long.first(), Some(&""), "{}", setting.name);
            assert!(setting.long.iter().all(|line| line.len() <= 100), "{}", setting.name);
            let says_off = setting.long.iter().any(|line| line.contains("`0`"));
            let has_off = ["TIME", "SIZE"].contains(&setting.holder)
                && (setting.set)(&mut Config::default(), &Raw::One("0".to_owned())).is_ok();
            assert!(!has_off || says_off, "{}: what is 0?", setting.name);
        }
    }

    #[test]
    fn completed_words_are_values() {
        for setting in TABLE {
            if let Completes::Words(words) = setting.completes {
                for word in words {
                    let raw = Raw::One((*word).to_owned());
                    assert_eq!((setting.set)(&mut Config::default(), &raw), Ok(()), "{word}");
                    assert!(setting.syntax.contains(&format!("`{word}`")), "{word}");
                }
            }
        }
    }

    #[test]
    fn classes_are_ours() {
        for setting in TABLE {
            if let Classes::Only(names) = setting.classes {
                assert!(names.iter().all(|name| CLASSES.contains(name)));
            }
        }
    }
}
