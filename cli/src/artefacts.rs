//! What is made from the table of settings and kept in the repository, for those who package it: the
//! tests fail when a file is stale, and write it with UPDATE=1.

use std::path::Path;

use crate::registry::Registry;
use crate::{command, completions, man};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

#[track_caller]
fn assert_up_to_date(name: &str, text: &str) {
    let path = Path::new(REPOSITORY).join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "{name} is stale: UPDATE=1 cargo test -p oxicorn-core -p oxicorn up_to_date"
    );
}

#[test]
fn the_manual_page_is_up_to_date() {
    assert_up_to_date("docs/man/server.1", &man::page("server"));
}

#[test]
fn the_completions_are_up_to_date() {
    for (shell, file) in command::SHELLS.into_iter().zip(["server.bash", "_server", "server.fish"])
    {
        let script =
            completions::script(completions::shell(shell).unwrap(), "server", Registry::OURS);
        assert_up_to_date(&format!("docs/completions/{file}"), &script);
    }
}
