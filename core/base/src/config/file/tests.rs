use super::super::{Config, Destination, LogLevel, Timeout};
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
    assert_eq!((config.workers.count(), config.threads), (Some(4), 2));
    assert_eq!(config.worker_class, "gthread");
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
    assert_eq!(find("workers").map(|row| row.value(&config).to_string()).as_deref(), Some("16"));
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
fn a_gunicorn_file_says_what_it_says_in_python_and_in_toml() {
    let python = read(
        "\"\"\"Settings of the shop.\"\"\"\n\
         bind = ('127.0.0.1:8000',\n        'unix:/run/shop.sock')  # both\n\
         timeout = 120; keepalive = 5\n\
         reload = False\n\
         certfile = None\n\
         secure_scheme_headers = {'X-FORWARDED-PROTO': 'https'}\n\
         proc_name = 'it\\'s'\n",
    );
    let toml = read(
        "bind = ['127.0.0.1:8000', 'unix:/run/shop.sock']\n\
         timeout = 120\nkeepalive = 5\n\
         secure_scheme_headers = { X-FORWARDED-PROTO = 'https' }\n\
         proc_name = \"it's\"\n",
    );
    assert!(python.clone().unwrap().changed(&toml.unwrap()).is_empty());
    assert_eq!(python.unwrap().origin("timeout").to_string(), "gunicorn_config.py:4");
}

#[test]
fn the_name_of_the_file_decides_who_reads_first() {
    let read = |path: &str, text: &str| {
        parse(Path::new(path), text).and_then(Config::resolve).map_err(|error| error.to_string())
    };
    // A backslash is one in TOML's literal string, and begins an escape in Python's.
    let text = "proc_name = 'a\\tb'\n";
    for (path, name) in [("x.toml", "a\\tb"), ("x", "a\\tb"), ("x.py", "a\tb")] {
        assert_eq!(read(path, text).unwrap().proc_name.as_deref(), Some(name), "{path}");
    }
    // What only one of them understands is understood under any name.
    for path in ["server.toml", "gunicorn.conf.py", "settings"] {
        assert!(read(path, "permit_missing_host = True").unwrap().permit_missing_host);
        let section = read(path, "[secure_scheme_headers]\nX-A = 'on'").unwrap();
        assert!(section.explicit("secure_scheme_headers"));
        assert_eq!(read(path, "\u{feff}timeout = 9").unwrap().timeout, Timeout::seconds(9));
    }
    for (path, text, error) in [
        (
            "server.toml",
            "workers = two",
            "workers = two (server.toml:1): a text is written in quotes: \"two\"",
        ),
        ("server.toml", "workers = \"2", "workers = \"2 (server.toml:1): the quote is not closed"),
        ("a.py", "workers = \"2", "workers = \"2 (a.py:1): the quote is not closed"),
        (
            "server.toml",
            "import os",
            "import os (server.toml:1): this needs Python, only NAME = VALUE is read; the \
             variables OXICORN_<NAME> are read without it",
        ),
    ] {
        assert_eq!(read(path, text), Err(error.to_owned()));
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    for (text, subject, line, reason) in [
        ("\nworkers = -1", r#"workers = "-1""#, 2, "it cannot be negative"),
        ("workers = 2.0", r#"workers = "2.0""#, 1, "not a whole number"),
        ("backlog = [2]", r#"backlog = "2""#, 1, "one value is expected, not a list"),
        ("bind = []", r#"bind = """#, 1, "the list is empty"),
        ("bind = [['a:1']]", "bind", 1, "one of its values is a list"),
        (
            "secure_scheme_headers = {'a': []}",
            "secure_scheme_headers",
            1,
            "one of its values is a list",
        ),
        ("workers = 2026-01-01", "workers", 1, "a date is no value for a setting"),
        (
            "backlog = 99999999999999999999",
            r#"backlog = "99999999999999999999""#,
            1,
            "too large: at most 4294967295",
        ),
        ("# x\nthread = 2\naaa = 1", "thread", 2, "no such setting; did you mean threads?"),
        ("Timeout = 2", "Timeout", 1, "no such setting; did you mean timeout?"),
        ("_port = None", "_port", 1, "no such setting; --print-config lists them all"),
        (
            "worker_tmp_dir = '/dev/shm'",
            "worker_tmp_dir",
            1,
            "no such setting: heartbeats are in shared memory, no file is needed",
        ),
        ("config = 'x'", "config", 1, "it is for the command line, not for a file"),
        (
            "[server]\nworkers = 2",
            "server",
            1,
            "there are no sections, settings stand at the top level",
        ),
        ("bind = {'a': 1}", "bind", 1, "there are no sections, settings stand at the top level"),
        (
            "logconfig_dict = {'a': 1}",
            "logconfig_dict",
            1,
            "no such setting: the logs are not Python's: see errorlog, accesslog, access_log_format and loglevel",
        ),
        ("workers = 2\n\nworkers = 3", "workers", 3, "it has been set in line 1 already"),
        ("workers = 2\nworkers 3\n", "workers 3", 2, "only NAME = VALUE is read"),
        (
            "workers = 2\nimport multiprocessing\n",
            "import multiprocessing",
            2,
            "this needs Python, only NAME = VALUE is read; workers = \"auto\" is what to write \
             instead of cpu_count()",
        ),
        (
            "loglevel = None\nworkers = cpu_count() * 2 + 1",
            "workers = cpu_count() * 2 + 1",
            2,
            "this needs Python; workers = \"auto\" is what to write instead of cpu_count()",
        ),
        (
            "bind = 'a:1' + port",
            "bind = 'a:1' + port",
            1,
            "this needs Python, write the value itself",
        ),
        ("bind = 'a:1", "bind = 'a:1", 1, "the quote is not closed"),
        ("bind =", "bind =", 1, "its value is missing"),
        ("bind = [\n  'a:1'\n\n", "bind = [", 1, "the bracket is not closed"),
    ] {
        let expected = format!("{subject} (gunicorn_config.py:{line}): {reason}");
        assert_eq!(read(text), Err(expected));
    }
}

#[test]
fn a_program_is_told_from_a_mistake() {
    for (name, text, program) in [
        ("g.py", "import os\nworkers = 2", true),
        ("g.py", "workers = 2 * 3", true),
        ("g.py", "def post_fork(server, worker):\n    pass", true),
        ("g.py", "post_fork = 'my.hooks.post_fork'", true),
        ("g.py", "post_fork = None\nworkers = 2", false),
        ("g.py", "workers = 2", false),
        ("g.py", "# TOML\nbind = [\"a:1\"]\n", false),
    ] {
        let contents = super::read(Path::new(name), text).unwrap();
        assert_eq!(matches!(contents, Contents::Program(_)), program, "{text}");
    }
    assert!(super::read(Path::new("g.toml"), "workers = 2 * 3").is_err());
    assert!(super::read(Path::new("g.py"), "bind = 'a").is_err());
}
