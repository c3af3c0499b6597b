//! What systemd is told, by a server that takes the test for systemd.

use std::fs;
use std::os::unix::net::UnixDatagram;

use oxicorn_tests::{Server, Signal};
use tempfile::TempDir;

use super::*;

/// The receiving end of the notifications.
struct Systemd {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Systemd {
    fn new() -> Systemd {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        Systemd { socket, folder }
    }

    fn start(&self, launch: Launch) -> Server {
        let path = self.folder.path().join("notify");
        launch.env("NOTIFY_SOCKET", path.to_str().unwrap()).spawn()
    }

    /// The next message that is no sign of life.
    #[track_caller]
    fn next(&self) -> String {
        loop {
            let message = self.next_of_all();
            if message != "WATCHDOG=1" {
                return message;
            }
        }
    }

    #[track_caller]
    fn next_of_all(&self) -> String {
        let mut buffer = [0; 512];
        let deadline = Deadline::seconds(20);
        self.socket.set_read_timeout(deadline.remaining()).unwrap();
        let length = self.socket.recv(&mut buffer).expect("a message in time");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}

fn ready(server: &Server, workers: &str) -> String {
    format!("READY=1\nMAINPID={}\nSTATUS=Serving with {workers}", server.master().pid())
}

#[test]
fn a_life_is_told() {
    let systemd = Systemd::new();
    let launch = server();
    let file = launch.folder().join("server.toml");
    let mut server = systemd.start(launch);
    assert_eq!(systemd.next(), "STATUS=Starting");
    assert_eq!(systemd.next(), ready(&server, "1 worker"));
    server.signal(Signal::SIGTTIN);
    assert_eq!(systemd.next(), "STATUS=Serving with 2 workers");
    for text in ["keepalive = 9\n", "keepalive = \"never\"\n"] {
        fs::write(&file, text).unwrap();
        server.signal(Signal::SIGHUP);
        let reloading = systemd.next();
        let rest = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or(&reloading);
        let (micros, status) = rest.split_once('\n').unwrap_or_default();
        assert!(micros.parse::<u64>().is_ok_and(|micros| micros > 0), "{reloading}");
        assert_eq!(status, "STATUS=Reloading");
        // Also when nothing has come of it.
        assert_eq!(systemd.next(), ready(&server, "1 worker"));
    }
    server.wait_for_line("Reload refused");
    server.signal(Signal::SIGTERM);
    assert_eq!(systemd.next(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn readiness_is_the_workers() {
    if !are_root() {
        return;
    }
    // The folder is closed to the worker's user, who cannot open the log.
    let systemd = Systemd::new();
    permit(systemd.folder.path(), 0o700);
    let log = systemd.folder.path().join("access.log");
    let mut server = systemd.start(server().access_log_in(&log).args(["-u", "12345"]));
    assert_eq!(systemd.next(), "STATUS=Starting");
    assert_eq!(systemd.next(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
}

#[test]
fn signs_of_life_are_given_for_as_long_as_there_is_life() {
    let systemd = Systemd::new();
    let _server = systemd.start(server().env("WATCHDOG_USEC", "100000"));
    let messages: Vec<String> = (0..8).map(|_| systemd.next_of_all()).collect();
    let signs = messages.iter().filter(|message| *message == "WATCHDOG=1").count();
    assert!(signs >= 5, "{messages:?}");
}

#[test]
fn another_process_watchdog_is_not_ours() {
    let systemd = Systemd::new();
    let launch = server().env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    let mut server = systemd.start(launch);
    assert_eq!(systemd.next_of_all(), "STATUS=Starting");
    assert_eq!(systemd.next_of_all(), ready(&server, "1 worker"));
    server.signal(Signal::SIGTERM);
    assert_eq!(systemd.next_of_all(), "STOPPING=1\nSTATUS=Stopping");
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}
