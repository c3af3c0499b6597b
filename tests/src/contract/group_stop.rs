//! Everybody is told to stop at once, as a service manager does it that sends SIGTERM to a whole
//! group: masters, and workers. Each leaves its clients to others, and none of the others stays.

use nix::sys::signal::Signal;

use super::Subject;
use super::leaving::assert_exits_cleanly;
use crate::client::{Asked, Connection, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Server};
use crate::process::Process;

/// More than one worker takes at once.
const CLIENTS: usize = 6;

const LINE: &str = "Handling signal: term";

/// Clients who have sent a request that nobody has accepted.
fn queue(server: &Server) -> Vec<Connection> {
    let request = Request::get("/read?ms=5").bytes();
    let client = |_| {
        let mut client = server.connect();
        client.send(&request).expect("sent");
        client
    };
    (0..CLIENTS).map(client).collect()
}

#[track_caller]
fn assert_answered(clients: Vec<Connection>) {
    for mut client in clients {
        let response = client.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 200);
    }
}

#[track_caller]
fn wait_until_gone(process: Process) {
    Deadline::seconds(20).until("the end of a process", || !process.runs());
}

/// Both masters of an upgrade, whichever is the first to know, and their workers.
pub(super) fn both_masters_answer_the_queue(subject: &Subject) {
    for launch in [Launch::of(subject), Launch::of(subject).on_unix_socket()] {
        both_masters_stop(launch, |[old, new]| [old, new]);
    }
    both_masters_stop(Launch::of(subject), |[old, new]| [new, old]);
}

fn both_masters_stop(launch: Launch, order: fn([Process; 2]) -> [Process; 2]) {
    let mut server = launch.start();
    let old_worker = server.worker();
    server.signal(Signal::SIGUSR2);
    let new = server.wait_for_successor(1);
    let new_worker = server.workers_of(new)[0];
    let workers = [old_worker, new_worker];
    // Whatever their class they take nobody off the queue now.
    workers.iter().for_each(|worker| worker.signal(Signal::SIGSTOP));
    let clients = queue(&server);
    for (number, master) in order([server.master(), new]).into_iter().enumerate() {
        master.signal(Signal::SIGTERM);
        server.wait_for_lines(LINE, number + 1);
    }
    workers.iter().for_each(|worker| worker.signal(Signal::SIGCONT));
    assert_answered(clients);
    let status = server.wait_started_exit(Deadline::seconds(20));
    assert_eq!(status.code(), Some(0), "{status}");
    server.wait_end(Deadline::seconds(20));
    server.wait_for_lines("Shutting down: Master", 2);
}

/// One master and its worker have left, each its clients to others, before the other ones look up.
pub(super) fn the_last_master_answers_the_queue(subject: &Subject) {
    one_after_the_other(Launch::of(subject), |[old, new]| [old, new]);
    one_after_the_other(Launch::of(subject), |[old, new]| [new, old]);
    one_after_the_other(Launch::of(subject).on_unix_socket(), |[old, new]| [old, new]);
}

fn one_after_the_other(launch: Launch, order: fn([Process; 2]) -> [Process; 2]) {
    let mut server = launch.start();
    let old = (server.master(), server.worker());
    server.signal(Signal::SIGUSR2);
    let new = server.wait_for_successor(1);
    let worker = |master| if master == old.0 { old.1 } else { server.workers_of(new)[0] };
    let [first, last] = order([old.0, new]);
    let (first_worker, last_worker) = (worker(first), worker(last));
    for stopped in [first_worker, last_worker, last] {
        stopped.signal(Signal::SIGSTOP);
    }
    let clients = queue(&server);
    first.signal(Signal::SIGTERM);
    let leaving = format!("[{}] [INFO] Leaving: ", first.pid());
    server.wait_for_line(&leaving);
    first_worker.signal(Signal::SIGCONT);
    wait_until_gone(first);
    last_worker.signal(Signal::SIGTERM);
    last_worker.signal(Signal::SIGCONT);
    wait_until_gone(last_worker);
    last.signal(Signal::SIGTERM);
    last.signal(Signal::SIGCONT);
    assert_answered(clients);
    server.wait_started_exit(Deadline::seconds(20));
    server.wait_end(Deadline::seconds(20));
}

/// A worker that has left its clients to others before the master is told that there will be none.
pub(super) fn a_worker_before_its_master_answers_the_queue(subject: &Subject) {
    let mut server = Launch::of(subject).start();
    let (master, worker) = (server.master(), server.worker());
    for stopped in [master, worker] {
        stopped.signal(Signal::SIGSTOP);
    }
    let clients = queue(&server);
    worker.signal(Signal::SIGTERM);
    worker.signal(Signal::SIGCONT);
    wait_until_gone(worker);
    master.signal(Signal::SIGTERM);
    master.signal(Signal::SIGCONT);
    assert_answered(clients);
    assert_exits_cleanly(&mut server, Deadline::seconds(20));
}
