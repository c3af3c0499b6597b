//! The command line, made from the table of settings. clap splits the arguments; which of them exist
//! is the table's affair, what a value means is the setting's type's, and what is wrong is said in
//! the same one line as for a file or the environment.

use std::ffi::OsString;

use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap_complete::Shell;
use oxicorn_core::config::gunicorn;
use oxicorn_core::config::value::Arity;
use oxicorn_core::config::{
    ConfigError, Given, OTHER_FLAGS, Origin, Raw, Setting, Spelling, TABLE,
};

use crate::command::{APP, COMPLETIONS, MAN, SHELLS, reading};
use crate::completions;

/// What a list of arguments says.
#[derive(Debug)]
pub(crate) enum Arguments {
    /// Options, and perhaps an application.
    Serve {
        /// The settings that the options give.
        given: Vec<Given>,
        /// The argument that is no option.
        app: Option<String>,
    },
    /// `--help`, before anything that is wrong.
    Help,
    /// `--version`, likewise.
    Version,
    /// `--man`.
    Man,
    /// `--completions SHELL`.
    Completions(Shell),
}

/// Reads `arguments`, which do not begin with the program's name. Every one of them is from
/// `origin`.
///
/// # Errors
/// An option that there is not, or that is short of its value; a second application.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    origin: &Origin,
) -> Result<Arguments, ConfigError> {
    let arguments = arguments.into_iter().map(affirmed);
    match reading().try_get_matches_from(arguments) {
        Ok(matches) if matches.get_flag(MAN) => Ok(Arguments::Man),
        Ok(matches) => match matches.get_one::<String>(COMPLETIONS) {
            Some(name) => completions::shell(name).map(Arguments::Completions).ok_or_else(|| {
                let reason = format!("it must be {}", SHELLS.join(", "));
                ConfigError::new(COMPLETIONS, name, origin, reason)
            }),
            None => Ok(Arguments::Serve {
                given: TABLE.iter().filter_map(|row| given(&matches, row, origin)).collect(),
                app: matches.get_one(APP).cloned(),
            }),
        },
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => Ok(Arguments::Help),
            ErrorKind::DisplayVersion => Ok(Arguments::Version),
            _ => Err(explain(&error, origin)),
        },
    }
}

/// The flags that say no to a setting which is on, and what they stand for.
pub(crate) const NEGATED: [(&str, &str); 1] = [("--no-preload", "--preload-app=false")];

fn affirmed(argument: OsString) -> OsString {
    let row = NEGATED.iter().find(|(flag, _)| argument == *flag);
    row.map_or(argument, |(_, meaning)| OsString::from(meaning))
}

fn given(matches: &ArgMatches, setting: &'static Setting, origin: &Origin) -> Option<Given> {
    let mut values: Vec<String> = matches.get_many(setting.name)?.cloned().collect();
    let raw = match setting.arity {
        Arity::Many | Arity::Pairs => Raw::Many(values),
        Arity::One | Arity::Flag => Raw::One(values.pop()?),
    };
    let origin = origin.clone();
    Some(Given { setting, raw, origin })
}

/// clap's error in one line of ours.
fn explain(error: &clap::Error, origin: &Origin) -> ConfigError {
    let Some(ContextValue::String(subject)) = error.get(ContextKind::InvalidArg) else {
        return match error.kind() {
            ErrorKind::InvalidUtf8 => ConfigError::at("arguments", origin, "not all are UTF-8"),
            kind => ConfigError::at("arguments", origin, kind),
        };
    };
    // "--workers <N>": the option is the first word.
    let flag = subject.split([' ', '[']).next().unwrap_or(subject);
    match error.kind() {
        ErrorKind::UnknownArgument if subject.starts_with('-') => unknown(subject, origin),
        ErrorKind::UnknownArgument => ConfigError::at(subject, origin, "one application is enough"),
        ErrorKind::InvalidValue => ConfigError::at(flag, origin, missing(flag)),
        kind => ConfigError::at(flag, origin, kind),
    }
}

