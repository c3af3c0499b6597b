//! From what the process was started with to the settings. The same call again, with the same
//! arguments, environment and folder, is what a reload does; only the file may have changed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use oxicorn_arbiter::zygote::{ConfigurationFile, Names};
use oxicorn_core::config::layers::{CMD_ARGS, environment};
use oxicorn_core::config::{Config, ConfigError, Environment, Given, Origin, find};
use oxicorn_core::listener::passed::Passed;

use crate::args::{self, Arguments};
use crate::configuration::{self, Hosted, Layer, Program};
use crate::registry::Registry;
use crate::{completions, habits, help, man, pointless};

/// What the process was started with. None of it changes: not when the process changes its folder,
/// or becomes a daemon, which is another process.
#[derive(Clone, Debug)]
pub struct Start {
    /// The command line; it begins with the program's name.
    pub argv: Vec<OsString>,
    /// The environment.
    pub env: Environment,
    /// The sockets that it was passed.
    pub passed: Passed,
    /// Where it was: what the configuration file is relative to.
    pub(crate) folder: PathBuf,
    /// What the program itself says, which every other layer overrules.
    pub(crate) own: Vec<Given>,
    /// The worker classes that the program has.
    pub(crate) classes: Registry,
}

impl Start {
    /// Of this process, which is to have done nothing yet.
    ///
    /// # Errors
    /// Those of [`Passed::to`].
    pub fn of_this_process(argv: Vec<OsString>, env: Environment) -> Result<Start, ConfigError> {
        let passed = Passed::to(std::process::id(), &env)?;
        // A folder that was removed has no name; nothing can be found there either.
        let folder = std::env::current_dir().unwrap_or_default();
        Ok(Start { argv, env, passed, folder, own: Vec::new(), classes: Registry::OURS })
    }
}

/// What is to be done, and with which settings.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The application, as it was named.
    pub app: Option<String>,
    /// What to do.
    pub action: Action,
    /// What is not wrong, but worth a line in the log before anything else.
    pub warnings: Vec<String>,
    /// The worker classes to choose from.
    pub(crate) classes: Registry,
    /// The configuration file, where it was executed.
    pub(crate) program: Option<ConfigurationFile>,
}

/// What to do instead of serving, or that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Serve.
    Run,
    /// Print this text; the settings have not been looked at.
    Help(String),
    /// Print [`crate::VERSION`]; likewise.
    Version,
    /// Print this text, which somebody asked for instead of serving; likewise.
    Print(String),
    /// Check everything that a start would, and say so in the exit status.
    CheckConfig,
    /// Print the settings: see [`crate::print_config`].
    PrintConfig,
}

impl Loaded {
    fn only(action: Action) -> Loaded {
        Loaded {
            config: Config::default(),
            app: None,
            action,
            warnings: Vec::new(),
            classes: Registry::OURS,
            program: None,
        }
    }
}

/// What reading comes to.
#[derive(Debug)]
pub(crate) enum Reading {
    /// Everything.
    All(Box<Loaded>),
    /// The configuration file has to be executed first.
    Program(Program),
}

/// Reads all that there is: the command line, the environment, and the configuration file, if there
/// is one.
///
/// # Errors
/// The first thing that is wrong, in one line.
///
/// ```
/// use oxicorn::{Action, Start, load};
///
/// let start = Start::of_this_process(
///     ["shop", "-w", "3", "--check-config"].map(Into::into).to_vec(),
///     Default::default(),
/// )?;
/// let loaded = load(&start)?;
/// assert_eq!(loaded.action, Action::CheckConfig);
/// assert_eq!(loaded.config.workers.count(), Some(3));
/// # Ok::<(), oxicorn::ConfigError>(())
/// ```
pub fn load(start: &Start) -> Result<Loaded, ConfigError> {
    match read(start, |_| Hosted::Never, None)? {
        Reading::All(loaded) => Ok(*loaded),
        Reading::Program(program) => Err(program.needs_python),
    }
}

