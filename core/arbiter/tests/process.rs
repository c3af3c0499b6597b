//! The master as a whole process: real forks, real signals, and what the log says of them. The
//! workers are those of the example `idle_master`, which cargo builds with the tests.

mod idle;

use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use idle::{Idle, an_address_in_use};
use nix::sys::signal::Signal;

/// Two workers at a free port.
const TWO: &str = "bind = '127.0.0.1:0'\nworkers = 2\n";

fn with(more: &str) -> String {
    format!("{TWO}{more}\n")
}

#[test]
fn a_start_and_a_graceful_stop_say_what_gunicorn_says() {
    let mut server = Idle::start(TWO);
    let [one, two] = server.two_workers();
    let address = server.address();
    TcpStream::connect(&address).unwrap();
    server.signal(Signal::SIGTERM);
    server.wait_for("Handling signal: term");
    assert_eq!(server.exit_code(), Some(0));
    server.has_said(&[
        &format!("Starting oxicorn {}", env!("CARGO_PKG_VERSION")),
        &format!("Listening at: http://{address} ({})", server.pid()),
        "Using worker: idle",
        &format!("Booting worker with pid: {one}"),
        &format!("Worker exiting (pid: {one})"),
        &format!("Worker exiting (pid: {two})"),
        "[INFO] Shutting down: Master",
    ]);
    TcpStream::connect(&address).unwrap_err();
}

#[test]
fn processes_are_titled() {
    let mut server = Idle::start(&with("proc_name = 'shop'"));
    let [one, _] = server.two_workers();
    let title = |pid| {
        let text = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        String::from_utf8(text).unwrap().trim_end_matches('\0').to_owned()
    };
    assert_eq!(title(server.pid()), "server: master [shop]");
    assert_eq!(title(one), "server: worker [shop]");
}

#[test]
fn int_and_quit_stop_at_once_also_those_who_would_not_leave() {
    for signal in [Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = Idle::start(&with("worker_class = 'mute'\ntimeout = 0"));
        server.two_workers();
        server.signal(signal);
        assert_eq!(server.exit_code(), Some(0));
        server.has_said(&["was sent SIGKILL!", "Shutting down: Master"]);
    }
}

#[test]
fn whoever_does_not_leave_within_graceful_timeout_is_killed() {
    let mut server = Idle::start(&with("worker_class = 'stubborn'\ngraceful_timeout = '300ms'"));
    let [one, two] = server.two_workers();
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
    server.has_said(&[
        &format!("[ERROR] Worker (pid:{one}) was sent SIGKILL!"),
        &format!("[ERROR] Worker (pid:{two}) was sent SIGKILL!"),
    ]);
}

#[test]
fn hup_replaces_the_workers_one_after_the_other() {
    let mut server = Idle::start(TWO);
    let old = server.two_workers();
    server.signal(Signal::SIGHUP);
    server.wait_for("Hang up: Master");
    // What the master and a worker say at the same time comes in either order.
    server.wait_for_all(&["Living", "exited with code 0."]);
    let reloaded = "Reloaded: all workers are of generation 2";
    server.wait_for_all(&["Living", reloaded, "exited with code 0."]);
    server.has_said(&["Reopened: Master"]);
    for pid in old {
        server.has_said(&[&format!("Worker exiting (pid: {pid})")]);
        assert!(!Idle::lives(pid));
    }
    assert_eq!(server.children().len(), 2);
}

#[test]
fn a_bad_configuration_changes_nothing() {
    let mut server = Idle::start(TWO);
    let old = server.two_workers();
    server.reload("workers = 'many'");
    server.wait_for("[ERROR] Reload refused, nothing has changed: ");
    server.reload(&with("bind = '127.0.0.1:0'"));
    server.wait_for("[ERROR] Reload refused");
    let (_taken, address) = an_address_in_use();
    server.reload(&format!("bind = '{address}'"));
    server.wait_for("[ERROR] Reload refused, nothing has changed: cannot listen at 127.0.0.1:");
    assert!(old.into_iter().all(Idle::lives));
    assert_eq!(server.count("Booting worker"), 2);
}

#[test]
fn a_reload_that_cannot_boot_leaves_the_old_workers() {
    let mut server = Idle::start(TWO);
    let old = server.two_workers();
    server.reload(&with("worker_class = 'fails'"));
    server.wait_for("exited with code 3.");
    server.wait_for("Reload ended: a worker of generation 2 failed to boot");
    assert!(old.into_iter().all(Idle::lives));
    server.signal(Signal::SIGTTIN);
    server.next_worker();
    server.reload(TWO);
    server.wait_for("Reloaded: all workers are of generation 3");
}

