//! What the logs hold beyond gunicorn's lines, and where else they go: objects, syslog, statsd; and
//! that no destination holds up a request.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use super::Subject;
use super::leaving::mixed;
use crate::client::Request;
use crate::deadline::Deadline;
use crate::harness::{Launch, Server};
use crate::load::{Load, Plan};

/// Longer than any line is on its way.
const PATIENT: u64 = 20;

#[track_caller]
fn object(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

pub(super) fn json_logs(subject: &Subject) {
    let server = Launch::of(subject).args(["--log-format", "json"]).start();
    let request = Request::get("/echo/json?\"x\"=%22")
        .header("User-Agent", "suite \"1\"\\")
        .header("Referer", "http://suite/")
        .header("X-Request-Id", "suite-7");
    let response = server.ask(&request);
    let line = object(&server.wait_for_accesses("/echo/json", 1)[0]);
    for (key, expected) in [
        ("client", Value::from("127.0.0.1")),
        ("method", "GET".into()),
        ("target", "/echo/json?\"x\"=%22".into()),
        ("version", "HTTP/1.1".into()),
        ("status", 200.into()),
        ("bytes", response.body.len().into()),
        ("pid", server.worker().pid().into()),
        ("request_id", "suite-7".into()),
        ("user_agent", "suite \"1\"\\".into()),
        ("referer", "http://suite/".into()),
    ] {
        assert_eq!(line[key], expected, "{key}: {line}");
    }
    assert!(line["duration_us"].is_u64() && line["queue_us"].is_u64(), "{line}");
    let time = line["time"].as_str().unwrap_or_default();
    assert!(time.len() == 27 && time.ends_with('Z'), "{line}");

    // A name that could not stand in a log as it is: a new one is made.
    server.ask(&Request::get("/echo/made").header("X-Request-Id", "two words"));
    let line = object(&server.wait_for_accesses("/echo/made", 1)[0]);
    let name = line["request_id"].as_str().unwrap_or_default();
    assert!(name.len() >= 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");

    let mut client = server.connect();
    client.send(b"GET /\x01 HTTP/1.1\r\n\r\n").expect("a request that is none");
    let line = object(&server.wait_for_accesses("\"request\"", 1)[0]);
    assert_eq!((&line["status"], &line["request"]), (&400.into(), &"GET /\u{1} HTTP/1.1".into()));

    let line = object(&server.wait_for_line("Booting worker with pid: "));
    assert_eq!((&line["level"], &line["pid"]), (&"info".into(), &server.worker().pid().into()));
    for line in server.error_log().all() {
        assert!(object(&line)["message"].is_string(), "{line}");
    }
}

pub(super) fn logfmt_access_log(subject: &Subject) {
    let server = Launch::of(subject).args(["--log-format", "logfmt"]).start();
    server.ask(&Request::get("/echo/logfmt").header("User-Agent", "a b"));
    let line = server.wait_for_accesses("/echo/logfmt", 1).remove(0);
    for part in [" client=127.0.0.1 ", " target=/echo/logfmt ", " status=200 ", "\"a b\""] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let line = server.wait_for_line("Booting worker with pid: ");
    assert!(line.contains(" level=info ") && line.contains("message=\"Booting"), "{line}");
}

/// Two requests come at once to a server that can only compute for one: the other has waited, partly
/// where only the kernel knows of it.
pub(super) fn queue_time(subject: &Subject) {
    let launch = Launch::of(subject).args(["--log-format", "json"]);
    let one_thread = subject.serving == super::Serving::Threads;
    let server = if one_thread { launch.threads(1).start() } else { launch.start() };
    let request = Request::get("/cpu?ms=600");
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.send(&request.bytes()).expect("a request");
    }
    for client in &mut clients {
        client.receive(request.asked()).expect("an answer");
    }
    let waited: Vec<u64> = server
        .wait_for_accesses("/cpu", 2)
        .iter()
        .map(|line| object(line)["queue_us"].as_u64().expect("a number"))
        .collect();
    let longest = waited.iter().max().copied().unwrap_or_default();
    assert!((100_000..20_000_000).contains(&longest), "{waited:?}");
}

/// Rotates as logrotate does, by renaming and then telling the server, once by USR1 and once by HUP
/// in turn, while requests come in: each has its line, in one file or another.
pub(super) fn rotation_under_load(subject: &Subject) {
    let launch = Launch::of(subject).workers(2);
    let folder = launch.folder().to_owned();
    let log = folder.join("log");
    let mut server = launch.access_log_in(&log).start();
    let load = Load::start(server.address(), &mixed("/"));
    load.wait_for_answers(50);
    for round in 1..=4_usize {
        fs::rename(&log, folder.join(format!("log.{round}"))).expect("a log to rename");
        if round % 2 == 1 {
            server.signal(Signal::SIGUSR1);
            server.wait_for_lines("Handling signal: usr1", round.div_ceil(2));
        } else {
            server.signal(Signal::SIGHUP);
            server.wait_for_lines("Reloaded: all workers are of generation", round / 2);
        }
        Deadline::seconds(PATIENT).until("a new file", || log.exists());
        load.wait_for_answers(50);
    }
    let tally = load.stop();
    tally.assert_nothing_lost();
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(PATIENT));
    // One request was the harness', to see that the server answers.
    let expected = tally.ok as usize + 1;
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let files = (1..=4).map(|round| folder.join(format!("log.{round}"))).chain([log.clone()]);
    let all: Vec<String> = files.map(|file| lines(&file)).collect();
    assert!(all.iter().all(|text| text.is_empty() || text.ends_with('\n')));
    let written: usize = all.iter().map(|text| text.lines().count()).sum();
    assert_eq!(written, expected, "lines written, requests answered");
    let whole = |line: &str| line.contains("\"GET / HTTP/1.1\" 200 ") && line.ends_with('"');
    assert!(all.iter().flat_map(|text| text.lines()).all(whole));
}

