//! A worker that the kernel kills for want of memory. The counter of the cgroup is a file of the
//! test's: in a mount namespace, where the test may make one, it stands in place of the kernel's.

use std::process::Command;

use nix::sys::signal::Signal;
use oxicorn_tests::harness::{Launch, write_executable};
use oxicorn_tests::{Serving, Subject};

/// In front of the server: the counter, wherever the kernel's would be for this process.
const SCRIPT: &str = r#"#!/bin/sh
exec unshare --mount sh -c '
    mount -t tmpfs none /sys/fs/cgroup || exit 9
    while IFS=: read -r number controllers group; do
        mkdir -p "/sys/fs/cgroup$group" "/sys/fs/cgroup/memory$group"
        ln -sf "COUNTER" "/sys/fs/cgroup$group/memory.events"
        ln -sf "COUNTER" "/sys/fs/cgroup/memory$group/memory.oom_control"
    done </proc/self/cgroup
    exec "SERVER" "$@"
' sh "$@"
"#;

#[test]
fn want_of_memory_is_named_only_when_the_counter_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (counter, script) = (folder.path().join("counter"), folder.path().join("script"));
    std::fs::write(&counter, "oom_kill 3\n").unwrap();
    let text = SCRIPT.replace("COUNTER", counter.to_str().unwrap());
    write_executable(&script, &text.replace("SERVER", env!("CARGO_BIN_EXE_server")), 0o755);
    let tried = Command::new(&script).arg("--version").output();
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        return println!("skipped, no namespaces here: {tried:?}");
    }
    let subject = Subject::new(script.to_str().unwrap(), "sync", Serving::Inline);
    let server = Launch::of(&subject).start();

    let first = server.worker();
    first.signal(Signal::SIGKILL);
    server.wait_for_line(&format!("Worker (pid:{}) was sent SIGKILL!", first.pid()));
    server.wait_for_lines("Booting worker with pid: ", 2);
    assert_eq!(server.error_log().count("Perhaps out of memory?"), 0);

    let second = server.wait_for_workers(1)[0];
    std::fs::write(&counter, "oom_kill 4\n").unwrap();
    second.signal(Signal::SIGKILL);
    let line = format!("Worker (pid:{}) was sent SIGKILL! Perhaps out of memory?", second.pid());
    server.wait_for_line(&line);
    server.wait_for_lines("Booting worker with pid: ", 3);
    assert_eq!(server.get("/").status, 200);
}
