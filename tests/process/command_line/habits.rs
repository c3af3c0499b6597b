//! What somebody does who has just moved over from gunicorn: the same file, the same habits.

use nix::sys::signal::Signal;
use oxicorn_tests::harness::{ErrorLine, Launch, Level};
use oxicorn_tests::{Deadline, Serving, Subject};

use super::{printed, run, server};

/// As it is found in the wild.
const THEIR_FILE: &str = r#"# gunicorn_config.py
bind = "0.0.0.0:5000"
workers = 4
worker_class = "sync"
timeout = 30
keepalive = 5
accesslog = "-"
errorlog = "-"
loglevel = "info"
"#;

fn sync() -> Launch {
    Launch::of(&Subject::new(env!("CARGO_BIN_EXE_server"), "sync", Serving::Inline))
}

#[test]
fn gunicorns_file_does_what_it_says() {
    let invocation = server("--print-config -c gunicorn_config.py");
    let finished = run(invocation.file("gunicorn_config.py", THEIR_FILE));
    assert_eq!(finished.stderr, "");
    for (at, line) in THEIR_FILE.lines().enumerate().skip(1) {
        let (name, value) = line.split_once(" = ").unwrap_or_default();
        let printed = printed(&finished, name);
        assert!(printed.contains(value.trim_matches('"')), "{line}: {printed}");
        let origin = format!("gunicorn_config.py:{}", at + 1);
        assert!(printed.ends_with(&origin), "{origin}: {printed}");
    }
}

#[test]
fn a_server_starts_from_gunicorns_file() {
    // All but the address is from the file: port 5000 may be somebody else's.
    let launch = sync().workers(4).args(["-c", "gunicorn_config.py"]);
    std::fs::write(launch.folder().join("gunicorn_config.py"), THEIR_FILE).unwrap();
    let server = launch.start();
    server.wait_for_line("Using worker: sync");
    server.wait_for_workers(4);
    assert_eq!(server.get("/").status, 200);
    server.wait_for_accesses("GET / HTTP/1.1", 1);
}

#[test]
fn what_gunicorn_would_have_read_is_mentioned_at_the_start() {
    let launch = sync().env("GUNICORN_CMD_ARGS", "--workers 3");
    std::fs::write(launch.folder().join("gunicorn.conf.py"), "workers = 3\n").unwrap();
    let server = launch.start();
    for words in ["SERVER_CMD_ARGS", "-c gunicorn.conf.py"] {
        let line = server.wait_for_line(words);
        let level = ErrorLine::parse(&line).map(|line| line.level);
        assert_eq!(level, Some(Level::Warning), "{line}");
    }
    server.wait_for_workers(1);
}

#[test]
fn a_check_mentions_it_too_and_succeeds() {
    let invocation = server("--check-config -b 127.0.0.1:0").env("GUNICORN_CMD_ARGS", "");
    let finished = run(invocation);
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
    assert!(finished.stderr.starts_with("Warning: GUNICORN_CMD_ARGS"), "{finished:?}");
}

#[test]
fn a_reload_applies_each_setting_when_its_policy_says() {
    let launch = sync().args(["-c", "settings"]);
    let file = launch.folder().join("settings");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("loglevel = 'info'\naccess_log_format = 'old %(r)s'\n");
    let server = launch.start();
    assert_eq!(server.get("/").status, 200);
    server.wait_for_accesses("old GET /", 1);

    // For the workers that the reload starts.
    write("loglevel = 'info'\naccess_log_format = 'new %(r)s'\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_lines("Worker exiting (pid: ", 1);
    assert_eq!(server.get("/").status, 200);
    server.wait_for_accesses("new GET /", 1);

    // At once: when the new workers serve, the master does not even say any more what it has heard.
    write("loglevel = 'error'\naccess_log_format = 'quiet %(r)s'\n");
    server.signal(Signal::SIGHUP);
    Deadline::seconds(20).until("the third generation", || {
        assert_eq!(server.get("/").status, 200);
        server.access_log().count("quiet GET /") > 0
    });
    server.signal(Signal::SIGUSR1);
    write("loglevel = 'nonsense'\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("nonsense");
    assert_eq!(server.error_log().count("Handling signal: usr1"), 0);
}

#[test]
fn the_manual_and_the_completions_are_printed() {
    let manual = run(server("--man"));
    assert_eq!((manual.code, manual.stderr.as_str()), (Some(0), ""));
    let kept = include_str!("../../../docs/man/server.1");
    assert_eq!(manual.stdout, kept);
    for shell in ["bash", "zsh", "fish"] {
        let script = run(server("").args(["--completions", shell]));
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""));
        assert!(script.stdout.contains("worker-class"), "{shell}");
    }
}