/// Likewise, where the configuration file may be a program: `hosted` says whether an application of a
/// name has somebody who can execute it, and `names` is what has come of that.
///
/// # Errors
/// Those of [`load`].
pub(crate) fn read(
    start: &Start,
    hosted: impl Fn(Option<&str>) -> Hosted,
    names: Option<Names>,
) -> Result<Reading, ConfigError> {
    let only = |action| Ok(Reading::All(Box::new(Loaded::only(action))));
    let Start { argv, env, passed, folder, own, classes } = start;
    let classes = *classes;
    let program = program(argv);
    let line = args::parse(argv.iter().skip(1).cloned(), &Origin::CommandLine)?;
    let (mut given, mut app) = match serving(line, &program, classes) {
        Ok(serving) => serving,
        Err(action) => return only(action),
    };
    match serving(args::parse(cmd_args(env)?, &Origin::CmdArgs)?, &program, classes) {
        Ok((more, other)) => {
            given.extend(more);
            app = app.or(other);
        }
        Err(action) => return only(action),
    }
    given.extend(own.iter().cloned());
    given.extend(environment(env)?);
    let outer = Config::resolve(given.clone())?;
    let named = app.as_deref().or(outer.wsgi_app.as_deref());
    let layer = match configuration::layer(folder, &outer, hosted(named), names)? {
        Ok(layer) => layer,
        Err(program) => return Ok(Reading::Program(program)),
    };
    let Layer { given: in_file, warnings: of_file, program: executed } = layer;
    given.extend(in_file);
    let asked = Config::resolve(given.clone())?;
    given.extend(passed.given());
    let config = Config::resolve(given)?;
    let app = app.or_else(|| config.wsgi_app.clone());
    let action = match (config.print_config, config.check_config) {
        (true, _) => Action::PrintConfig,
        (false, true) => Action::CheckConfig,
        (false, false) => Action::Run,
    };
    let mut warnings = habits::warnings(folder, &config, env);
    warnings.extend(of_file);
    warnings.extend(overruled(&asked, &config));
    warnings.extend(pointless::warnings(&config));
    let program = executed;
    Ok(Reading::All(Box::new(Loaded { config, app, action, warnings, classes, program })))
}

/// That the sockets that were passed are listened at, and nothing else that was asked for.
fn overruled(asked: &Config, config: &Config) -> Option<String> {
    let ignored = asked.explicit("bind") && asked.bind != config.bind;
    let (name, origin) = ("bind", asked.origin("bind"));
    let value = find(name)?.value(asked);
    let by = config.origin(name);
    ignored.then(|| {
        format!("{name} = {value} ({origin}) has no effect: sockets were passed by {by}, and only they count")
    })
}

/// The settings and the application, or what to do instead of looking at any.
fn serving(
    arguments: Arguments,
    program: &str,
    classes: Registry,
) -> Result<(Vec<Given>, Option<String>), Action> {
    match arguments {
        Arguments::Serve { given, app } => Ok((given, app)),
        Arguments::Help => Err(Action::Help(help::text(program))),
        Arguments::Version => Err(Action::Version),
        Arguments::Man => Err(Action::Print(man::page(program))),
        Arguments::Completions(shell) => {
            Err(Action::Print(completions::script(shell, program, classes)))
        }
    }
}

fn program(argv: &[OsString]) -> String {
    let name = argv.first().and_then(|path| Path::new(path).file_name());
    let name = name.unwrap_or(OsStr::new("server"));
    name.to_string_lossy().into_owned()
}

