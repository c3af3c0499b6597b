//! What a line of a Python program is, when it is not a plain assignment, and what there is to write
//! instead: somebody who moves over has this file already, and wants to know which line to change.

use super::super::super::gunicorn::theirs;
use super::super::super::table::find;
use super::super::Plain;
use super::literal::Reader;
use super::{Cause, Trouble};

/// A value that is a word.
pub(super) fn constant(word: &str) -> Option<Plain> {
    match word {
        "None" => Some(Plain::Nothing),
        "True" => Some(Plain::Scalar("true".to_owned())),
        "False" => Some(Plain::Scalar("false".to_owned())),
        _ => None,
    }
}

const ONLY: &str = "this needs Python, only NAME = VALUE is read";
const COUNT: &str = "workers = \"auto\" is what to write instead of cpu_count()";

/// The name that is assigned to; the reader stands behind the sign then.
pub(super) fn name(reader: &mut Reader<'_>) -> Result<String, Trouble> {
    if reader.rest().starts_with([' ', '\t']) {
        return Err(reader.trouble(Cause::Typo, "it begins with a blank"));
    }
    let line = reader.rest_of_line();
    let start = reader.trouble(Cause::Program, program(line));
    let name = reader.take(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    reader.blanks_in_line();
    if reader.at(':') && line.contains('=') {
        // "workers: int = 4": the type says nothing that its setting does not.
        reader.take(|c| !matches!(c, '=' | '\n'));
    }
    let is_comparison = reader.rest().starts_with("==");
    match !name.is_empty() && !is_comparison && reader.skip("=") {
        true => Ok(name.to_owned()),
        false => Err(start),
    }
    .map_err(|trouble| match is_python(line) {
        true => trouble,
        false => Trouble {
            cause: Cause::Typo,
            reason: "only NAME = VALUE is read".to_owned(),
            ..trouble
        },
    })
}

/// What a statement begins with.
const WORDS: [&str; 14] = [
    "import", "from", "def", "class", "if", "for", "while", "with", "try", "async", "del",
    "assert", "pass", "raise",
];

fn is_python(line: &str) -> bool {
    let word = line.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let behind = line.get(word.len()..).unwrap_or_default().trim_start();
    let is_operation = ["+=", "-=", "*=", "|=", "==", "."].iter().any(|op| behind.starts_with(op));
    let is_call = behind.starts_with('(');
    let is_index = !word.is_empty() && behind.starts_with('[');
    WORDS.contains(&word) || line.starts_with('@') || is_operation || is_call || is_index
}

/// About a statement that is no assignment.
fn program(line: &str) -> String {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    match (words.next(), words.next()) {
        (Some("import" | "from"), Some("multiprocessing" | "psutil")) => {
            format!("{ONLY}; {COUNT}")
        }
        (Some("import" | "from"), Some("os")) => {
            format!("{ONLY}; the variables OXICORN_<NAME> are read without it")
        }
        (Some("def"), Some(name)) if let Some(hook) = theirs(name) => hook.hint().to_owned(),
        _ => ONLY.to_owned(),
    }
}

/// About a value of the setting `name` that is computed; the value is in `line`.
pub(super) fn instead_of_computing(name: &str, line: &str) -> String {
    let is_read_from_environment = line.contains("environ") || line.contains("getenv");
    match find(name) {
        _ if line.contains("cpu_count") => format!("this needs Python; {COUNT}"),
        Some(setting) if is_read_from_environment => format!(
            "this needs Python; without the line, the variable {} sets it",
            setting.variable()
        ),
        _ => "this needs Python, write the value itself".to_owned(),
    }
}
