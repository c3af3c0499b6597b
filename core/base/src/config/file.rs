//! The configuration file. TOML, because gunicorn's usual file, plain assignments, is already that;
//! where such a file is Python after all in the three words `True`, `False` and `None`, they are
//! understood too. What needs a Python interpreter is refused with its line.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Spelling};
use super::layers::{Given, Origin};
use super::table::find;
use super::value::{Arity, Raw};

/// What the file `path` with the contents `text` says.
///
/// # Errors
/// What is no TOML, no setting, or no setting's value; each with its line.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Given>, ConfigError> {
    if let Ok(table) = DeTable::parse(text) {
        return Source { path, text }.layer(table.into_inner());
    }
    let text = &without_python_words(text);
    let source = Source { path, text };
    let table = DeTable::parse(text).map_err(|error| source.syntax_error(&error))?;
    source.layer(table.into_inner())
}

struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn layer(&self, table: DeTable<'_>) -> Result<Vec<Given>, ConfigError> {
        // The parser sorts by name; the reader wants the first mistake first.
        let mut entries: Vec<_> = table.into_iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
            .into_iter()
            .map(|(key, value)| {
                let origin = self.origin(key.span().start);
                self.entry(key.get_ref(), value.get_ref(), origin)
            })
            .collect()
    }

    fn entry(&self, key: &str, value: &DeValue<'_>, origin: Origin) -> Result<Given, ConfigError> {
        let setting = find(key);
        let takes_a_table = setting.is_some_and(|setting| setting.arity == Arity::Pairs);
        if value.is_table() && !takes_a_table {
            let reason = "there are no sections, settings stand at the top level";
            return Err(ConfigError::at(key, &origin, reason));
        }
        let Some(setting) = setting else {
            return Err(ConfigError::unknown(key, Spelling::Key, &origin));
        };
        if !setting.belongs_in_a_file() {
            let reason = "it is for the command line, not for a file";
            return Err(ConfigError::at(key, &origin, reason));
        }
        let raw = match value {
            DeValue::Array(items) => items
                .iter()
                .map(|item| scalar(item.get_ref()))
                .collect::<Result<_, _>>()
                .map(Raw::Many),
            DeValue::Table(pairs) => pairs
                .iter()
                .map(|(name, value)| {
                    scalar(value.get_ref()).map(|value| format!("{}={value}", name.get_ref()))
                })
                .collect::<Result<_, _>>()
                .map(Raw::Many),
            _ => scalar(value).map(Raw::One),
        };
        match raw {
            Ok(raw) => Ok(Given { setting, raw, origin }),
            Err(kind) => {
                let reason = format!("a TOML {kind} is no value for a setting");
                Err(ConfigError::at(key, &origin, reason))
            }
        }
    }

    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        let path = self.path.to_owned();
        Origin::File { path, line }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        let offset = error.span().map_or(0, |span| span.start);
        let origin = self.origin(offset);
        let number = match &origin {
            Origin::File { line, .. } => *line,
            _ => 1,
        };
        let line = self.text.lines().nth(number - 1).unwrap_or_default().trim();
        let reason = match PYTHON.iter().any(|word| line.starts_with(word)) {
            true => "this is Python, only NAME = VALUE is read",
            false => error.message(),
        };
        let shown: String = line.chars().take(MOST_SHOWN).collect();
        ConfigError::at(&shown, &origin, reason)
    }
}

/// What a line of a Python program begins with that is more than an assignment.
const PYTHON: [&str; 7] = ["import ", "from ", "def ", "class ", "if ", "for ", "@"];

/// Of a line that cannot be read, in characters: the file may be anything, on one line.
const MOST_SHOWN: usize = 60;

/// A value as text, or the name of what it is instead.
fn scalar(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Boolean(value) => Ok(value.to_string()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        // An integer that is too large for this is for the setting's own type to refuse.
        DeValue::Integer(number) => {
            let text = number.as_str();
            Ok(i64::from_str_radix(text, number.radix())
                .map_or(text.to_owned(), |number| number.to_string()))
        }
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => Err(value.type_str()),
    }
}

/// The same text, line by line, with Python's words for booleans as TOML's, and without the
/// assignments of `None`, which in gunicorn's file mean the default.
fn without_python_words(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(in_toml).collect();
    lines.join("\n")
}