/// The options in the environment, as words.
fn cmd_args(env: &Environment) -> Result<Vec<OsString>, ConfigError> {
    let Some(value) = env.get(OsStr::new(CMD_ARGS)) else {
        return Ok(Vec::new());
    };
    let text = value
        .to_str()
        .ok_or_else(|| ConfigError::message(format!("{CMD_ARGS}: it is not UTF-8")))?;
    let words = shlex::split(text)
        .ok_or_else(|| ConfigError::message(format!("{CMD_ARGS}: a quote is not closed")))?;
    Ok(words.into_iter().map(OsString::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    struct Case {
        folder: TempDir,
        env: Environment,
    }

    impl Case {
        fn new(files: &[(&str, &str)], env: &[(&str, &str)]) -> Case {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                std::fs::write(folder.path().join(name), text).unwrap();
            }
            let env = env.iter().map(|(k, v)| (k.into(), v.into())).collect();
            Case { folder, env }
        }

        fn load(&self, line: &str) -> Result<Loaded, (u8, String)> {
            let argv: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let (env, folder) = (self.env.clone(), self.folder.path().to_owned());
            let passed = Passed::to(7, &env).unwrap();
            let (own, classes) = (Vec::new(), Registry::OURS);
            load(&Start { argv, env, passed, folder, own, classes })
                .map_err(|error| (error.exit_status(), error.to_string()))
        }

        fn workers(&self, line: &str) -> (u32, String) {
            let config = self.load(line).unwrap().config;
            let workers = find("workers").unwrap().value(&config).to_string();
            (workers.parse().unwrap(), config.origin("workers").to_string())
        }
    }

    #[test]
    fn each_layer_overrules_the_ones_below_it() {
        let file = ("server.toml", "# mine\nworkers = 3");
        let env = [
            ("WEB_CONCURRENCY", "2"),
            ("SERVER_CMD_ARGS", "--workers 4"),
            ("OXICORN_WORKERS", "5"),
        ];
        let check = |files: &[_], env: &[_], line, workers, origin: &str| {
            let found = Case::new(files, env).workers(line);
            assert_eq!(found, (workers, origin.to_owned()));
        };
        check(&[], &[], "server", 1, "default");
        check(&[], &env[..1], "server", 2, "default, from WEB_CONCURRENCY");
        check(&[file], &env[..1], "server", 3, "server.toml:2");
        check(&[file], &env[..2], "server", 4, "SERVER_CMD_ARGS");
        check(&[file], &env, "server", 5, "OXICORN_WORKERS");
        check(&[file], &env, "server -w 6", 6, "command line");
    }

    #[test]
    fn the_file_is_named_found_or_refused() {
        let files = [("server.toml", "workers = 3"), ("g.conf.py", "workers = 4")];
        let case = Case::new(&files, &[]);
        let loaded = case.load("server").unwrap();
        assert_eq!(loaded.config.config, Some(PathBuf::from("server.toml")));
        assert!(!loaded.config.explicit("config"));
        assert_eq!(case.workers("server -c g.conf.py").1, "g.conf.py:1");
        assert_eq!(case.workers("server -c none").0, 1);
        let env = [("SERVER_CMD_ARGS", "-c 'g.conf.py'")];
        assert_eq!(Case::new(&files, &env).workers("server").0, 4);
        let env = [("OXICORN_CONFIG", "g.conf.py")];
        assert_eq!(Case::new(&files, &env).workers("server").0, 4);
        assert_eq!(Case::new(&[], &[]).load("server").unwrap().config.config, None);
    }

    #[test]
    fn what_gunicorn_would_have_read_is_mentioned() {
        let files = [("gunicorn.conf.py", "workers = 3")];
        let env = [("GUNICORN_CMD_ARGS", "--workers 4")];
        let warnings =
            |files: &[_], env: &[_], line| Case::new(files, env).load(line).unwrap().warnings;
        let found = warnings(&files, &env, "server");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("SERVER_CMD_ARGS"), "{found:?}");
        assert!(found[1].contains("-c gunicorn.conf.py"), "{found:?}");
        assert!(warnings(&[], &[], "server").is_empty());
        assert!(warnings(&files, &[], "server -c gunicorn.conf.py").is_empty());
        assert!(warnings(&files, &[], "server -c none").is_empty());
        let both = [files[0], ("server.toml", "")];
        assert!(warnings(&both, &[], "server").is_empty());
    }

    #[test]
    fn gunicorns_forms_of_a_file_are_understood() {
        let error = Case::new(&[], &[]).load("server -c python:my.settings").unwrap_err();
        assert!(error.1.contains("a Python module"), "{error:?}");
        let case = Case::new(&[("g.py", "workers = 4")], &[]);
        assert_eq!(case.workers("server -c file:g.py").0, 4);
    }

    #[test]
    fn a_second_call_sees_the_files_changes_only() {
        let case = Case::new(&[("server.toml", "workers = 3")], &[]);
        let before = case.load("server -t 9").unwrap().config;
        std::fs::write(case.folder.path().join("server.toml"), "workers = 4").unwrap();
        let after = case.load("server -t 9").unwrap().config;
        let changed: Vec<&str> = before.changed(&after).iter().map(|row| row.name).collect();
        assert_eq!(changed, ["workers"]);
    }

    #[test]
    fn sockets_that_were_passed_overrule_every_address() {
        let passed = [("LISTEN_FDS", "2"), ("LISTEN_PID", "7")];
        let bind = |env: &[(&str, &str)], line: &str| {
            let loaded = Case::new(&[], env).load(line).unwrap();
            let bind: Vec<String> = loaded.config.bind.iter().map(ToString::to_string).collect();
            (bind.join(" "), loaded.config.origin("bind").to_string(), loaded.warnings)
        };
        let both = ("fd://3 fd://4".to_owned(), "LISTEN_FDS".to_owned());
        assert_eq!(bind(&passed, "server"), (both.0.clone(), both.1.clone(), vec![]));
        assert_eq!(bind(&passed, "server -b fd://3 -b fd://4").2, [""; 0]);
        let (addresses, origin, warnings) = bind(&passed, "server -b :5000");
        assert_eq!((addresses, origin), both);
        let line = "bind = 0.0.0.0:5000 (command line) has no effect: sockets were passed by \
                    LISTEN_FDS, and only they count";
        assert_eq!(warnings, [line]);
        let others = [("LISTEN_FDS", "2"), ("LISTEN_PID", "8")];
        assert_eq!(bind(&others, "server").1, "default");
    }

    #[test]
    fn what_to_do_is_read_off() {
        // A broken file keeps nobody from reading the help.
        let case = Case::new(&[("server.toml", "?")], &[("SERVER_CMD_ARGS", "'")]);
        assert_eq!(case.load("server -V").unwrap().action, Action::Version);
        let help = case.load("/usr/bin/mine --help").unwrap().action;
        assert!(matches!(help, Action::Help(text) if text.contains("Usage: mine ")));
        let case = Case::new(&[], &[("SERVER_CMD_ARGS", "--check-config echo")]);
        let loaded = case.load("server").unwrap();
        assert_eq!(loaded.action, Action::CheckConfig);
        assert_eq!(loaded.app.as_deref(), Some("echo"));
        let loaded = case.load("server --print-config demo").unwrap();
        assert_eq!(loaded.action, Action::PrintConfig);
        assert_eq!(loaded.app.as_deref(), Some("demo"));
        let case = Case::new(&[], &[]);
        assert_eq!(case.load("server").unwrap().action, Action::Run);
        assert_eq!(case.load("").unwrap().action, Action::Run);
    }

    #[test]
    fn errors_say_where_and_only_the_command_line_is_status_2() {
        let check = |files: &[_], env: &[_], line, status, text: &str| {
            let error = Case::new(files, env).load(line).unwrap_err();
            assert_eq!(error, (status, text.to_owned()));
        };
        check(&[], &[], "server -w x", 2, r#"workers = "x" (command line): not a whole number"#);
        check(
            &[],
            &[],
            "server --workers -3",
            2,
            r#"workers = "-3" (command line): it cannot be negative"#,
        );
        check(
            &[],
            &[],
            "server -b a:1 -b b:2x",
            2,
            r#"bind = "a:1, b:2x" (command line): "b:2x": "2x" is not a port number"#,
        );
        check(
            &[],
            &[("SERVER_CMD_ARGS", "-w x")],
            "server",
            1,
            r#"workers = "x" (SERVER_CMD_ARGS): not a whole number"#,
        );
        check(
            &[],
            &[("SERVER_CMD_ARGS", "-n 'a b")],
            "server",
            1,
            "SERVER_CMD_ARGS: a quote is not closed",
        );
        check(
            &[],
            &[("SERVER_CMD_ARGS", "--wrokers 2")],
            "server",
            1,
            "--wrokers (SERVER_CMD_ARGS): no such option; did you mean --workers?",
        );
        check(
            &[],
            &[("OXICORN_LOGLEVEL", "loud")],
            "server",
            1,
            r#"loglevel = "loud" (OXICORN_LOGLEVEL): it must be debug, info, warning, error or critical"#,
        );
        check(
            &[("server.toml", "\nworker = 2")],
            &[],
            "server",
            1,
            "worker (server.toml:2): no such setting; did you mean workers?",
        );
        check(
            &[],
            &[],
            "server -c nowhere.toml",
            2,
            r#"config = "nowhere.toml" (command line): there is no such file"#,
        );
    }

    #[test]
    fn words_in_the_environment_are_quoted_as_in_a_shell() {
        let env = [("SERVER_CMD_ARGS", r#"-n "my app" --access-logformat '%(h)s "%(r)s"'"#)];
        let config = Case::new(&[], &env).load("server").unwrap().config;
        assert_eq!(config.proc_name.as_deref(), Some("my app"));
        assert_eq!(config.access_log_format, r#"%(h)s "%(r)s""#);
    }
}
