//! A machine that was suspended, or a container that was frozen: nobody ran, and nobody is to blame.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use oxicorn_tests::Deadline;

#[test]
fn a_machine_that_wakes_up_keeps_its_workers() {
    let timeout = Duration::from_secs(3);
    let server = super::server().workers(3).args(["--timeout", "3"]).start();
    let workers = server.wait_for_workers(3);
    let all = || workers.iter().copied().chain([server.master()]);
    all().for_each(|process| process.signal(Signal::SIGSTOP));
    // Nothing happens while nobody runs: only the clock says when it has been long enough.
    let asleep = Instant::now();
    Deadline::seconds(10).until("a long sleep", || asleep.elapsed() > 2 * timeout);
    all().for_each(|process| process.signal(Signal::SIGCONT));
    server.wait_for_line("The master could not run for ");
    assert_eq!(server.get("/").status, 200);
    // A further round of heartbeats would find whoever is held to be silent.
    let awake = Instant::now();
    Deadline::seconds(10).until("a round", || awake.elapsed() > timeout);
    assert_eq!(server.wait_for_workers(3), workers);
    assert_eq!(server.error_log().count("WORKER TIMEOUT"), 0);
}