/// About an option without its value: what that would be.
fn missing(flag: &str) -> String {
    let long = flag.trim_start_matches('-');
    let expected = TABLE.iter().find(|setting| setting.flag() == long).map(|row| row.syntax);
    let expected = match flag.ends_with(COMPLETIONS) {
        true => Some("bash, zsh or fish"),
        false => expected,
    };
    match expected {
        Some(expected) => format!("its value is missing: {}", expected.replace('`', "")),
        None => "its value is missing".to_owned(),
    }
}

fn unknown(written: &str, origin: &Origin) -> ConfigError {
    let spellings = TABLE.iter().flat_map(|setting| {
        let also = setting.also.iter().map(|flag| (*flag).to_owned());
        std::iter::once(setting.flag()).chain(also)
    });
    let candidates: Vec<String> = spellings
        .chain(OTHER_FLAGS.map(str::to_owned))
        .map(|flag| format!("--{flag}"))
        .filter(|flag| written.len() > "--".len() && flag.starts_with(written))
        .collect();
    let is_gunicorns = gunicorn::GUNICORN.iter().any(|row| row.flags.contains(&written));
    match candidates.is_empty() || is_gunicorns {
        true => ConfigError::unknown(written, Spelling::Flag, origin),
        // What begins one option only has been taken for that option.
        false => {
            let reason = format!("it could be {}", candidates.join(", "));
            ConfigError::at(written, origin, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::config::Config;

    fn arguments(line: &str) -> Result<Arguments, String> {
        let words = line.split_whitespace().map(OsString::from);
        parse(words, &Origin::CommandLine).map_err(|error| {
            assert_eq!(error.exit_status(), 2);
            error.to_string()
        })
    }

    fn read(line: &str) -> (Config, Option<String>) {
        match arguments(line) {
            Ok(Arguments::Serve { given, app }) => (Config::resolve(given).unwrap(), app),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn value(config: &Config, name: &str) -> String {
        oxicorn_core::config::find(name).unwrap().value(config).to_string()
    }

    #[test]
    fn every_spelling_of_every_option_is_understood() {
        for setting in TABLE {
            let mut spellings = vec![format!("--{}", setting.flag())];
            spellings.extend(setting.also.iter().map(|flag| format!("--{flag}")));
            spellings.extend(setting.short.map(|short| format!("-{short}")));
            let value = setting.default().to_string();
            for spelling in spellings {
                let line = match setting.arity {
                    Arity::Flag => vec![spelling],
                    Arity::One | Arity::Many | Arity::Pairs => vec![spelling, value.clone()],
                };
                let words = line.iter().map(OsString::from);
                let Ok(Arguments::Serve { given, app: None }) = parse(words, &Origin::CommandLine)
                else {
                    panic!("{line:?}")
                };
                assert!(std::ptr::eq(given[0].setting, setting), "{line:?}");
                assert_eq!(given.len(), 1);
            }
        }
    }

    #[test]
    fn gunicorns_habits_work() {
        let (config, app) =
            read("-w4 -k gthread -b :1 -b unix:/x --graceful 5 --keep-alive=9 demo");
        assert_eq!(value(&config, "workers"), "4");
        assert_eq!(config.worker_class, "gthread");
        assert_eq!(config.bind.len(), 2);
        assert_eq!(config.graceful_timeout.get().unwrap().as_secs(), 5);
        assert_eq!(config.keepalive.get().unwrap().as_secs(), 9);
        assert_eq!(app.as_deref(), Some("demo"));
        let (config, app) = read("-w 2 --access-logfile - --workers 3 --log-level debug");
        assert_eq!((value(&config, "workers").as_str(), app), ("3", None));
        assert!(config.accesslog.is_some());
        let (config, app) = read("--permit-missing-host demo");
        assert!(config.permit_missing_host && app.is_some());
        assert!(!read("--permit-missing-host=false").0.permit_missing_host);
        assert_eq!(read("-- -odd-").1.as_deref(), Some("-odd-"));
        let (config, app) = read("--no-preload app:app");
        assert!(!config.preload_app && app.is_some());
        assert!(read("--preload app:app").0.preload_app);
    }

    #[test]
    fn every_flag_of_gunicorns_is_ours_or_has_its_hint() {
        for row in gunicorn::GUNICORN {
            for flag in row.flags {
                // The longest form that somebody has copied: with a value, where one is taken.
                for line in [vec![*flag], vec![flag, "x"]] {
                    let words = line.iter().map(OsString::from);
                    let read = parse(words, &Origin::CommandLine);
                    let hint = format!("{flag} (command line): no such option: {}", row.hint());
                    match (row.setting(), read) {
                        (None, read) => assert_eq!(read.unwrap_err().to_string(), hint),
                        (Some(row), Ok(Arguments::Serve { given, .. })) => {
                            assert!(std::ptr::eq(given[0].setting, row), "{flag}");
                        }
                        (Some(_), Err(error)) => {
                            assert!(error.to_string().contains("its value is missing"), "{error}");
                        }
                        (Some(_), other) => panic!("{flag}: {other:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn the_manual_and_the_completions_are_asked_for_by_flags() {
        assert!(matches!(arguments("--man"), Ok(Arguments::Man)));
        for (line, shell) in
            [("--completions zsh", Shell::Zsh), ("--completions=bash", Shell::Bash)]
        {
            assert!(matches!(arguments(line), Ok(Arguments::Completions(s)) if s == shell));
        }
        // No word is taken away from the applications.
        assert_eq!(read("completions").1.as_deref(), Some("completions"));
        assert_eq!(
            arguments("--completions tcsh").map(|_| ()),
            Err(r#"completions = "tcsh" (command line): it must be bash, zsh, fish"#.to_owned())
        );
    }

    #[test]
    fn help_and_version_stop_the_reading() {
        for line in ["-h", "--help", "-w 2 --help --nonsense", "--hel"] {
            assert!(matches!(arguments(line), Ok(Arguments::Help)), "{line}");
        }
        for line in ["-v", "-V", "--version"] {
            assert!(matches!(arguments(line), Ok(Arguments::Version)), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        for (line, text) in [
            ("--wrokers 2", "--wrokers (command line): no such option; did you mean --workers?"),
            ("--wrokers=2", "--wrokers (command line): no such option; did you mean --workers?"),
            ("-x", "-x (command line): no such option; --help lists them all"),
            (
                "--keep 5",
                "--keep (command line): it could be --keepalive, --keep-alive, --keepalive-grace",
            ),
            ("--he", "--he (command line): it could be --header-timeout, --header-map, --help"),
            (
                "--worker-tmp-dir /dev/shm",
                "--worker-tmp-dir (command line): no such option: heartbeats are in shared memory, \
                 no file is needed",
            ),
            (
                "--timeout",
                "--timeout (command line): its value is missing: a time: 30 or 30s (seconds), 0.5, 500ms, 5m, 1h; 0 is off",
            ),
            ("-k", "--worker-class (command line): its value is missing: a text"),
            (
                "--log-level --workers 2",
                "--loglevel (command line): its value is missing: debug, info, warning, error or critical",
            ),
            (
                "--completions",
                "--completions (command line): its value is missing: bash, zsh or fish",
            ),
            ("demo echo", "echo (command line): one application is enough"),
        ] {
            assert_eq!(arguments(line).map(|_| ()), Err(text.to_owned()), "{line}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        for word in [&b"demo\xff"[..], b"--bind=\xff", b"-w\xff"] {
            let words = [OsString::from_vec(word.to_vec())];
            let error = parse(words, &Origin::CommandLine).unwrap_err();
            assert_eq!(error.to_string(), "arguments (command line): not all are UTF-8");
        }
    }
}
