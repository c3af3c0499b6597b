//! What is settled before the server starts: the folder, the umask, the environment, the number of
//! workers; and what a reload says about it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use oxicorn_tests::{Deadline, Signal};

use super::*;

#[test]
fn mistakes_are_one_line() {
    for (line, code, text) in [
        (
            "--chdir /nowhere/at/all",
            2,
            r#"chdir = "/nowhere/at/all" (command line): cannot change to it: No such file or directory (os error 2)"#,
        ),
        ("-m 9z", 2, r#"umask = "9z" (command line): not a mode: write 022, 0o22, 0x12 or 18"#),
        ("-e FOO", 2, r#"raw_env = "FOO" (command line): it must be NAME=VALUE"#),
        (
            "-u no-such-user",
            2,
            r#"user = "no-such-user" (command line): there is no user "no-such-user""#,
        ),
        (
            "-g no-such-group",
            2,
            r#"group = "no-such-group" (command line): there is no group "no-such-group""#,
        ),
        (
            "--initgroups",
            2,
            r#"initgroups = "true" (command line): it needs a user that the system has a name for"#,
        ),
        ("-w several", 2, r#"workers = "several" (command line): not a whole number"#),
        (
            "--reuse-port -b unix:x.sock",
            2,
            r#"reuse_port = "true" (command line): only a TCP address can be shared, and unix:x.sock is none"#,
        ),
        (
            "-b unix:x?user=no-such-user",
            2,
            r#"bind = "unix:x?user=no-such-user" (command line): unix:x?user=no-such-user: there is no user "no-such-user""#,
        ),
        (
            "-b unix:x?mode=rw",
            2,
            r#"bind = "unix:x?mode=rw" (command line): mode=rw: not an octal mode such as 0660"#,
        ),
        (
            "-b unix:x?colour=red",
            2,
            r#"bind = "unix:x?colour=red" (command line): "colour" behind '?': there are mode=, user= and group="#,
        ),
    ] {
        assert_refused(&run(line), code, text);
        assert_refused(&run(&format!("--check-config {line}")), code, text);
    }
    let long = format!("/{}", "x".repeat(107));
    let text = format!(
        r#"bind = "unix:{long}" (command line): the path of a unix socket has at most 107 bytes, this one has 108"#
    );
    assert_refused(&run(&format!("-b unix:{long}")), 2, &text);
}

#[test]
fn the_folder_is_changed_before_anything_but_the_configuration_file_is_found() {
    let elsewhere = tempfile::tempdir().unwrap();
    let launch = server();
    fs::write(launch.folder().join("mine.toml"), "graceful_timeout = 5\n").unwrap();
    let folder = elsewhere.path().to_str().unwrap().to_owned();
    let launch = launch.access_log_in(Path::new("access.log"));
    let server = launch.args(["-c", "mine.toml", "--chdir", &folder]).start();
    let cwd = |process: Process| fs::read_link(format!("/proc/{}/cwd", process.pid())).unwrap();
    assert_eq!(cwd(server.master()), elsewhere.path().canonicalize().unwrap());
    assert_eq!(cwd(server.worker()), elsewhere.path().canonicalize().unwrap());
    assert!(elsewhere.path().join("access.log").exists());
    // The file is still found where it was.
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
}

#[test]
fn what_needs_a_restart_is_named_at_a_reload() {
    let launch = server();
    let file = launch.folder().join("server.toml");
    let server = launch.start();
    fs::write(&file, "backlog = 7\numask = 0o27\nkeepalive = 9\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    let changed = server.wait_for_lines("has changed", 2);
    let named: Vec<&str> =
        changed.iter().filter_map(|line| line.split("[WARNING] ").nth(1)).collect();
    let expected = ["backlog", "umask"]
        .map(|name| format!("{name} has changed: it takes effect after a restart"));
    assert_eq!(named, expected);
    assert_eq!(status(server.master(), "Umask"), "0022");
}

/// Answers each connection with a word.
fn upstream() -> String {
    #[expect(clippy::disallowed_methods, reason = "somebody else's server")]
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    };
    std::thread::Builder::new().name("upstream".to_owned()).spawn(answer).unwrap();
    address
}

#[test]
fn the_environment_is_set_before_the_application_starts_and_anew_by_a_reload() {
    let (one, two) = (upstream(), upstream());
    let launch = server();
    let file = launch.folder().join("server.toml");
    fs::write(&file, format!("raw_env = [\"OXICORN_DEMO_UPSTREAM={one}\", \"B=x,y\"]\n")).unwrap();
    let server = launch.start();
    let fetch = |from: &str| server.get(&format!("/upstream?url=http://{from}/")).status;
    assert_eq!((fetch(&one), fetch(&two)), (200, 403));
    // What it sets is not ours to read: this would be an unknown setting.
    fs::write(&file, format!("[raw_env]\nOXICORN_DEMO_UPSTREAM = \"{two}\"\nOXICORN_X = 1\n"))
        .unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    server.wait_for_line("Worker exiting");
    assert_eq!((fetch(&one), fetch(&two)), (403, 200));
}

#[test]
fn the_umask_is_everybodys() {
    for (args, mask, mode) in [(&[][..], "0022", 0o755), (&["-m", "0o77"], "0077", 0o700)] {
        let server = server().on_unix_socket().args(args.iter().copied()).start();
        for process in [server.master(), server.worker()] {
            assert_eq!(status(process, "Umask"), mask);
        }
        let file = fs::metadata(server.folder().join("server.sock")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, mode);
    }
}

#[test]
fn automatic_workers_are_explained_and_there() {
    let launch = server().args(["--workers=auto"]);
    let server = launch.spawn();
    let line = server.wait_for_line("Workers: ");
    assert!(line.contains("(auto: ") && line.contains(" by affinity"), "{line}");
    let number = line.split("Workers: ").nth(1).and_then(|rest| rest.split(' ').next());
    let number: u32 = number.unwrap().parse().unwrap();
    assert!((1..=512).contains(&number));
    server.wait_ready(number);
    let printed = Invocation::of(Path::new(SERVER)).args(["--print-config"]);
    let printed = printed.env("WEB_CONCURRENCY", "auto").run(Deadline::seconds(20));
    let line = printed.stdout.lines().find(|line| line.starts_with("workers = "));
    let line = line.unwrap_or_default();
    assert!(line.starts_with(r#"workers = "auto""#), "{line}");
    assert!(line.contains(&format!("# default, from WEB_CONCURRENCY: {number} (auto: ")), "{line}");
}

#[test]
fn a_stranger_without_a_home_in_a_closed_folder_can_serve() {
    if !are_root() || !strangers_can_run_it() {
        return;
    }
    let launch = started_by("stranger");
    permit(launch.folder(), 0o700);
    let server = launch.start();
    assert_eq!(status(server.master(), "Uid"), "12345 12345 12345 12345");
    assert_eq!(server.get("/").text(), "Hello, world!\n");
    let written = fs::read_dir(server.folder()).unwrap().count();
    assert_eq!(written, 0, "nothing is written that nobody asks for");
}

/// Whether this machine lets us have a read-only root; otherwise says so.
fn root_can_be_read_only() -> bool {
    let mut command = std::process::Command::new("unshare");
    let command = command.args(["--mount", "mount", "-o", "remount,bind,ro", "/"]);
    let can = command.output().is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: no name space of mounts can be had");
    }
    can
}

#[test]
fn a_read_only_root_is_no_hindrance() {
    if !root_can_be_read_only() {
        return;
    }
    let server = started_by("readonly").args(["-w2"]).start();
    let mounts = fs::read_to_string(format!("/proc/{}/mounts", server.master().pid())).unwrap();
    let root = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/"));
    let options = root.and_then(|line| line.split(' ').nth(3)).unwrap_or_default();
    assert!(options.split(',').any(|option| option == "ro"), "{mounts}");
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    assert_eq!(server.get("/").text(), "Hello, world!\n");
}

#[test]
fn an_order_comes_behind_the_worker_that_was_ready_before_it() {
    let mut server = server().args(["--drain-delay", "1h"]).spawn();
    server.wait_for_line("Booting worker with pid: ");
    // Whatever the master knows of its worker by now, it learns of both at once.
    server.signal(Signal::SIGSTOP);
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGCONT);
    server.wait_for_line("Stopping in 3600.0 s");
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGINT);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}
