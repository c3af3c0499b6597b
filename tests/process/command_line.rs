//! The command line, the environment and the configuration file, as a user meets them: what the
//! binary prints, and with which status it exits. How values are parsed and layers laid over each
//! other is tested next to that code; here it is whether `server` does anything with it.

#[path = "command_line/containers.rs"]
mod containers;
#[path = "command_line/deploy.rs"]
mod deploy;
#[path = "command_line/habits.rs"]
mod habits;
#[path = "command_line/mistakes.rs"]
mod mistakes;
mod pidfile;

use std::path::Path;

use oxicorn_tests::Deadline;
use oxicorn_tests::harness::{Finished, Invocation};

fn server(line: &str) -> Invocation {
    Invocation::of(Path::new(env!("CARGO_BIN_EXE_server"))).args(line.split_whitespace())
}

#[track_caller]
fn run(invocation: Invocation) -> Finished {
    invocation.run(Deadline::seconds(20))
}

/// Sees that it was refused with one line on standard error, which has all these words in it.
#[track_caller]
fn assert_refused(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
    for word in words {
        assert!(finished.stderr.contains(word), "no {word:?}: {finished:?}");
    }
}

/// The line of `--print-config` about one setting.
#[track_caller]
fn printed<'a>(finished: &'a Finished, name: &str) -> &'a str {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let start = format!("{name} = ");
    let line = finished.stdout.lines().find(|l| l.starts_with(&start));
    assert!(line.is_some(), "no {name} in {finished:?}");
    line.unwrap_or_default()
}

#[test]
fn help_is_printed() {
    let help = run(server("--help"));
    assert_eq!(help.code, Some(0));
    assert_eq!(help.stderr, "");
    let widest = help.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|columns| columns <= 80), "{widest:?}");
    for flag in ["-b, --bind", "-w, --workers", "-k, --worker-class"] {
        assert!(help.stdout.contains(flag), "no {flag}: {}", help.stdout);
    }
    assert_eq!(run(server("-h")).stdout, help.stdout);
    insta::assert_snapshot!("help", help.stdout);
}

#[test]
fn version_is_printed() {
    for line in ["--version", "-V", "-v"] {
        let version = run(server(line));
        let text = concat!("server ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!((version.code, version.stdout.as_str()), (Some(0), text));
    }
}

#[test]
fn check_config_starts_nothing() {
    let good = server("--check-config").file("server.toml", "workers = 2\n");
    let good = run(good);
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), ""), "{good:?}");

    for (text, words) in [
        ("workers = 0\n", ["workers", "server.toml:1"]),
        ("\nworker = 2\n", ["worker ", "server.toml:2"]),
        ("loglevel = \"loud\"\n", ["loglevel", "loud"]),
        ("worker_class = \"what\"\n", ["worker_class", "what"]),
        ("bind = \"here:there\"\n", ["bind", "here:there"]),
        ("access_log_format = \"%(nonsense)s\"\naccesslog = \"-\"\n", ["format", "nonsense"]),
        ("accesslog = \"/nonexistent/folder/log\"\n", ["accesslog", "/nonexistent/folder/log"]),
        ("errorlog = \"/nonexistent/folder/log\"\n", ["errorlog", "/nonexistent/folder/log"]),
    ] {
        let bad = run(server("--check-config").file("server.toml", text));
        assert_refused(&bad, 1, &words);
    }
}