#[test]
fn hup_adds_and_removes_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let unix = format!("'unix:{}'", path.display());
    let mut server = Idle::start("bind = '127.0.0.1:0'");
    server.wait_for("Living");
    let address = server.address();
    server.reload(&format!("bind = ['127.0.0.1:0', {unix}]"));
    server.wait_for(&format!("Listening at: http://{address},unix:"));
    server.wait_for("exited with code 0.");
    UnixStream::connect(&path).unwrap();
    TcpStream::connect(&address).unwrap();
    server.reload(&format!("bind = {unix}"));
    server.wait_for("exited with code 0.");
    TcpStream::connect(&address).unwrap_err();
    UnixStream::connect(&path).unwrap();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn ttin_and_ttou_change_the_number_of_workers() {
    let mut server = Idle::start(TWO);
    let [oldest, _] = server.two_workers();
    server.signal(Signal::SIGTTIN);
    server.next_worker();
    server.signal(Signal::SIGTTOU);
    server.wait_for("exited with code 0.");
    server.signal(Signal::SIGTTOU);
    server.wait_for("exited with code 0.");
    server.signal(Signal::SIGTTOU);
    server.wait_for("Handling signal: ttou");
    assert!(!Idle::lives(oldest));
    assert_eq!(server.children().len(), 1, "never below one");
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let mut server = Idle::start(TWO);
    let [one, _] = server.two_workers();
    Idle::send(one, Signal::SIGKILL);
    server.wait_for(&format!("[ERROR] Worker (pid:{one}) was sent SIGKILL!"));
    server.next_worker();
    assert_eq!(server.children().len(), 2);
}

#[test]
fn a_worker_that_a_real_time_signal_ends_is_not_lost() {
    let mut server = Idle::start(TWO);
    let [one, _] = server.two_workers();
    Idle::send_number(one, 40);
    server.wait_for(&format!("[WARNING] Worker (pid:{one}) was sent signal 40!"));
    server.next_worker();
}

#[test]
fn workers_ignore_what_is_meant_for_the_master() {
    let mut server = Idle::start(TWO);
    let [one, two] = server.two_workers();
    for signal in [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGWINCH, Signal::SIGTTIN] {
        Idle::send(one, signal);
    }
    Idle::send(one, Signal::SIGUSR1);
    server.wait_for(&format!("Reopened (pid: {one})"));
    server.signal(Signal::SIGUSR1);
    server.wait_for("Reopened: Master");
    server.wait_for_all(&[&format!("Reopened (pid: {one})"), &format!("Reopened (pid: {two})")]);
}

#[test]
fn what_is_not_there_yet_is_said() {
    let mut server = Idle::start(TWO);
    let old = server.two_workers();
    server.signal(Signal::SIGWINCH);
    server.wait_for("[DEBUG] SIGWINCH ignored. Not daemonized");
    assert!(old.into_iter().all(Idle::lives));
}

