//! Replacing workers while clients are served: not one of them may notice.

use nix::sys::signal::Signal;

use super::Subject;
use super::leaving::{TARGETS, mixed};
use crate::deadline::Deadline;
use crate::harness::{ErrorLine, Launch, Level, Server};
use crate::load::Load;
use crate::process::Process;

pub(super) const BOOTING: &str = "Booting worker with pid: ";

/// Waits until none of the workers is one of the old ones, and as many run as before.
#[track_caller]
fn wait_for_generation(server: &Server, old: &[Process]) -> Vec<Process> {
    Deadline::seconds(20).expect("a new generation of workers", || {
        let now = server.workers();
        let new = now.len() == old.len() && now.iter().all(|worker| !old.contains(worker));
        new.then_some(now)
    })
}

pub(super) fn hup_under_load(subject: &Subject) {
    for target in TARGETS {
        let server = Launch::of(subject).workers(2).start();
        let mut workers = server.wait_for_workers(2);
        let load = Load::start(server.address(), &mixed(target));
        load.wait_for_answers(50);
        for round in 1..=2 {
            server.signal(Signal::SIGHUP);
            server.wait_for_lines("Hang up: Master", round);
            server.wait_for_lines(BOOTING, 2 + 2 * round);
            workers = wait_for_generation(&server, &workers);
            load.wait_for_answers(50);
        }
        load.stop().assert_nothing_lost();
        assert_always_served(&server, 2);
    }
}

/// Sees in the order of the log that there were never fewer workers than there should be: each has
/// left only after the one that replaces it was there.
#[track_caller]
pub(super) fn assert_always_served(server: &Server, number: usize) {
    let lines = server.error_log().all();
    let (mut booted, mut left) = (0, 0);
    for line in &lines {
        booted += usize::from(line.contains(BOOTING));
        left += usize::from(line.contains("Worker exiting (pid: "));
        assert!(booted < number || booted - left >= number, "at {line}: {lines:#?}");
    }
}

pub(super) fn hup_with_a_bad_configuration(subject: &Subject) {
    let launch = Launch::of(subject).args(["-c", "settings.toml"]);
    let file = launch.folder().join("settings.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("the configuration");
    write("graceful_timeout = 20\n");
    let server = launch.start();
    let worker = server.worker();

    write("graceful_timeout = \"soon\"\n");
    server.signal(Signal::SIGHUP);
    let line = server.wait_for_line("graceful_timeout");
    let level = ErrorLine::parse(&line).map(|line| line.level);
    assert_eq!(level, Some(Level::Error), "{line}");
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.worker(), worker, "nothing changes");

    write("graceful_timeout = 10\n");
    server.signal(Signal::SIGHUP);
    wait_for_generation(&server, &[worker]);
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.error_log().count(BOOTING), 2, "one replacement");
}

pub(super) fn ttin_and_ttou_under_load(subject: &Subject) {
    let server = Launch::of(subject).start();
    let first = server.worker();
    let load = Load::start(server.address(), &mixed("/read?ms=5"));
    load.wait_for_answers(20);

    for number in [2, 3] {
        server.signal(Signal::SIGTTIN);
        server.wait_for_lines("Handling signal: ttin", number - 1);
        server.wait_for_lines(BOOTING, number);
        server.wait_for_workers(number);
        load.wait_for_answers(20);
    }
    for number in [2, 1] {
        server.signal(Signal::SIGTTOU);
        server.wait_for_lines("Handling signal: ttou", 3 - number);
        let left = server.wait_for_workers(number);
        assert!(!left.contains(&first), "the oldest goes first");
        load.wait_for_answers(20);
    }
    // There is always one: this changes nothing, and the one after it is counted from one.
    server.signal(Signal::SIGTTOU);
    server.wait_for_lines("Handling signal: ttou", 3);
    server.signal(Signal::SIGTTIN);
    server.wait_for_lines("Handling signal: ttin", 3);
    server.wait_for_workers(2);
    load.wait_for_answers(20);
    load.stop().assert_nothing_lost();
}
