//! Descriptors: the leak that kills a server after a week. Whatever clients and operators did, the
//! processes have as many open afterwards as before.

use nix::sys::signal::Signal;

use super::Subject;
use crate::client::{Asked, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Server};
use crate::load::{Load, Plan};
use crate::process::Process;

fn open_descriptors(process: Process) -> usize {
    process.descriptors().expect("the process runs")
}

#[track_caller]
fn assert_no_more_than(before: usize, process: Process) {
    let found = Deadline::seconds(10).poll(|| {
        let now = open_descriptors(process);
        (now <= before).then_some(())
    });
    assert!(
        found.is_some(),
        "{before} descriptors before, and now {:#?}",
        process.describe_descriptors()
    );
}

pub(super) fn descriptors(subject: &Subject) {
    let server = Launch::of(subject).start();
    let (worker, master) = (server.worker(), server.master());
    // What a worker, or one of its threads, makes for its first request is there then.
    polite_clients(&server);
    let before = open_descriptors(worker);
    let before_master = open_descriptors(master);

    polite_clients(&server);
    rude_clients(&server);
    assert_eq!(server.worker(), worker, "it is the same worker");
    assert_no_more_than(before, worker);

    for number in 1..=3 {
        server.signal(Signal::SIGHUP);
        server.wait_for_lines("Booting worker with pid: ", 1 + number);
        server.wait_for_lines("Worker exiting (pid: ", number);
    }
    server.wait_for_workers(1);
    assert_no_more_than(before_master, master);
    assert_no_more_than(before, server.worker());
}

fn polite_clients(server: &Server) {
    for target in ["/", "/stream?n=5&ms=1", "/write?ms=5"] {
        let plan = Plan { keep_alive: 4, per_request: 4, target: target.to_owned(), at_most: 10 };
        Load::start(server.address(), &plan).join().assert_nothing_lost();
    }
}

/// Clients that leave at every moment when one can leave.
fn rude_clients(server: &Server) {
    let upload = Request::new("POST", "/echo").body(vec![b'x'; 5000]).bytes();
    for _ in 0..10 {
        drop(server.connect());
        for length in [10, 100, upload.len() - 1, upload.len()] {
            let mut leaves = server.connect();
            leaves.send(&upload[..length]).expect("sent");
        }
        let mut download = server.connect();
        let request = Request::get("/bytes?n=8000000").bytes();
        download.send(&request).expect("sent");
        download.wait_for_bytes().expect("the response begins");
        // Before anybody else asks: a long response that nobody reads may occupy a worker.
        drop(download);
        let mut bad = server.connect();
        bad.send(b"what\r\n\r\n").expect("sent");
        let refusal = bad.receive(Asked::ForAll).expect("a refusal");
        assert_eq!(refusal.status, 400);
        server.get("/panic");
    }
}
