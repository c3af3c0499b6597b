//! The command line, made from the table of settings. clap splits the arguments; which of them exist
//! is the table's affair, what a value means is the setting's type's, and what is wrong is said in
//! the same one line as for a file or the environment.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};
use oxicorn_core::config::value::Arity;
use oxicorn_core::config::{ConfigError, Given, Origin, Raw, Setting, Spelling, TABLE};

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
    match command().try_get_matches_from(arguments) {
        Ok(matches) => Ok(Arguments::Serve {
            given: TABLE.iter().filter_map(|setting| given(&matches, setting, origin)).collect(),
            app: matches.get_one(APP).cloned(),
        }),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => Ok(Arguments::Help),
            ErrorKind::DisplayVersion => Ok(Arguments::Version),
            _ => Err(explain(&error, origin)),
        },
    }
}

const APP: &str = "APP";
const HELP: &str = "help";
const VERSION: &str = "version";

fn command() -> Command {
    let help = Arg::new(HELP).short('h').long(HELP);
    let version = Arg::new(VERSION).short('V').short_alias('v').long(VERSION);
    Command::new("server")
        .version(env!("CARGO_PKG_VERSION"))
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .infer_long_args(true)
        // Of a repeated option the last counts, as argparse's users are used to.
        .args_override_self(true)
        .args(TABLE.iter().map(option))
        .arg(help.action(ArgAction::Help))
        .arg(version.action(ArgAction::Version))
        .arg(Arg::new(APP))
}

fn option(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name)
        .long(setting.flag())
        .aliases(setting.also)
        .value_name(setting.holder)
        // So that "--workers -3" is refused for the -3.
        .allow_negative_numbers(true);
    let arg = match setting.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    match setting.arity {
        Arity::One => arg.action(ArgAction::Set),
        Arity::Many | Arity::Pairs => arg.action(ArgAction::Append),
        // "--flag=false" takes back what a file says; "--flag false" would swallow the application.
        Arity::Flag => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
    }
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
        return ConfigError::at("arguments", origin, error.kind());
    };
    // "--workers <N>": the option is the first word.
    let flag = subject.split([' ', '[']).next().unwrap_or(subject);
    match error.kind() {
        ErrorKind::UnknownArgument if subject.starts_with('-') => unknown(subject, origin),
        ErrorKind::UnknownArgument => ConfigError::at(subject, origin, "one application is enough"),
        ErrorKind::InvalidValue => ConfigError::at(flag, origin, "its value is missing"),
        kind => ConfigError::at(flag, origin, kind),
    }
}

fn unknown(written: &str, origin: &Origin) -> ConfigError {
    let spellings = TABLE.iter().flat_map(|setting| {
        let also = setting.also.iter().map(|flag| (*flag).to_owned());
        std::iter::once(setting.flag()).chain(also)
    });
    let candidates: Vec<String> = spellings
        .chain([HELP.to_owned(), VERSION.to_owned()])
        .map(|flag| format!("--{flag}"))
        .filter(|flag| written.len() > "--".len() && flag.starts_with(written))
        .collect();
    match candidates.is_empty() {
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

    #[test]
    fn clap_finds_no_fault_with_the_table() {
        command().debug_assert();
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
        assert_eq!(config.workers.count(), Some(4));
        assert_eq!(config.worker_class, "gthread");
        assert_eq!(config.bind.len(), 2);
        assert_eq!(config.graceful_timeout.get().unwrap().as_secs(), 5);
        assert_eq!(config.keepalive.get().unwrap().as_secs(), 9);
        assert_eq!(app.as_deref(), Some("demo"));
        let (config, app) = read("-w 2 --access-logfile - --workers 3 --log-level debug");
        assert_eq!((config.workers.count(), app), (Some(3), None));
        assert!(config.accesslog.is_some());
        let (config, app) = read("--permit-missing-host demo");
        assert!(config.permit_missing_host && app.is_some());
        assert!(!read("--permit-missing-host=false").0.permit_missing_host);
        assert_eq!(read("-- -odd-").1.as_deref(), Some("-odd-"));
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
            ("-x", "-x (command line): no such option"),
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
            ("--workers", "--workers (command line): its value is missing"),
            ("-k", "--worker-class (command line): its value is missing"),
            ("--bind --workers 2", "--bind (command line): its value is missing"),
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
            assert_eq!(
                error.to_string(),
                "arguments (command line): invalid UTF-8 was detected in one or more arguments"
            );
        }
    }
}
