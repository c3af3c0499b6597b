//! SIGHUP takes new code, and nobody notices: under load, when it is broken, and when it is slow.

use oxicorn_tests::load::{Load, Plan};
use oxicorn_tests::{Deadline, Signal};

use super::*;

fn clients() -> Plan {
    Plan { keep_alive: 2, per_request: 2, target: "/".to_owned(), at_most: u64::MAX }
}

/// Waits until the application of that version answers, and no other.
#[track_caller]
fn wait_for_version(server: &Server, name: &str) {
    Deadline::seconds(20).expect(name, || {
        let answers = (0..8).map(|_| text(server, "/"));
        answers.into_iter().all(|answer| answer == name).then_some(())
    });
}

#[test]
fn an_edited_application_is_served_and_nothing_is_lost() {
    let server = hosting("shop", APP).workers(2).start();
    server.wait_for_workers(2);
    let load = Load::start(server.address(), &clients());
    load.wait_for_answers(50);
    for round in 1..=4 {
        let name = format!("version {round}");
        write(server.folder(), "shop", &version(&name));
        server.signal(Signal::SIGHUP);
        server.wait_for_lines("Reloaded: all workers are of generation", round);
        wait_for_version(&server, &name);
        load.wait_for_answers(50);
    }
    load.stop().assert_nothing_lost();
    Deadline::seconds(10).expect("one zygote", || (server.zygotes().len() == 1).then_some(()));
}

#[test]
fn a_broken_application_changes_nothing() {
    let server = hosting("shop", APP).workers(2).start();
    let workers = server.wait_for_workers(2);
    let before = zygote(&server);
    let load = Load::start(server.address(), &clients());
    let broken = [
        ("raise ValueError('broken')", "importing \"shop\" raised ValueError: broken"),
        ("def app(", "syntax error in "),
        ("app = 1", "cannot be called"),
        ("import os; os._exit(0)", "ended its process while it was imported: exit code 0"),
        ("import os; os.kill(os.getpid(), 9)", "was sent SIGKILL"),
    ];
    for (round, (text, reason)) in broken.into_iter().enumerate() {
        write(server.folder(), "shop", text);
        server.signal(Signal::SIGHUP);
        let refused = server.wait_for_lines("Reload refused, nothing has changed: ", round + 1);
        assert!(refused[round].contains(reason), "{refused:?}");
        assert_eq!(server.workers(), workers);
    }
    load.wait_for_answers(100);
    assert_eq!(zygote(&server), before, "it makes the next worker, too");
    write(server.folder(), "shop", &version("right again"));
    server.signal(Signal::SIGHUP);
    wait_for_version(&server, "right again");
    load.stop().assert_nothing_lost();
}

/// A module that is imported only when the test has made a file.
fn gated(name: &str) -> String {
    format!(
        "import os, time\nopen('waits', 'w')\nwhile not os.path.exists('go'): time.sleep(0.01)\n{}",
        version(name)
    )
}

#[test]
fn while_a_slow_application_is_imported_the_old_one_serves_and_signals_count() {
    let server = hosting("shop", APP).start();
    let load = Load::start(server.address(), &clients());
    write(server.folder(), "shop", &gated("two"));
    server.signal(Signal::SIGHUP);
    let waits = server.folder().join("waits");
    Deadline::seconds(20).expect("the import", || waits.exists().then_some(()));
    load.wait_for_answers(50);
    assert_eq!(text(&server, "/"), "one");
    // Everything else goes on meanwhile.
    server.signal(Signal::SIGTTIN);
    server.wait_for_workers(2);
    server.workers()[0].signal(Signal::SIGKILL);
    server.wait_for_lines("Booting worker with pid: ", 3);
    // Asked for once more meanwhile, twice: the files are read once more.
    write(server.folder(), "shop", &version("three"));
    for round in 2..=3 {
        server.signal(Signal::SIGHUP);
        server.wait_for_lines("Hang up: Master", round);
    }
    fs::write(server.folder().join("go"), "").unwrap();
    server.wait_for_lines("Reloaded: all workers are of generation 3", 1);
    wait_for_version(&server, "three");
    // A worker was killed, with what it had in hand; nobody was refused.
    load.stop();
}

#[test]
fn a_stop_does_not_wait_for_an_import() {
    for (signal, code) in [(Signal::SIGTERM, 0), (Signal::SIGINT, 0)] {
        let mut server = hosting("shop", APP).start();
        write(server.folder(), "shop", &gated("never"));
        server.signal(Signal::SIGHUP);
        let waits = server.folder().join("waits");
        Deadline::seconds(20).expect("the import", || waits.exists().then_some(()));
        server.signal(signal);
        let status = server.wait_exit(Deadline::seconds(5));
        assert_eq!(status.code(), Some(code));
    }
}

#[test]
fn an_import_that_takes_too_long_is_given_up() {
    let server = hosting("shop", APP).args(["--boot-timeout", "5"]).start();
    write(server.folder(), "shop", &gated("never"));
    server.signal(Signal::SIGHUP);
    let line = server.wait_for_line("Reload refused");
    assert!(line.contains("was not imported within boot_timeout"), "{line}");
    assert_eq!(text(&server, "/"), "one");
}