#[test]
fn print_config_names_every_origin() {
    let invocation = server("--print-config --backlog 100")
        .file("server.toml", "\nkeepalive = 5\ntimeout = 7\n")
        .env("PORT", "5000")
        .env("WEB_CONCURRENCY", "3")
        .env("SERVER_CMD_ARGS", "--timeout 8 --name 'an app'")
        .env("OXICORN_GRACEFUL_TIMEOUT", "9");
    let finished = run(invocation);
    for (name, value, origin) in [
        ("bind", "0.0.0.0:5000", "PORT"),
        ("workers", "3", "WEB_CONCURRENCY"),
        ("keepalive", "5", "server.toml:2"),
        ("timeout", "8", "SERVER_CMD_ARGS"),
        ("proc_name", "an app", "SERVER_CMD_ARGS"),
        ("graceful_timeout", "9", "OXICORN_GRACEFUL_TIMEOUT"),
        ("backlog", "100", "command line"),
        ("header_timeout", "10", "default"),
    ] {
        let line = printed(&finished, name);
        let (setting, comment) = line.rsplit_once('#').unwrap_or_default();
        assert!(setting.contains(value), "{value:?} in {line:?}");
        assert!(comment.contains(origin), "{origin:?} in {line:?}");
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let first = run(server("--print-config -w 3 -b :5000 -b unix:/tmp/x --timeout 500ms"));
    assert_eq!(first.code, Some(0), "{first:?}");
    let again = run(server("--print-config -c printed").file("printed", &first.stdout));
    for name in ["workers", "bind", "timeout", "limit_request_line"] {
        let value = |finished| {
            let line: &str = printed(finished, name);
            line.split_once('#').unwrap_or_default().0.trim_end().to_owned()
        };
        assert_eq!(value(&first), value(&again));
    }
}

#[test]
fn an_unknown_class_is_answered_with_the_known_ones() {
    let finished = run(server("-k gevnt"));
    let names = ["gevnt", "sync", "threaded", "gthread", "coroutine", "gevent", "tokio", "async"];
    assert_refused(&finished, 2, &names);
}

#[test]
fn what_is_wrong_on_the_command_line_is_one_line_and_status_2() {
    for (line, words) in [
        ("--wokers 2", ["--wokers", "--workers"]),
        ("--workers many", ["workers", "many"]),
        ("--workers -3", ["workers", "-3"]),
        ("--timeout 5x", ["timeout", "5x"]),
        ("-b 127.0.0.1:http", ["bind", "http"]),
        ("--log-level loud", ["loglevel", "loud"]),
        ("-k tokio --threads 4", ["threads", "tokio"]),
        ("-c nowhere.toml", ["nowhere.toml", "command line"]),
    ] {
        assert_refused(&run(server(line)), 2, &words);
    }
}

#[test]
fn what_is_wrong_elsewhere_is_one_line_and_status_1() {
    let file = server("").file("server.toml", "worker_tmp_dir = \"/dev/shm\"\n");
    assert_refused(&run(file), 1, &["worker_tmp_dir", "server.toml:1"]);
    let variable = server("").env("OXICORN_WORKRES", "2");
    assert_refused(&run(variable), 1, &["OXICORN_WORKRES", "OXICORN_WORKERS"]);
    let args = server("").env("SERVER_CMD_ARGS", "--workers many");
    assert_refused(&run(args), 1, &["workers", "many", "SERVER_CMD_ARGS"]);
    let concurrency = server("").env("WEB_CONCURRENCY", "many");
    assert_refused(&run(concurrency), 1, &["many", "WEB_CONCURRENCY"]);
}

#[test]
fn an_application_without_a_python_is_one_line() {
    let server = server("-b 127.0.0.1:0 myproject.wsgi:application");
    let finished = run(server.env("OXICORN_PYTHON", "/nowhere/python"));
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    assert!(finished.stderr.contains("myproject.wsgi"), "{finished:?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:?}");
}

#[test]
fn the_configuration_file_may_have_gunicorns_name_and_form() {
    let text = "# plain assignments\nbind = \"127.0.0.1:5000\"\nworkers = 4\naccesslog = '-'\n";
    let named = server("--print-config -c gunicorn_config.py").file("gunicorn_config.py", text);
    let named = run(named);
    assert!(printed(&named, "workers").contains("gunicorn_config.py:3"));
    assert!(printed(&named, "bind").contains("127.0.0.1:5000"));
    let found = run(server("--print-config").file("server.toml", text));
    assert!(printed(&found, "workers").contains("server.toml:3"));
}

#[test]
fn a_port_in_use_is_tried_five_times() {
    #[expect(clippy::disallowed_methods, reason = "somebody else's socket")]
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let finished = run(server("").args(["-b", &address]));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let tries = finished.stderr.matches("in use").count();
    assert!(tries >= 5, "{tries} tries: {finished:?}");
    let last = finished.stderr.lines().last().unwrap_or_default();
    assert!(last.contains(&address), "{last}");
}