fn in_toml(line: &str) -> String {
    let Some((key, value)) = line.split_once('=') else {
        return line.to_owned();
    };
    let value = value.split('#').next().unwrap_or_default().trim();
    match value {
        "True" => format!("{key}= true"),
        "False" => format!("{key}= false"),
        "None" => String::new(),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Destination, LogLevel, Timeout, Workers};
    use super::*;
    use std::time::Duration;

    fn read(text: &str) -> Result<Config, String> {
        parse(Path::new("gunicorn_config.py"), text)
            .and_then(Config::resolve)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn gunicorns_plain_file_is_understood() {
        let config = read(
            "# gunicorn -c gunicorn_config.py app:app\n\
             bind = \"0.0.0.0:5000\"   # every address\n\
             workers = 4\n\
             worker_class = 'gthread'\n\
             threads = 2\n\
             timeout = 0.5\n\
             keepalive = \"5s\"\n\
             accesslog = \"-\"\n\
             errorlog = '-'\n\
             loglevel = \"warning\"\n\
             access_log_format = '%(h)s \"%(r)s\" %(s)s'\n",
        )
        .unwrap();
        assert_eq!(config.bind[0].to_string(), "0.0.0.0:5000");
        assert_eq!(
            (config.workers, config.threads, config.worker_class.as_str()),
            (Workers::Count(4), 2, "gthread")
        );
        assert_eq!(config.timeout.get(), Some(Duration::from_millis(500)));
        assert_eq!(config.keepalive, Timeout::seconds(5));
        assert_eq!(config.accesslog, Some(Destination::Standard));
        assert_eq!(config.loglevel, LogLevel::Warning);
        assert_eq!(config.access_log_format, "%(h)s \"%(r)s\" %(s)s");
        assert_eq!(config.origin("workers").to_string(), "gunicorn_config.py:3");
    }

    #[test]
    fn lists_numbers_and_switches() {
        let config = read(
            "bind = [\n  'a:1',\n  'b:2',\n]\n\
             workers = 0x1_0\nlimit_request_body = 1_000\npermit_missing_host = true\n",
        )
        .unwrap();
        assert_eq!(config.bind.len(), 2);
        assert_eq!(config.workers, Workers::Count(16));
        assert_eq!(config.limit_request_body.bytes(), 1000);
        assert!(config.permit_missing_host);
        assert_eq!(config.origin("workers").to_string(), "gunicorn_config.py:5");
        assert_eq!(read(""), Ok(Config::default()));
    }

    #[test]
    fn names_and_values_are_a_list_or_a_table() {
        for text in [
            "secure_scheme_headers = ['X-A=on', 'X-B=1']",
            "secure_scheme_headers = 'X-A=on,X-B=1'",
            "secure_scheme_headers = { X-A = 'on', X-B = 1 }",
            "workers = 1\n[secure_scheme_headers]\nX-A = 'on'\nX-B = 1",
        ] {
            let config = read(text).unwrap();
            let setting = find("secure_scheme_headers").unwrap();
            assert_eq!(setting.value(&config).to_string(), "X-A=on, X-B=1", "{text}");
        }
        let config = read("forwarded_allow_ips = '10.0.0.0/8,::1'\nproxy_allow_ips = []");
        let config = config.unwrap();
        assert_eq!(config.forwarded_allow_ips.0.len(), 2);
        assert!(config.proxy_allow_ips.0.is_empty());
    }

    #[test]
    fn pythons_three_words_are_understood_and_lines_still_count() {
        let config = read(
            "permit_missing_host = True # why not\n\
             accesslog = None\n\
             worker_tmp_dir = None\n\
             proc_name = 'a = True'\n\
             workers=2\n",
        )
        .unwrap();
        assert!(config.permit_missing_host);
        assert_eq!(config.accesslog, None);
        assert!(!config.explicit("accesslog"));
        assert_eq!(config.proc_name.as_deref(), Some("a = True"));
        assert_eq!(config.origin("workers").to_string(), "gunicorn_config.py:5");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, error) in [
            ("\nworkers = -1", r#"workers = "-1" (gunicorn_config.py:2): it cannot be negative"#),
            ("workers = 2.0", r#"workers = "2.0" (gunicorn_config.py:1): not a whole number"#),
            (
                "workers = [2]",
                r#"workers = "2" (gunicorn_config.py:1): one value is expected, not a list"#,
            ),
            ("bind = []", r#"bind = "" (gunicorn_config.py:1): the list is empty"#),
            (
                "bind = [['a:1']]",
                "bind (gunicorn_config.py:1): a TOML array is no value for a setting",
            ),
            (
                "workers = 2026-01-01",
                "workers (gunicorn_config.py:1): a TOML datetime is no value for a setting",
            ),
            (
                "workers = 99999999999999999999",
                r#"workers = "99999999999999999999" (gunicorn_config.py:1): too large: at most 4294967295"#,
            ),
            (
                "# x\nthread = 2\naaa = 1",
                "thread (gunicorn_config.py:2): no such setting; did you mean threads?",
            ),
            (
                "worker_tmp_dir = '/dev/shm'",
                "worker_tmp_dir (gunicorn_config.py:1): no such setting: heartbeats are in shared \
                 memory, no file is needed",
            ),
            (
                "config = 'x'",
                "config (gunicorn_config.py:1): it is for the command line, not for a file",
            ),
            (
                "[server]\nworkers = 2",
                "server (gunicorn_config.py:1): there are no sections, settings stand at the top \
                 level",
            ),
            (
                "bind = { a = 1 }",
                "bind (gunicorn_config.py:1): there are no sections, settings stand at the top \
                 level",
            ),
            (
                "secure_scheme_headers = { a = [] }",
                "secure_scheme_headers (gunicorn_config.py:1): a TOML array is no value for a \
                 setting",
            ),
            ("workers = 2\nworkers = 3", "workers = 3 (gunicorn_config.py:2): duplicate key"),
            (
                "workers = 2\nimport multiprocessing\n",
                "import multiprocessing (gunicorn_config.py:2): this is Python, only NAME = VALUE \
                 is read",
            ),
            (
                "loglevel = None\naccesslog = None\nworkers = cpu_count() * 2 + 1",
                "workers = cpu_count() * 2 + 1 (gunicorn_config.py:3): string values must be \
                 quoted, expected literal string",
            ),
            (
                "bind = 'a:1' + port",
                "bind = 'a:1' + port (gunicorn_config.py:1): unexpected key or value, expected \
                 newline, `#`",
            ),
            (
                "bind = 'a:1",
                "bind = 'a:1 (gunicorn_config.py:1): invalid literal string, expected `'`",
            ),
        ] {
            assert_eq!(read(text), Err(error.to_owned()));
        }
    }
}
