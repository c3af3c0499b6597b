//! No row of the table is dead: for each there is a place in the sources that reads its field from a
//! configuration. The compiler cannot say so, because the fields are public. That the value is also
//! obeyed is for the tests of the setting itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reference::repository;
use super::settings::TABLE;
use super::table::Reload;

/// Where programs are made that read settings.
const SOURCES: [&str; 8] = [
    "core/base/src",
    "core/arbiter/src",
    "workers/sync/src",
    "workers/threaded/src",
    "workers/coroutine/src",
    "workers/tokio/src",
    "cli/src",
    "python/src",
];

/// What runs in the master, where a setting with the policy `Live` must be read.
const MASTER: [&str; 3] = ["core/arbiter/src", "cli/src", "core/base/src/log"];

/// What a configuration is called where it is read, besides "self" in its own methods.
const CALLED: [&str; 6] = ["config", "config()", "new", "settings", "newer", "outer"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests" || name == "sim");
        match path.is_dir() {
            _ if is_test => {}
            true => files(&path, found),
            false => found.extend((path.extension().is_some_and(|e| e == "rs")).then_some(path)),
        }
    }
}

/// The code of all files below `folder`, without tests and comments; a chain of calls over several
/// lines is one word.
fn code(folder: &str) -> String {
    let mut found = Vec::new();
    files(&repository(folder), &mut found);
    let table = ["settings.rs", "table.rs", "value.rs", "reference.rs", "used.rs"];
    let is_table = |path: &Path| {
        let in_config = path.parent().is_some_and(|folder| folder.ends_with("config"));
        in_config && path.file_name().is_some_and(|name| table.iter().any(|table| name == *table))
    };
    let mut code = String::new();
    for path in found.iter().filter(|path| !is_table(path)) {
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let text = match text.contains("impl Config {") {
            true => text.replace("self.", "config."),
            false => text.to_owned(),
        };
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            if !line.starts_with('.') {
                code.push('\n');
            }
            code.push_str(line);
        }
    }
    code
}

fn is_read(name: &str, code: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    CALLED.iter().any(|config| {
        let access = format!("{config}.{name}");
        code.match_indices(&access).any(|(at, _)| {
            let before = code[..at].chars().next_back();
            let after = code[at + access.len()..].chars().next();
            // A call is a method of that name.
            !before.is_some_and(is_word) && !after.is_some_and(|c| is_word(c) || c == '(')
        })
    })
}

#[test]
fn every_setting_is_read_somewhere() {
    let code: String = SOURCES.iter().map(|folder| code(folder)).collect();
    let dead: Vec<&str> =
        TABLE.iter().map(|row| row.name).filter(|name| !is_read(name, &code)).collect();
    assert!(dead.is_empty(), "nobody reads {dead:?}");
    assert!(!is_read("no_such_setting", &code));
}

#[test]
fn what_applies_at_once_is_read_by_the_master() {
    let code: BTreeMap<&str, String> = MASTER.map(|folder| (folder, code(folder))).into();
    for setting in TABLE.iter().filter(|setting| setting.reload == Reload::Live) {
        let read = code.values().any(|code| is_read(setting.name, code));
        assert!(read, "{}: a reload cannot apply it at once", setting.name);
    }
}

#[test]
fn a_read_is_told_from_what_looks_like_one() {
    for (code, expected) in [
        ("self.config.timeout.get()", true),
        ("plan.config.timeout;", true),
        ("config.timeouts", false),
        ("myconfig.timeout", false),
        ("config.timeout(5)", false),
        ("row.timeout", false),
    ] {
        assert_eq!(is_read("timeout", code), expected, "{code}");
    }
}