/// A reader that does not read: requests go on, and the error log says once a second what is lost.
pub(super) fn blocked_access_log(subject: &Subject) {
    let launch = Launch::of(subject);
    let fifo = launch.folder().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).expect("a FIFO");
    // Open in both directions: it has a reader, this one, who never reads.
    let reader = fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("its reader");
    let mut server = launch.access_log_in(&fifo).start();
    let target = format!("/?{}", "x".repeat(3900));
    let load = Load::start(
        server.address(),
        &Plan { keep_alive: 4, per_request: 0, target, at_most: u64::MAX },
    );
    server.wait_for_lines("[WARNING] Access log: ", 2);
    load.wait_for_answers(20);
    load.stop().assert_nothing_lost();
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(PATIENT));
    for line in server.error_log().matching(|line| line.contains("Access log: ")) {
        assert!(line.ends_with("lines dropped, its reader is too slow"), "{line}");
    }
    drop(reader);
}

pub(super) fn full_disk(subject: &Subject) {
    let server = Launch::of(subject).access_log_in(Path::new("/dev/full")).start();
    assert_eq!(server.get("/").status, 200);
    let line = server.wait_for_line("Access log: ");
    assert!(line.contains(" lines lost: No space left on device"), "{line}");
    assert_eq!(server.get("/").status, 200);
}

/// A daemon's end: what it receives until it has what the test waits for.
fn receive(daemon: &UdpSocket, what: &str, mut enough: impl FnMut(&str) -> bool) {
    let deadline = Deadline::seconds(PATIENT);
    let mut space = [0; 65536];
    loop {
        let left = deadline.remaining().unwrap_or_else(|| panic!("not received: {what}"));
        daemon.set_read_timeout(Some(left)).expect("a timeout");
        let Ok(count) = daemon.recv(&mut space) else { continue };
        if enough(&String::from_utf8_lossy(&space[..count])) {
            return;
        }
    }
}

fn daemon() -> (UdpSocket, String) {
    let daemon = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = daemon.local_addr().expect("its address").to_string();
    (daemon, address)
}

pub(super) fn syslog(subject: &Subject) {
    let (daemon, address) = daemon();
    let server = Launch::of(subject)
        .args(["--log-syslog", "--log-syslog-to", &format!("udp://{address}")])
        .args(["--log-syslog-prefix", "suite", "--log-syslog-facility", "local0"])
        .start();
    let (master, worker) = (server.master().pid(), server.worker().pid());
    let mut expected = vec![
        ("<134>1 ", format!(" oxicorn.suite {master} error - Starting oxicorn ")),
        ("<134>1 ", format!(" oxicorn.suite {worker} error - Booting worker with pid: {worker}")),
        ("<134>1 ", format!(" oxicorn.suite {worker} access - 127.0.0.1 - - [")),
    ];
    receive(&daemon, "both logs", |message| {
        expected.retain(|(start, part)| !(message.starts_with(start) && message.contains(part)));
        expected.is_empty()
    });
}

pub(super) fn statsd(subject: &Subject) {
    let (daemon, address) = daemon();
    let server = Launch::of(subject)
        .workers(2)
        .args(["--statsd-host", &address, "--statsd-prefix", "suite"])
        .args(["--dogstatsd-tags", "a:b"])
        .start();
    server.get("/nothing-here");
    server.get("/panic");
    let mut expected = vec![
        ("suite.gunicorn.workers:2|g|#a:b", ""),
        ("suite.gunicorn.request.in_flight:", "|g|#a:b"),
        ("suite.gunicorn.backlog:", "|g|#a:b"),
        ("suite.gunicorn.backlog.limit:", "|g|#a:b"),
        ("suite.gunicorn.requests:", "|c|#a:b"),
        ("suite.gunicorn.request.status.200:1", "|c|#a:b"),
        ("suite.gunicorn.request.status.404:1", "|c|#a:b"),
        ("suite.gunicorn.request.status.500:1", "|c|#a:b"),
        ("suite.gunicorn.request.duration:", "|ms|#a:b"),
        ("suite.gunicorn.request.queue:", "|ms|#a:b"),
        ("suite.gunicorn.log.exception:1", "|c|#a:b"),
    ];
    receive(&daemon, "the metrics", |datagram| {
        assert!(datagram.len() <= 1432, "{datagram}");
        let is = |(start, end): &(&str, &str)| {
            datagram.lines().any(|line| line.starts_with(start) && line.ends_with(end))
        };
        expected.retain(|metric| !is(metric));
        expected.is_empty()
    });
}

/// A daemon that is not there, and one that does not read: nobody waits for either.
pub(super) fn absent_daemons(subject: &Subject) {
    let launch = Launch::of(subject);
    let path = launch.folder().join("daemon");
    // It listens, and never accepts.
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let server = launch
        .args(["--log-syslog", "--log-syslog-to", &format!("unix://{}", path.display())])
        .args(["--statsd-host", "unix:///nonexistent/statsd"])
        .start();
    let load = Load::start(
        server.address(),
        &Plan { keep_alive: 4, per_request: 2, target: "/".to_owned(), at_most: u64::MAX },
    );
    load.wait_for_answers(3000);
    load.stop().assert_nothing_lost();
    quick_exit(server);
}

#[track_caller]
fn quick_exit(mut server: Server) {
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::after(Duration::from_secs(PATIENT)));
}
