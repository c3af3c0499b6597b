//! What is wrong with the settings, in one line: which setting, what was written, where, and why.
//! An error that does not say where a value comes from sends its reader through five places.

use std::fmt;

use super::gunicorn::{Theirs, theirs};
use super::layers::Origin;
use super::settings::TABLE;
use super::table::{OTHER_FLAGS, VARIABLE_PREFIX};

/// Why the settings cannot be used. Its text is always one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    line: String,
    exit_status: u8,
}

/// Of a process that was started with settings it cannot use.
const BAD_SETTINGS: u8 = 1;
/// Of a process whose command line is wrong: what getopt's and argparse's users expect.
const BAD_COMMAND_LINE: u8 = 2;

impl ConfigError {
    /// The setting `name` has a value that cannot be used: "NAME = VALUE (ORIGIN): REASON".
    pub fn new(name: &str, value: &str, origin: &Origin, reason: impl fmt::Display) -> ConfigError {
        ConfigError::at(&format!("{name} = {value:?}"), origin, reason)
    }

    /// Something else than a value is wrong in `origin`: "SUBJECT (ORIGIN): REASON".
    pub fn at(subject: &str, origin: &Origin, reason: impl fmt::Display) -> ConfigError {
        let exit_status = match origin {
            Origin::CommandLine => BAD_COMMAND_LINE,
            Origin::Default
            | Origin::DefaultFrom(_)
            | Origin::Program
            | Origin::File { .. }
            | Origin::CmdArgs
            | Origin::Env(_)
            | Origin::Passed => BAD_SETTINGS,
        };
        ConfigError { line: one_line(&format!("{subject} ({origin}): {reason}")), exit_status }
    }

    /// Something is wrong that is not about one setting.
    pub fn message(text: impl fmt::Display) -> ConfigError {
        ConfigError { line: one_line(&text.to_string()), exit_status: BAD_SETTINGS }
    }

    /// There is no such setting. `written` is what the user wrote, dashes and all.
    pub fn unknown(written: &str, spelling: Spelling, origin: &Origin) -> ConfigError {
        let name = spelling.to_name(written);
        let missing = spelling.missing();
        let gunicorns = match spelling {
            Spelling::Flag => theirs(written),
            Spelling::Key | Spelling::Variable => theirs(&name),
        };
        let hint = gunicorns.filter(|row| row.setting().is_none()).map(Theirs::hint);
        let reason = match (hint, nearest(&name, spelling.known())) {
            (Some(hint), _) => format!("{missing}: {hint}"),
            (None, Some(known)) => {
                format!("{missing}; did you mean {}?", spelling.to_written(&known))
            }
            (None, None) => format!("{missing}; {}", spelling.where_they_are()),
        };
        match spelling {
            // The origin is the variable itself: once is enough.
            Spelling::Variable => ConfigError::message(format!("{written}: {reason}")),
            Spelling::Key | Spelling::Flag => ConfigError::at(written, origin, reason),
        }
    }

    /// The exit status of a process that cannot start because of it: 2 when the mistake is on the
    /// command line, else 1.
    pub fn exit_status(&self) -> u8 {
        self.exit_status
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for ConfigError {}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => line.extend(c.escape_default()),
            false => line.push(c),
        }
    }
    line
}

/// How a setting is spelled where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// In a configuration file: `keepalive_grace`.
    Key,
    /// In the environment: `OXICORN_KEEPALIVE_GRACE`.
    Variable,
    /// On a command line: `--keepalive-grace`.
    Flag,
}

