//! The server as the only process of a container: process 1, another user, no capabilities, nothing
//! that can be written to. There is no container engine in a test; namespaces are what one is made of.
//! Where they may not be made, the tests say so and pass.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use oxicorn_tests::harness::{Launch, Server, write_executable};
use oxicorn_tests::process::Process;
use oxicorn_tests::{Deadline, Serving, Subject};

use super::{run, server};

/// Runs its arguments as process 1 of a container. In front of the server a stranger is left behind,
/// whose parent has gone: it is the child of process 1 then, and ends when its pipe does.
const CONTAINER: &str = r#"#!/bin/sh
exec unshare --mount --pid --fork --kill-child --mount-proc sh -c '
    mount -o remount,bind,ro / || exit 9
    if [ -p "$STRANGER" ]; then (cat "$STRANGER" >/dev/null &); fi
    cd /
    exec setpriv --reuid 54321 --regid 54321 --clear-groups --no-new-privs \
        --bounding-set=-all --inh-caps=-all "$0" "$@"
' "$@"
"#;

/// The script that starts `binary` in a container, or nothing where that is not allowed.
#[expect(clippy::print_stdout, reason = "says why a test has tried nothing")]
fn contained(folder: &Path, binary: &str) -> Option<String> {
    let path = folder.join("container");
    let script = CONTAINER.replace(r#"' "$@""#, &format!(r#"' {binary} "$@""#));
    write_executable(&path, &script, 0o755);
    let mut command = Command::new("/bin/sh");
    let tried = command.arg(&path).arg("--version").output();
    let works = tried.as_ref().is_ok_and(|output| output.status.success());
    if !works {
        println!("skipped, no namespaces here: {tried:?}");
        return None;
    }
    path.to_str().map(str::to_owned)
}

/// Process 1, as it is seen from here.
#[track_caller]
fn first(server: &Server) -> Process {
    let outside = server.master();
    Deadline::seconds(10).expect("the process in the container", || outside.children().pop())
}

/// How many children it has, those that have ended and were not reaped included: see proc(5).
fn unreaped(process: Process) -> usize {
    let path = format!("/proc/{0}/task/{0}/children", process.pid());
    let children = std::fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().count()
}

#[test]
fn it_serves_as_process_1_and_leaves_gracefully() {
    let folder = tempfile::tempdir().unwrap();
    let Some(script) = contained(folder.path(), env!("CARGO_BIN_EXE_server")) else {
        return;
    };
    for (class, serving) in [("sync", Serving::Inline), ("tokio", Serving::Many)] {
        let mut server = Launch::of(&Subject::new(&script, class, serving)).workers(2).start();
        server.wait_for_line("[1] [INFO] Listening at");
        let first = first(&server);
        assert_eq!(first.children().len(), 2, "{class}");
        first.signal(Signal::SIGHUP);
        server.wait_for_lines("Worker exiting (pid: ", 2);
        assert_eq!(server.get("/").status, 200);
        first.signal(Signal::SIGTERM);
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
        server.wait_for_line("[1] [INFO] Shutting down: Master");
    }
}

#[test]
fn strangers_are_reaped_and_not_taken_for_workers() {
    let folder = tempfile::tempdir().unwrap();
    let Some(script) = contained(folder.path(), env!("CARGO_BIN_EXE_server")) else {
        return;
    };
    let pipe = folder.path().join("stranger");
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o666);
    nix::unistd::mkfifo(&pipe, mode).unwrap();
    let subject = Subject::new(&script, "sync", Serving::Inline);
    let launch = Launch::of(&subject).env("STRANGER", pipe.to_str().unwrap());
    // The other end, opened for both so that it does not wait.
    let end = std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let server = launch.start();
    let first = first(&server);
    assert_eq!(unreaped(first), 2, "a worker and the stranger");
    drop(end);
    Deadline::seconds(20).until("the stranger to be reaped", || unreaped(first) == 1);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.error_log().count("exited"), 0);
    assert_eq!(server.error_log().count("Booting worker"), 1);
}

/// What the example's image starts: its variables, and its arguments.
#[test]
fn the_settings_of_the_example_are_good() {
    let text = include_str!("../../../examples/deploy/Dockerfile");
    let mut invocation = server("--check-config");
    for pair in text.lines().filter_map(|line| line.strip_prefix("ENV ")) {
        let (name, value) = pair.split_once('=').unwrap();
        // Its port may be somebody else's here.
        let value = if name == "PORT" { "0" } else { value };
        invocation = invocation.env(name, value);
    }
    let arguments = text.lines().find_map(|line| line.strip_prefix("CMD ")).unwrap();
    let words: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
    assert!(!words.is_empty());
    let finished = run(invocation.args(words));
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{finished:?}");
}
