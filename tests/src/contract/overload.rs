//! More than the server can take at once: connections beyond the limit, readers that read nothing,
//! no descriptors left. It serves whom it can, closes whom it may, and never spins.

use std::process::Command;
use std::time::Instant;

use super::Subject;
use super::kept::kept_connection;
use crate::client::{Asked, ClientError, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Server};
use crate::process::Process;

#[track_caller]
fn asks(server: &Server, target: &str) -> crate::client::Connection {
    let mut client = server.connect();
    client.send(&Request::get(target).bytes()).expect("a request");
    client
}

/// Waits until the worker has closed the connection by which its start was tried: that one would be
/// idle for longest.
#[track_caller]
fn nobody_is_connected(server: &Server) {
    let worker = server.worker();
    // An event loop of another language may have sockets of its own; they are not TCP.
    let table = || std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let inode = |line: &str| {
        let rest = line.split_once("socket:[")?.1;
        Some(rest.trim_end_matches(']').to_owned())
    };
    let sockets = || {
        let descriptors = worker.describe_descriptors();
        let inodes: Vec<String> = descriptors.iter().filter_map(|line| inode(line)).collect();
        let table = table();
        let is_tcp = |inode: &&String| {
            table.lines().any(|row| row.split_ascii_whitespace().nth(9) == Some(inode.as_str()))
        };
        inodes.iter().filter(is_tcp).count()
    };
    Deadline::seconds(10).until("only the listening socket is open", || sockets() <= 1);
}

pub(super) fn the_longest_idle_makes_room(subject: &Subject) {
    let server = Launch::of(subject).args(["--worker-connections", "3"]).start();
    nobody_is_connected(&server);
    let mut kept = [(); 3].map(|()| kept_connection(subject, &server));
    let mut newcomer = asks(&server, "/");
    assert_eq!(newcomer.receive(Asked::ForAll).expect("a response").status, 200);
    kept[0].expect_end().expect("the first was idle for longest");
    for other in &mut kept[1..] {
        assert_eq!(other.exchange(&Request::get("/")).expect("still there").status, 200);
    }
}

pub(super) fn nobody_is_idle_so_newcomers_wait(subject: &Subject) {
    let server = Launch::of(subject).args(["--worker-connections", "2"]).start();
    let mut all = [(); 6].map(|()| asks(&server, "/write?ms=100"));
    for client in &mut all {
        let response = client.receive(Asked::ForAll).expect("each gets its turn");
        assert_eq!(response.status, 200);
        let _ = client.finish_sending();
    }
}

pub(super) fn body_timeout(subject: &Subject) {
    let server = Launch::of(subject).args(["--body-timeout", "200ms"]).start();
    let mut client = server.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
    client.send(head.as_bytes()).expect("half a body");
    assert_eq!(client.receive(Asked::ForAll).expect("a refusal").status, 408);
    client.expect_end().expect("the end");
}

pub(super) fn write_timeout(subject: &Subject) {
    let server = Launch::of(subject).args(["--write-timeout", "300ms"]).start();
    let worker = server.worker();
    // A connection that is just being closed would count as the reader's.
    nobody_is_connected(&server);
    // Not all descriptors: a thread may make some for its first request, and keeps them.
    let before = worker.sockets();
    let mut reader = asks(&server, "/bytes?n=67108864");
    reader.wait_for_bytes().expect("the response begins");
    Deadline::seconds(10)
        .until("the reader that reads nothing is dropped", || worker.sockets() <= before);
    assert_eq!(server.worker(), worker, "it is the same worker");
    match reader.receive(Asked::ForAll) {
        Err(ClientError::Closed | ClientError::Reset) => {}
        Err(error) => assert!(error.to_string().len() > 1, "cut short: {error}"),
        Ok(response) => panic!("{} of a response that was cut off", response.status),
    }
}

/// A response of a mebibyte is off the application's hands at once, however slowly it is read.
pub(super) fn slow_readers_occupy_nobody(subject: &Subject) {
    let server = Launch::of(subject).start();
    let mut readers: Vec<_> = (0..50).map(|_| asks(&server, "/bytes?n=1000000")).collect();
    for reader in &mut readers {
        reader.wait_for_bytes().expect("the response begins");
    }
    for _ in 0..20 {
        assert_eq!(server.get("/").status, 200);
    }
    for reader in &mut readers {
        let response = reader.receive(Asked::ForAll).expect("the whole response");
        assert_eq!(response.body.len(), 1_000_000);
    }
}

/// Lets a process have so many descriptors and no more.
fn limit_descriptors(process: Process, most: usize) {
    let (pid, limit) = (process.pid().to_string(), format!("--nofile={most}:{most}"));
    let status = Command::new("prlimit").args(["--pid", &pid, &limit]).status();
    assert!(status.expect("prlimit (util-linux)").success());
}

pub(super) fn out_of_descriptors(subject: &Subject) {
    let server = Launch::of(subject).start();
    server.get("/");
    let worker = server.worker();
    limit_descriptors(worker, worker.descriptors().expect("it runs") + 10);
    let mut crowd: Vec<_> = (0..40).map(|_| server.connect()).collect();
    server.wait_for_line("Cannot accept connections: ");
    // It says so once a second and does nothing else about it: no loop around the full queue.
    let ticks = worker.processor_time().expect("it runs");
    let said = Instant::now();
    let before = server.error_log().count("Cannot accept connections: ");
    server.wait_for_lines("Cannot accept connections: ", before + 2);
    let more = server.error_log().count("Cannot accept connections: ") - before;
    let used = worker.processor_time().expect("it runs").saturating_sub(ticks);
    let took = said.elapsed();
    // The one that was due when the clock was looked at, and one that came late.
    assert!(more as u64 <= took.as_secs() + 2, "{more} times in {took:?}");
    assert!(used < took / 4, "{used:?} of processor time in {took:?} of waiting");
    // Those who were let in are served, and each that leaves makes room for one who waits.
    for client in &mut crowd {
        let request = Request::get("/").header("Connection", "close");
        assert_eq!(client.exchange(&request).expect("a response").status, 200);
        client.expect_end().expect("the end");
    }
    assert_eq!(server.worker(), worker);
}
