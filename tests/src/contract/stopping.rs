//! What is given up, and how long before: a server that will stop, an address that is listened at no
//! more. Who is served already, or waits to be, is served to the end.

use std::net::SocketAddr;

use nix::sys::signal::Signal;

use super::Subject;
use super::kept::kept_connection;
use super::leaving::{assert_exits_cleanly, mixed};
use super::reload::BOOTING;
use crate::client::{Asked, Connection, Request};
use crate::deadline::Deadline;
use crate::harness::{Address, Launch};
use crate::load::Load;

pub(super) fn drain_delay(subject: &Subject) {
    let mut server = Launch::of(subject).args(["--drain-delay", "1h"]).start();
    let healthy = server.get("/healthz");
    assert_eq!((healthy.status, healthy.text().as_str()), (200, "ok\n"));
    let mut kept = kept_connection(subject, &server);
    server.signal(Signal::SIGTERM);
    server.wait_for_line("Stopping in 3600.0 s");

    let stopping = server.get("/healthz");
    assert_eq!((stopping.status, stopping.text().as_str()), (503, "stopping\n"));
    assert_eq!(server.get("/").status, 200, "new clients are served");
    assert_eq!(kept.get("/").expect("a response").status, 200, "and old ones");
    drop(kept);

    server.worker().signal(Signal::SIGKILL);
    server.wait_for_lines(BOOTING, 2);
    assert_eq!(server.get("/").status, 200, "who crashes is replaced");

    server.signal(Signal::SIGTERM);
    server.wait_for_lines("Handling signal: term", 2);
    for signal in [Signal::SIGHUP, Signal::SIGTTIN, Signal::SIGTTOU] {
        server.signal(signal);
        server.wait_for_line(&format!("{signal} ignored: the server is stopping"));
    }
    assert_eq!(server.get("/healthz").status, 503);
    server.signal(Signal::SIGINT);
    assert_exits_cleanly(&mut server, Deadline::seconds(4));
    assert_eq!(server.error_log().count(BOOTING), 2);
}

pub(super) fn drain_delay_under_load(subject: &Subject) {
    let mut server = Launch::of(subject).workers(2).args(["--drain-delay", "500ms"]).start();
    let load = Load::start(server.address(), &mixed("/read?ms=1"));
    load.wait_for_answers(50);
    load.shut_gate(|| server.signal(Signal::SIGTERM));
    load.join().assert_nothing_lost();
    assert_exits_cleanly(&mut server, Deadline::seconds(20));
    server.wait_for_line("Stopping in 0.5 s");
}

/// The TCP address in the line that says where the server listens.
#[track_caller]
fn tcp_address(line: &str) -> Address {
    let text = line.split_once("http://").and_then(|(_, rest)| rest.split([',', ' ']).next());
    let address = text.and_then(|text| text.parse::<SocketAddr>().ok());
    Address::Tcp(address.unwrap_or_else(|| panic!("no address: {line}")))
}

pub(super) fn removed_address(subject: &Subject) {
    let launch = Launch::of(subject).args(["-c", "settings.toml"]).bound_by_its_file();
    let folder = launch.folder().to_owned();
    let path = |name: &str| folder.join(name).display().to_string();
    let write = |addresses: &[String]| {
        let text = format!("bind = {addresses:?}\n");
        std::fs::write(folder.join("settings.toml"), text).expect("the configuration");
    };
    let stays = format!("unix:{}", path("server.sock"));
    let goes = [format!("unix:{}", path("second.sock")), "127.0.0.1:0".to_owned()];
    write(&[goes[0].clone(), goes[1].clone(), stays.clone()]);
    let server = launch.start();
    let worker = server.worker();
    let tcp = tcp_address(&server.wait_for_line("Listening at: "));
    let unix = Address::Unix(folder.join("second.sock"));

    // Whatever its class it takes nobody off the queue now, as if a handler kept it busy.
    worker.signal(Signal::SIGSTOP);
    let request = Request::get("/read?ms=5").bytes();
    let both = [&tcp, &unix, &tcp, &unix, &tcp, &unix];
    let mut clients: Vec<Connection> = both
        .iter()
        .map(|address| {
            let mut client = Connection::open(address).expect("the queue has room");
            client.send(&request).expect("sent");
            client
        })
        .collect();
    write(&[stays]);
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: ");
    assert!(Connection::open(&unix).is_err(), "nobody may join the queue any more");
    worker.signal(Signal::SIGCONT);
    for client in &mut clients {
        let response = client.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 200);
    }
    server.wait_for_line(&format!("Worker exiting (pid: {})", worker.pid()));
    assert_eq!(server.get("/").status, 200);
    // It holds the socket for as long as it lives.
    let refused = || Connection::open(&tcp).is_err();
    Deadline::seconds(20).until("nobody listens there", refused);
}
