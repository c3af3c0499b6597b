//! The harness against programs that are no servers: what it hands over, what it notices, and that
//! nothing survives it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nix::sys::signal::Signal;

use super::*;
use crate::contract::{Serving, Subject};
use crate::deadline::Deadline;

fn program(name: &str) -> Launch {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/harness/programs");
    Launch::of(&Subject {
        binary: folder.join(name),
        class: "any".to_owned(),
        serving: Serving::Threads,
        hosted: None,
    })
}

#[test]
fn what_others_wrote_is_put_together() {
    let lines = [
        "[2026-11-23 18:38:07 +0000] [24606] [ERROR] In flight: GET /",
        "Fatal Python error: [2026-11-23 18:38:07 +0000] [24687] [INFO] Booting worker",
        "Aborted",
        "a[0] is not ours",
    ];
    let text = log::foreign_text(&lines.map(str::to_owned));
    assert_eq!(text, "Fatal Python error: Aborted\na[0] is not ours\n");
}

#[test]
fn the_socket_is_descriptor_3() {
    let mut server = program("forgetful").spawn();
    server.wait_for_line("descriptor 3 is socket:");
    server.kill_all();
}

#[test]
fn what_a_server_leaves_behind_is_noticed_and_killed() {
    let mut server = program("forgetful").spawn();
    server.wait_for_line("descriptor 3");
    let deadline = Deadline::seconds(10);
    deadline.until("its exit", || server.try_exit().is_some());
    let noticed = catch_unwind(AssertUnwindSafe(|| {
        server.expect_nothing_left(Deadline::after(std::time::Duration::from_millis(50)));
    }));
    let message = noticed.expect_err("the process that was forgotten");
    let message = message.downcast_ref::<String>().cloned();
    assert!(message.is_some_and(|m| m.contains("left these behind") && m.contains("sleep")));
    let gone = server.error_log().wait_end(Deadline::seconds(5));
    assert_eq!(gone, Some(()));
}

#[test]
fn a_stubborn_server_is_killed_with_all_that_it_started() {
    let server = program("stubborn").threads(7).args(["--more"]).spawn();
    let line = server.wait_for_line("arguments: ");
    let expected = "arguments: -k any -w 1 --threads 7 --access-logfile - -b fd://3 --more";
    assert_eq!(line, expected);
    server.signal(Signal::SIGTERM);
    let (error_log, master) = (server.error_log().clone(), server.master());
    drop(server);
    assert!(!master.runs());
    assert_eq!(error_log.wait_end(Deadline::seconds(1)), Some(()));
}

#[test]
fn an_invocation_ends_or_is_ended() {
    let sh = || Invocation::of(Path::new("/bin/sh"));
    let script = "echo $GREETING; cat file; echo oops >&2; exit 3";
    let finished = sh()
        .args(["-c", script])
        .env("GREETING", "hello")
        .file("file", "text\n")
        .run(Deadline::seconds(10));
    assert_eq!(finished.code, Some(3));
    assert_eq!(finished.stdout, "hello\ntext\n");
    assert_eq!(finished.stderr, "oops\n");
    let endless = sh().args(["-c", "exec sleep 60"]);
    let deadline = Deadline::after(std::time::Duration::from_millis(50));
    assert!(catch_unwind(AssertUnwindSafe(|| endless.run(deadline))).is_err());
}
