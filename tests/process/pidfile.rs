//! The pidfile: written, moved and removed by the process that it names, and by no other.

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;
use oxicorn_tests::harness::{Launch, Server};
use oxicorn_tests::{Deadline, Serving, Subject};

use super::{assert_refused, run, server};

fn launch() -> Launch {
    Launch::of(&Subject::new(env!("CARGO_BIN_EXE_server"), "sync", Serving::Inline))
}

fn own(server: &Server) -> String {
    format!("{}\n", server.master().pid())
}

/// This process: it lives, and is no server.
fn somebody() -> String {
    std::process::id().to_string()
}

/// Above what the kernel gives out.
const NOBODY: &str = "2147483647\n";

#[track_caller]
fn stop(server: &mut Server) {
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn it_is_there_while_the_server_runs() {
    for flag in ["-p", "--pid", "--pidfile"] {
        let mut server = launch().args([flag, "a.pid"]).workers(2).start();
        let path = server.folder().join("a.pid");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), own(&server));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        // A worker that leaves does not take it along.
        server.wait_for_workers(2)[0].signal(Signal::SIGTERM);
        server.wait_for_lines("Booting worker with pid: ", 3);
        assert!(path.exists());
        // What another has written there meanwhile is not removed.
        std::fs::write(&path, somebody()).unwrap();
        stop(&mut server);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), somebody());
    }
}

#[test]
fn what_is_left_of_a_dead_server_is_replaced_and_said() {
    for (text, words) in [
        (NOBODY, "process 2147483647 has gone"),
        ("", "names no process"),
        ("garbage", "names no process"),
    ] {
        let launch = launch().args(["-p", "a.pid"]);
        let path = launch.folder().join("a.pid");
        std::fs::write(&path, text).unwrap();
        let mut server = launch.start();
        server.wait_for_line(words);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), own(&server));
        stop(&mut server);
        assert!(!path.exists());
    }
}

#[test]
fn a_server_that_runs_already_is_not_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pid");
    std::fs::write(&path, somebody()).unwrap();
    let line = format!("-b 127.0.0.1:0 -p {}", path.display());
    let finished = run(server(&line));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let running = format!("Already running on PID {} (or pidfile", somebody());
    let last = finished.stderr.lines().last().unwrap_or_default();
    assert!(last.contains(&running) && last.contains("[ERROR]"), "{finished:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), somebody());
    // That it runs is nothing to be mended.
    assert_eq!(run(server(&format!("--check-config {line}"))).code, Some(0));
}

#[test]
fn where_it_cannot_be_written_is_said_with_where_that_comes_from() {
    let path = "/nonexistent/folder/a.pid";
    let finished = run(server(&format!("-b 127.0.0.1:0 -p {path}")));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let last = finished.stderr.lines().last().unwrap_or_default();
    for word in ["[ERROR]", "pidfile", path, "command line", "No such file or directory"] {
        assert!(last.contains(word), "no {word:?}: {finished:?}");
    }
    let file = format!("bind = \"127.0.0.1:0\"\npidfile = \"{path}\"\n");
    let checked = run(server("--check-config").file("server.toml", &file));
    assert_refused(&checked, 1, &["pidfile", path, "server.toml:2"]);
}

#[test]
fn a_reload_moves_it() {
    let launch = launch().args(["-c", "settings.toml"]);
    let folder = launch.folder().to_owned();
    let write = |text: &str| std::fs::write(folder.join("settings.toml"), text).unwrap();
    let there = |name: &str| folder.join(name).exists();
    write("pidfile = \"a.pid\"\n");
    let mut server = launch.start();
    write("pidfile = \"/nonexistent/folder/a.pid\"\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reload refused, nothing has changed: pidfile");
    assert!(there("a.pid"));
    write("pidfile = \"b.pid\"\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    assert!(!there("a.pid"));
    assert_eq!(std::fs::read_to_string(folder.join("b.pid")).unwrap(), own(&server));
    write("\n");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 3");
    assert!(!there("b.pid"));
    stop(&mut server);
}

#[test]
fn a_stray_letter_of_an_upgrade_is_refused() {
    let stray = server("-b 127.0.0.1:0").env("OXICORN_FDS", "pid=1;ready=900;alive=901");
    let finished = run(stray);
    assert_refused(&finished, 1, &["OXICORN_FDS", "descriptor 900"]);
}
