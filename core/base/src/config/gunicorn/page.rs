//! The table of docs/from-gunicorn.md, made from the rows. The rest of that page is written by hand,
//! around the two marks.

use std::path::Path;

use super::super::reference::{assert_up_to_date, repository};
use super::super::{Config, Setting, file};
use super::*;

const PAGE: &str = "docs/from-gunicorn.md";
const BEGIN: &str =
    "<!-- Made from the table in the code: UPDATE=1 cargo test -p oxicorn-core up_to_date -->\n";
const END: &str = "<!-- Here it ends. -->\n";

const HEAD: &str = "\
| gunicorn | flags | default there | here |
|---|---|---|---|
";

fn table() -> String {
    let rows = GUNICORN.iter().map(|row| {
        let flags: Vec<String> = row.flags.iter().map(|flag| format!("`{flag}`")).collect();
        let default = match row.default {
            "" => "a hook".to_owned(),
            default => format!("`{}`", cell(default)),
        };
        format!("| `{}` | {} | {default} | {} |\n", row.name, flags.join(" "), here(row))
    });
    format!("{HEAD}{}", rows.collect::<String>())
}

fn here(row: &Theirs) -> String {
    match row.setting() {
        Some(setting) => match has_their_default(row, setting) {
            true => "the same".to_owned(),
            false => {
                format!("the same name, default `{}`", cell(&setting.default().to_toml()))
            }
        },
        None if matches!(row.ours, Ours::Hook) => "the same, for Python applications".to_owned(),
        None => format!("missing: {}", cell(row.hint())),
    }
}

/// Whether gunicorn's default, in a file, makes no difference here.
fn has_their_default(row: &Theirs, setting: &Setting) -> bool {
    let line = format!("{} = {}\n", row.name, row.default);
    let config = file::parse(Path::new("gunicorn.conf.py"), &line).and_then(Config::resolve);
    match config {
        Ok(config) if config.explicit(row.name) => setting.value(&config) == setting.default(),
        // What is None there has no value here either, or a default of its own.
        Ok(_) => ["none", "false"].contains(&setting.default().to_string().as_str()),
        // The tools, which no file may have, are off in both.
        Err(_) => setting.default().to_string() == "false",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
fn the_page_for_gunicorns_users_is_up_to_date() {
    let page = std::fs::read_to_string(repository(PAGE)).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    assert_up_to_date(PAGE, &format!("{before}{BEGIN}{}{END}{after}", table()));
}
