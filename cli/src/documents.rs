//! What the pages say about options is true: every flag that one of them names is one of ours, one of
//! gunicorn's, or of a tool that is in the list here.

use std::path::Path;

use oxicorn_arbiter::event::Signal;
use oxicorn_core::config::gunicorn::GUNICORN;
use oxicorn_core::config::{OTHER_FLAGS, TABLE};

use crate::args::NEGATED;

const PAGES: [&str; 7] = [
    "README.md",
    "docs/for-rust-authors.md",
    "docs/choosing-a-worker-class.md",
    "docs/from-gunicorn.md",
    "docs/containers.md",
    "docs/architecture.md",
    "docs/settings.md",
];

/// Of cargo, docker and `server bench`.
const OF_TOOLS: [&str; 13] = [
    "path",
    "release",
    "workspace",
    "rm",
    "read-only",
    "user",
    "cap-drop",
    "stop-timeout",
    "locked",
    "loads",
    "connections",
    "peers",
    "duration",
];

fn is_known(flag: &str) -> bool {
    let ours = TABLE.iter().any(|row| row.flag() == flag || row.also.contains(&flag));
    let theirs =
        || GUNICORN.iter().flat_map(|row| row.flags).any(|f| f.strip_prefix("--") == Some(flag));
    let negated = || NEGATED.iter().any(|(no, _)| no.strip_prefix("--") == Some(flag));
    ours || theirs() || negated() || OTHER_FLAGS.contains(&flag) || OF_TOOLS.contains(&flag)
}

#[test]
fn every_flag_in_the_pages_exists() {
    for page in PAGES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        let text = std::fs::read_to_string(path).unwrap();
        for (at, _) in text.match_indices("--") {
            let begins = text[..at].ends_with([' ', '`', '\n', '(']);
            let flag =
                text[at + 2..].split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
            let flag = flag.into_iter().next().unwrap_or_default().trim_end_matches('-');
            if begins && flag.starts_with(|c: char| c.is_ascii_alphabetic()) {
                assert!(is_known(flag), "{page}: there is no --{flag}");
            }
        }
    }
}

#[test]
fn every_signal_is_compared_with_gunicorns() {
    let page = include_str!("../../docs/from-gunicorn.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    for signal in Signal::HANDLED.iter().filter(|signal| **signal != Signal::Chld) {
        let name = signal.name().to_uppercase();
        let compared = rows.iter().any(|row| {
            row.split('|').nth(1).is_some_and(|cell| cell.split([' ', ',']).any(|n| n == name))
        });
        assert!(compared, "{name}");
    }
}

/// The two commands that a newcomer types first, word for word.
#[test]
fn the_readme_has_its_two_commands() {
    let readme = include_str!("../../README.md");
    for command in ["\ncargo run --release -- -k sync -w 2\n", "\ncargo test --workspace\n"] {
        assert_eq!(readme.matches(command).count(), 1, "{command}");
    }
}

/// Each is a program of its own with a page and a test, and in the list for authors.
#[test]
fn every_example_has_its_page_and_its_test() {
    let list = include_str!("../../docs/for-rust-authors.md");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for example in std::fs::read_dir(folder).unwrap() {
        let path = example.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(path.join("README.md").is_file(), "{name} has no README.md");
        // Those of `deploy` are in the suites.
        assert!(name == "deploy" || path.join("tests").is_dir(), "{name} has no test");
        assert!(list.contains(&format!("](../examples/{name})")), "{name} is not in the list");
    }
}