#[test]
fn a_new_master_that_is_never_ready_is_stopped_and_the_old_one_goes_on() {
    let mut server = Idle::start(&with("boot_timeout = 4"));
    let old = server.two_workers();
    server.write(&with("worker_class = 'slow'\nboot_timeout = 0"));
    server.signal(Signal::SIGUSR2);
    server.wait_for("[INFO] Booting the new master (pid:");
    server.wait_for("it was not ready within boot_timeout");
    server.wait_for("[INFO] Leaving: the old master (pid:");
    server.wait_for("exited with code 0 before it was ready");
    assert!(old.into_iter().all(Idle::lives));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_new_master_whose_workers_cannot_boot_changes_nothing() {
    let mut server = Idle::start(TWO);
    let old = server.two_workers();
    server.write(&with("worker_class = 'fails'"));
    server.signal(Signal::SIGUSR2);
    let text = "Upgrade failed, this master goes on: the new master (pid:";
    let line = server.wait_for(text);
    assert!(line.contains("[ERROR]") && line.ends_with("exited with code 3 before it was ready"));
    assert!(old.into_iter().all(Idle::lives));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn the_new_master_goes_on_when_the_old_one_is_killed() {
    let mut server = Idle::start(TWO);
    server.two_workers();
    server.signal(Signal::SIGUSR2);
    server.wait_for("is ready: TERM this one (pid:");
    let [new] = server.successors()[..] else { panic!("one new master") };
    server.signal(Signal::SIGKILL);
    server.wait_for("Master has been promoted");
    Idle::send(new, Signal::SIGTERM);
    assert_eq!(server.exit_code(), None, "the old one, by a signal");
    let end = server.last("Shutting down: Master");
    assert!(end.contains(&format!("[{new}]")), "{end}");
}

#[test]
fn a_first_generation_that_cannot_boot_is_the_end() {
    for (class, code, reason) in [
        ("fails", 3, "Reason: Worker failed to boot."),
        ("missing", 4, "Reason: App failed to load."),
        ("panics", 3, "Reason: Worker failed to boot."),
    ] {
        let mut server = Idle::start(&with(&format!("worker_class = '{class}'")));
        assert_eq!(server.exit_code(), Some(code), "{class}");
        server.has_said(&["[ERROR] Shutting down: Master", &format!("[ERROR] {reason}")]);
        assert_eq!(server.count("Reason: "), 1, "{class}");
    }
}

#[test]
fn a_silent_worker_is_aborted_and_replaced() {
    let mut server = Idle::start("bind = '127.0.0.1:0'\nworker_class = 'mute'\ntimeout = '500ms'");
    let silent = server.next_worker();
    server.wait_for(&format!("[CRITICAL] WORKER TIMEOUT (pid:{silent})"));
    let aborted = format!("[WARNING] Worker (pid:{silent}) was sent SIGABRT!");
    server.wait_for_all(&[&aborted, "Living"]);
}

#[test]
fn a_worker_that_is_never_ready_is_killed() {
    let mut server =
        Idle::start("bind = '127.0.0.1:0'\nworker_class = 'slow'\nboot_timeout = '300ms'");
    server.wait_for("is killed: not ready within boot_timeout");
    server.wait_for("was sent SIGKILL!");
    server.next_worker();
}

#[test]
fn when_the_master_is_killed_its_workers_leave() {
    let mut server = Idle::start(TWO);
    server.two_workers();
    server.signal(Signal::SIGKILL);
    server.wait_for("The master has died");
    server.wait_for("The master has died");
    server.wait_for_the_end_of_all();
}

#[test]
fn an_address_in_use_is_tried_five_times() {
    let (_taken, address) = an_address_in_use();
    let mut server = Idle::start(&format!("bind = '{address}'"));
    assert_eq!(server.exit_code(), Some(1));
    assert_eq!(server.count(&format!("[ERROR] Connection in use: {address}")), 5);
    server.has_said(&[&format!("[ERROR] Can't connect to {address}")]);
}

#[test]
fn a_stop_ends_the_wait_for_an_address() {
    let (_taken, address) = an_address_in_use();
    let mut server = Idle::start(&format!("bind = '{address}'"));
    server.wait_for("Connection in use");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
    server.has_said(&["Shutting down: Master"]);
}

#[test]
fn beside_a_second_thread_the_master_does_not_fork() {
    let mut server = Idle::start(&with("proc_name = 'threaded'"));
    server.wait_for("[ERROR] Cannot fork a worker: the master has a second thread: idler");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.exit_code(), Some(0));
    assert_eq!(server.count("Booting"), 0);
}

#[test]
fn reloads_leak_no_descriptors() {
    let mut server = Idle::start("bind = '127.0.0.1:0'");
    let open = |pid| std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    server.wait_for("Living");
    let worker = server.children()[0];
    let before = (open(server.pid()), open(worker));
    for generation in 2..6 {
        server.reload("bind = '127.0.0.1:0'");
        server.wait_for(&format!("Reloaded: all workers are of generation {generation}"));
        server.wait_for("exited with code 0.");
    }
    let worker = server.children()[0];
    assert_eq!((open(server.pid()), open(worker)), before);
    assert!(before.1 < before.0 + 2, "a worker has its own ends, and not the master's as well");
}

#[test]
fn workers_have_the_applications_environment_and_nothing_that_is_the_masters() {
    let started_with =
        [("KEPT", "1"), ("CHANGED", "1"), ("NOTIFY_SOCKET", "@x"), ("LISTEN_PID", "1")];
    let tells = |raw_env: &str| with(&format!("worker_class = 'tells'\nraw_env = {raw_env}"));
    let config = tells("['CHANGED=2', 'ADDED=3', 'LISTEN_PID=4']");
    let mut server = Idle::start_with(&config, &started_with);
    server
        .wait_for(r#"Environment: {"ADDED": "3", "CHANGED": "2", "KEPT": "1", "LISTEN_PID": "4"}"#);
    server.two_workers();
    server.reload(&tells("{ KEPT = 5 }"));
    server.wait_for(r#"Environment: {"CHANGED": "1", "KEPT": "5"}"#);
}
