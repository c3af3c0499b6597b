//! Replacing the binary while clients are served: forth, back, and with a binary that is none.

use std::path::Path;

use nix::sys::signal::Signal;

use super::Subject;
use super::leaving::{TARGETS, mixed};
use crate::deadline::Deadline;
use crate::harness::{Address, ErrorLine, Launch, Level, Server};
use crate::harness::{copy_executable, write_executable};
use crate::load::Load;
use crate::process::Process;

const PIDFILE: &str = "master.pid";

/// A server with a pidfile.
fn with_pidfile(subject: &Subject) -> Launch {
    Launch::of(subject).args(["-p", PIDFILE])
}

#[track_caller]
fn assert_pidfile_names(server: &Server, master: Process) {
    let text = std::fs::read_to_string(server.folder().join(PIDFILE)).expect("a pidfile");
    assert_eq!(text, format!("{}\n", master.pid()));
}

fn second_pidfile_exists(server: &Server) -> bool {
    server.folder().join(format!("{PIDFILE}.2")).exists()
}

/// Tells the started one to stop, and goes on with the new one.
#[track_caller]
fn finish(server: &mut Server, successor: Process, promotions: usize) {
    let old = server.master();
    server.follow(successor);
    old.signal(Signal::SIGTERM);
    server.wait_for_lines("Master has been promoted", promotions);
}

#[track_caller]
fn stop(server: &Server) {
    server.signal(Signal::SIGTERM);
    server.wait_end(Deadline::seconds(20));
    let last = server.error_log().matching(|line| line.contains("Shutting down: Master"));
    let last = last.last().and_then(|line| ErrorLine::parse(line)).map(|line| line.pid);
    assert_eq!(last, Some(server.master().pid()));
}

pub(super) fn upgrade_under_load(subject: &Subject) {
    for target in TARGETS {
        let mut server = with_pidfile(subject).workers(2).start();
        let old = server.master();
        let load = Load::start(server.address(), &mixed(target));
        load.wait_for_answers(50);
        server.signal(Signal::SIGUSR2);
        let new = server.wait_for_successor(1);
        assert_pidfile_names(&server, old);
        assert!(second_pidfile_exists(&server));
        load.wait_for_answers(50);
        finish(&mut server, new, 1);
        let status = server.wait_started_exit(Deadline::seconds(20));
        assert_eq!(status.code(), Some(0), "{status}");
        assert_pidfile_names(&server, new);
        assert!(!second_pidfile_exists(&server));
        load.wait_for_answers(50);
        load.stop().assert_nothing_lost();
        assert_eq!(server.wait_for_workers(2).len(), 2);
        stop(&server);
        assert!(!server.folder().join(PIDFILE).exists());
    }
}

pub(super) fn upgrade_and_back_under_load(subject: &Subject) {
    for target in TARGETS {
        let mut server = with_pidfile(subject).workers(2).start();
        let workers = server.wait_for_workers(2);
        let load = Load::start(server.address(), &mixed(target));
        load.wait_for_answers(50);
        server.signal(Signal::SIGUSR2);
        let new = server.wait_for_successor(1);
        load.wait_for_answers(50);
        new.signal(Signal::SIGTERM);
        server.wait_for_line(&format!("new master (pid:{}) exited with code 0", new.pid()));
        assert_pidfile_names(&server, server.master());
        assert!(!second_pidfile_exists(&server));
        load.wait_for_answers(50);
        load.stop().assert_nothing_lost();
        assert_eq!(server.workers(), workers, "as before");
        server.signal(Signal::SIGTERM);
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
    }
}

fn replace(binary: &Path, text: &str, mode: u32) {
    std::fs::remove_file(binary).expect("the binary's name");
    write_executable(binary, text, mode);
}

pub(super) fn upgrade_to_a_broken_binary(subject: &Subject) {
    let server = Launch::of(subject).own_binary().start();
    let (binary, worker) = (server.folder().join("bin/server"), server.worker());
    let failures = [
        ("#!/bin/sh\nexit 7\n", 0o755, "exited with code 7 before it was ready"),
        ("#!/bin/sh\nkill -SEGV $$\n", 0o755, "was sent SIGSEGV before it was ready"),
        ("no program", 0o644, "bin/server: Permission denied"),
    ];
    for (round, (text, mode, words)) in failures.into_iter().enumerate() {
        replace(&binary, text, mode);
        server.signal(Signal::SIGUSR2);
        let failed = "Upgrade failed, this master goes on: ";
        let lines = server.wait_for_lines(failed, round + 1);
        let line = lines.last().and_then(|line| ErrorLine::parse(line));
        let said = line.map(|line| (line.level, line.message.ends_with(words)));
        assert_eq!(said, Some((Level::Error, true)), "{lines:?}");
        assert_eq!(server.get("/").status, 200);
        assert_eq!(server.wait_for_workers(1), [worker], "nothing changes");
    }
    std::fs::remove_file(&binary).expect("the script's name");
    copy_executable(&subject.binary, &binary);
    server.signal(Signal::SIGUSR2);
    server.wait_for_successor(1);
}

pub(super) fn upgrade_on_a_unix_socket(subject: &Subject) {
    let mut server = Launch::of(subject).on_unix_socket().start();
    let Address::Unix(path) = server.address().clone() else {
        panic!("it is at {:?}", server.address());
    };
    let load = Load::start(server.address(), &mixed("/read?ms=5"));
    load.wait_for_answers(20);
    server.signal(Signal::SIGUSR2);
    let new = server.wait_for_successor(1);
    finish(&mut server, new, 1);
    server.wait_started_exit(Deadline::seconds(20));
    assert!(path.exists(), "the new master serves there");
    load.wait_for_answers(20);
    load.stop().assert_nothing_lost();
    stop(&server);
    assert!(!path.exists(), "it was the new master's to remove");
}

pub(super) fn upgrade_twice(subject: &Subject) {
    let mut server = Launch::of(subject).start();
    let mut refused = 0;
    for round in 1..=2 {
        server.signal(Signal::SIGUSR2);
        let new = server.wait_for_successor(round);
        for (master, other) in [(server.master(), "the new master"), (new, "the old master")] {
            master.signal(Signal::SIGUSR2);
            refused += 1;
            let lines = server.wait_for_lines("SIGUSR2 ignored: ", refused);
            let line = lines.last().and_then(|line| ErrorLine::parse(line));
            let line = line.map(|line| (line.level, line.pid, line.message.contains(other)));
            assert_eq!(line, Some((Level::Warning, master.pid(), true)), "{lines:?}");
        }
        finish(&mut server, new, round);
        assert_eq!(server.get("/").status, 200);
    }
    stop(&server);
}
