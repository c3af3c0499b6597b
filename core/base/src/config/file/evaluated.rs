//! A configuration file that is a program: somebody else has executed it, and here is what its names
//! stand for then. They are settings by the same rules as those of a file that was read; but a program
//! has names of its own besides, and nobody can tell a helper from a mistake.

use std::path::Path;

use super::{Plain, Source};
use crate::config::ConfigError;
use crate::config::error::nearest;
use crate::config::gunicorn::{Hook, theirs};
use crate::config::layers::Given;
use crate::config::settings::TABLE;
use crate::config::table::find;

/// What an executed file comes to.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// The settings.
    pub given: Vec<Given>,
    /// What is perhaps a mistake, each in one line.
    pub warnings: Vec<String>,
}

/// The settings among what the names of the file `path` stand for.
///
/// # Errors
/// What is no value for its setting, and what gunicorn has and is missing here.
pub fn evaluated(path: &Path, names: Vec<(String, Plain)>) -> Result<Evaluated, ConfigError> {
    let source = Source { path, text: "" };
    let mut evaluated = Evaluated::default();
    for (name, value) in names {
        let is_known = find(&name).is_some() || theirs(&name).is_some_and(|row| row.name == name);
        match is_known {
            true if Hook::find(&name).is_some() => {}
            true => evaluated.given.extend(source.value(&name, &value, None)?),
            false if name.starts_with('_') || matches!(value, Plain::Other(_)) => {}
            false => evaluated.warnings.extend(mistake(path, &name)),
        }
    }
    Ok(evaluated)
}

fn mistake(path: &Path, name: &str) -> Option<String> {
    let known = TABLE.iter().map(|setting| setting.name);
    let meant = nearest(&name.to_ascii_lowercase(), known)?;
    let path = path.display();
    Some(format!("{name} ({path}) is no setting and has no effect; did you mean {meant}?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(names: &[(&str, Plain)]) -> Result<Evaluated, String> {
        let names = names.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        evaluated(Path::new("g.py"), names.collect()).map_err(|error| error.to_string())
    }

    fn scalar(text: &str) -> Plain {
        Plain::Scalar(text.to_owned())
    }

    fn function() -> Plain {
        Plain::Other("function".to_owned())
    }

    #[test]
    fn settings_are_taken_and_helpers_are_not() {
        let read = read(&[
            ("workers", scalar("3")),
            ("bind", Plain::List(vec![scalar("a:1"), scalar("b:2")])),
            ("loglevel", Plain::Nothing),
            ("raw_env", Plain::List(vec![])),
            ("reload", scalar("false")),
            ("cores", scalar("4")),
            ("Timeout", scalar("4")),
            ("_timeout", scalar("4")),
            ("preload", function()),
            ("post_fork", function()),
            ("spew", scalar("false")),
        ]);
        let Evaluated { given, warnings } = read.unwrap();
        let config = Config::resolve(given).unwrap();
        assert_eq!(config.bind.len(), 2);
        assert_eq!(config.origin("workers").to_string(), "g.py");
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert_eq!(
            warning,
            "Timeout (g.py) is no setting and has no effect; did you mean timeout?"
        );
    }

    #[test]
    fn what_is_wrong_is_said_as_for_any_file() {
        for (name, value, line) in [
            (
                "worker_tmp_dir",
                scalar("/dev/shm"),
                "worker_tmp_dir (g.py): no such setting: heartbeats are in shared memory, no file is needed",
            ),
            (
                "ssl_context",
                function(),
                "ssl_context (g.py): no such setting: there is no TLS here: the proxy in front does it",
            ),
            ("workers", function(), "workers (g.py): a function is no value for a setting"),
            (
                "print_config",
                scalar("true"),
                "print_config (g.py): it is for the command line, not for a file",
            ),
        ] {
            assert_eq!(read(&[(name, value)]).unwrap_err(), line);
        }
        let workers = read(&[("workers", scalar("many"))]).unwrap();
        let error = Config::resolve(workers.given).unwrap_err();
        assert_eq!(error.to_string(), r#"workers = "many" (g.py): not a whole number"#);
    }
}
