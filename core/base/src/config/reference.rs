//! `docs/settings.md`, made from the table: a page that is written by hand is wrong after the next
//! row.

use super::settings::TABLE;
use super::table::{Classes, Group, Setting};

const INTRODUCTION: &str = "\
# Settings

<!-- Made from the table of settings: UPDATE=1 cargo test -p oxicorn-core up_to_date -->

Every setting has a flag, a key in the configuration file and an environment variable. What is later
in this list overrules what is earlier:

1. the default, which `PORT` (for `bind`) and `WEB_CONCURRENCY` (for `workers`) change;
2. the configuration file: `-c FILE`, otherwise `./server.toml` if there is one, otherwise for a Python
   application `./gunicorn.conf.py`;
3. `SERVER_CMD_ARGS`: options in an environment variable, quoted as in a shell;
4. `OXICORN_<NAME>`: the setting's own environment variable;
5. the command line.

A list replaces the list below it. The configuration file is TOML with the settings' names as keys, or
gunicorn's file of plain assignments: Python's texts, numbers, lists, tuples, dictionaries, `True`,
`False` and `None` are understood, whatever the file is called. A name that ends in `.py` is read as
Python first, any other as TOML first. What has to be computed is executed for a Python application
([python-configuration.md](python-configuration.md)), and refused with its line for another.

`server --print-config` prints every setting with its origin. `0` switches a limit or a time off.
Those who come from gunicorn find their settings in [from-gunicorn.md](from-gunicorn.md).
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut group: Option<Group> = None;
    for setting in TABLE {
        if group.replace(setting.group) != Some(setting.group) {
            page += &format!("\n## {}\n", setting.group.title());
        }
        page += &section(setting);
    }
    page
}

fn section(setting: &Setting) -> String {
    let mut flags: Vec<String> = Vec::new();
    flags.extend(setting.short.map(|short| format!("`-{short}`")));
    flags.push(format!("`--{}`", setting.flag()));
    flags.extend(setting.also.iter().map(|also| format!("`--{also}`")));
    let mut text = format!("\n### `{}`\n\n{}.\n", setting.name, setting.help.trim());
    for line in setting.long {
        text += &format!("{}\n", line.trim());
    }
    text += &format!("\n- Flags: {}\n", flags.join(", "));
    text += &format!("- Environment: `{}`\n", setting.variable());
    text += &format!("- Value: {}{}\n", setting.syntax, bounds(setting));
    text += &format!("- Default: `{}`\n", setting.default().to_toml());
    if let Classes::Only(names) = setting.classes {
        text += &format!("- Worker classes: {}\n", names.join(", "));
    }
    if setting.belongs_in_a_file() {
        text += &format!("- A reload: {}\n", setting.reload.effect());
    }
    text
}

fn bounds(setting: &Setting) -> String {
    setting
        .range
        .as_ref()
        .map_or(String::new(), |range| format!(" from {} to {}", range.start(), range.end()))
}

#[test]
fn the_page_is_up_to_date() {
    assert_up_to_date("docs/settings.md", &page());
}

/// Compares the file `name` of the repository with what it should be, or with UPDATE=1 writes it.
#[track_caller]
pub(super) fn assert_up_to_date(name: &str, text: &str) {
    let path = repository(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{name} is stale: UPDATE=1 cargo test -p oxicorn-core -p oxicorn up_to_date"
    );
}

pub(super) fn repository(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}