impl Spelling {
    fn missing(self) -> &'static str {
        match self {
            Spelling::Key | Spelling::Variable => "no such setting",
            Spelling::Flag => "no such option",
        }
    }

    fn where_they_are(self) -> &'static str {
        match self {
            Spelling::Key | Spelling::Variable => "--print-config lists them all",
            Spelling::Flag => "--help lists them all",
        }
    }

    fn to_name(self, written: &str) -> String {
        let written = match self {
            Spelling::Key => written,
            Spelling::Variable => written.strip_prefix(VARIABLE_PREFIX).unwrap_or(written),
            Spelling::Flag => written.trim_start_matches('-'),
        };
        written.to_ascii_lowercase().replace('-', "_")
    }

    fn to_written(self, name: &str) -> String {
        match self {
            Spelling::Key => own_name(name).to_owned(),
            Spelling::Variable => {
                format!("{VARIABLE_PREFIX}{}", own_name(name).to_ascii_uppercase())
            }
            Spelling::Flag => format!("--{}", name.replace('_', "-")),
        }
    }

    fn known(self) -> impl Iterator<Item = String> {
        let names = TABLE.iter().map(|setting| setting.name.to_owned());
        let also = TABLE.iter().flat_map(|setting| setting.also);
        let no_settings: &[&str] = match self {
            Spelling::Flag => &OTHER_FLAGS,
            Spelling::Key | Spelling::Variable => &[],
        };
        names.chain(also.chain(no_settings).map(|flag| flag.replace('-', "_")))
    }
}

/// Only flags have more than one spelling.
fn own_name(spelled: &str) -> &str {
    let is_also = |flag: &&str| flag.replace('-', "_") == spelled;
    let row = TABLE.iter().find(|row| row.also.iter().any(is_also));
    row.map_or(spelled, |row| row.name)
}

/// Of the words `known` the one that somebody who wrote `word` has most likely meant.
pub fn nearest(word: &str, known: impl IntoIterator<Item = impl Into<String>>) -> Option<String> {
    let most = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|known| {
            let known = known.into();
            (strsim::damerau_levenshtein(word, &known), known)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_everything() {
        let origin = Origin::File { path: "a\nb.toml".into(), line: Some(3) };
        let error = ConfigError::new("workers", "a\nb", &origin, "not a\twhole number");
        assert_eq!(error.to_string(), r#"workers = "a\nb" (a\nb.toml:3): not a\twhole number"#);
        assert_eq!(error.exit_status(), 1);
        let error = ConfigError::new("workers", "0", &Origin::CommandLine, "no");
        assert_eq!(error.to_string(), r#"workers = "0" (command line): no"#);
        assert_eq!(error.exit_status(), 2);
        assert_eq!(ConfigError::message("x\ny").to_string(), "x\\ny");
    }

    #[test]
    fn unknown_names_get_the_nearest_in_their_own_spelling() {
        let (file, line) = ("f".into(), Some(1));
        let file = Origin::File { path: file, line };
        let env = Origin::Env(String::new());
        for (written, spelling, origin, text) in [
            (
                "worker",
                Spelling::Key,
                &file,
                "worker (f:1): no such setting; did you mean workers?",
            ),
            (
                "keep_alive",
                Spelling::Key,
                &file,
                "keep_alive (f:1): no such setting; did you mean keepalive?",
            ),
            (
                "worker-class",
                Spelling::Key,
                &file,
                "worker-class (f:1): no such setting; did you mean worker_class?",
            ),
            (
                "xyz",
                Spelling::Key,
                &file,
                "xyz (f:1): no such setting; --print-config lists them all",
            ),
            (
                "worker_tmp_dir",
                Spelling::Key,
                &file,
                "worker_tmp_dir (f:1): no such setting: heartbeats are in shared memory, no file \
                 is needed",
            ),
            (
                "OXICORN_WORKRES",
                Spelling::Variable,
                &env,
                "OXICORN_WORKRES: no such setting; did you mean OXICORN_WORKERS?",
            ),
            (
                "OXICORN_LOG_LEVEL",
                Spelling::Variable,
                &env,
                "OXICORN_LOG_LEVEL: no such setting; did you mean OXICORN_LOGLEVEL?",
            ),
            (
                "--wrokers",
                Spelling::Flag,
                &Origin::CommandLine,
                "--wrokers (command line): no such option; did you mean --workers?",
            ),
            (
                "--loglevle",
                Spelling::Flag,
                &Origin::CmdArgs,
                "--loglevle (SERVER_CMD_ARGS): no such option; did you mean --loglevel?",
            ),
            (
                "--hepl",
                Spelling::Flag,
                &Origin::CommandLine,
                "--hepl (command line): no such option; did you mean --help?",
            ),
        ] {
            let error = ConfigError::unknown(written, spelling, origin);
            assert_eq!(error.to_string(), text);
        }
    }
}
