//! Sockets: their files and what these permit, names in the kernel, addresses that several servers
//! share, and sockets that were passed.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};

use oxicorn_tests::{Address, Deadline, Signal};
use socket2::{Domain, Socket, Type};

use super::*;

#[test]
fn the_file_of_a_socket_permits_what_the_address_says() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o600, 0o660, 0o666, 0o777] {
        let path = folder.path().join(format!("{mode:o}"));
        let mut server = server()
            .listening_at(
                &format!("unix:{}?mode={mode:o}", path.display()),
                Address::Unix(path.clone()),
            )
            .start();
        let meta = fs::symlink_metadata(&path).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, mode);
        assert_eq!(status(server.master(), "Umask"), "0022", "it is only changed for the moment");
        server.signal(Signal::SIGTERM);
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
        assert!(!path.exists(), "the file goes with the server");
    }
}

#[test]
fn a_name_in_the_kernel_needs_no_file() {
    let name = format!("oxicorn-test-{}", std::process::id());
    let server = server().args(["-b", &format!("unix:@{name}")]).start();
    let line = server.wait_for_line("Listening at: ");
    assert!(line.contains(&format!("unix:@{name}")), "{line}");
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let mut stream = UnixStream::connect_addr(&address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /healthz HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.ends_with("ok\n"), "{answer}");
}

#[test]
fn two_servers_can_share_an_address() {
    // Bound and not listening: it keeps the port for the two, and takes no connection of theirs.
    let keeper = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    keeper.set_reuse_port(true).unwrap();
    keeper.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let address = keeper.local_addr().unwrap().as_socket().unwrap();
    let shared = |args: &[&str]| {
        let launch = server().listening_at(&address.to_string(), Address::Tcp(address));
        launch.args(args.iter().copied())
    };
    let first = shared(&["--reuse-port"]).start();
    let mut second = shared(&["--reuse-port"]).spawn();
    second.wait_for_line("Booting worker");
    let answered = || [&first, &second].map(|server| server.access_log().count("GET /both"));
    Deadline::seconds(20).until("an answer of each", || {
        assert_eq!(first.get("/both").status, 404);
        answered().iter().all(|&count| count > 0)
    });
    second.signal(Signal::SIGTERM);
    assert_eq!(second.wait_exit(Deadline::seconds(20)).code(), Some(0));
    assert_eq!(first.get("/").status, 200);
}

#[test]
fn sockets_that_were_passed_are_taken() {
    let launch = started_by("passed").env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", "web");
    let server = launch.start();
    let line = server.wait_for_line("Sockets were passed");
    assert!(line.ends_with("Sockets were passed by LISTEN_FDS: fd://3 (web)"), "{line}");
    assert_eq!(server.error_log().count("WARNING"), 0);
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn an_address_beside_passed_sockets_has_no_effect_and_is_warned_about() {
    let launch = started_by("passed").env("LISTEN_FDS", "1").args(["-b", "127.0.0.1:1"]);
    let server = launch.start();
    let line = server.wait_for_error_line("has no effect");
    assert_eq!(
        line.message,
        "bind = fd://3, 127.0.0.1:1 (command line) has no effect: sockets were passed by \
         LISTEN_FDS, and only they count"
    );
    assert!(!server.wait_for_line("Listening at: ").contains("127.0.0.1:1 "));
}

#[test]
fn sockets_for_another_process_are_not_ours() {
    let server = server().env("LISTEN_FDS", "1").env("LISTEN_PID", "1").start();
    assert_eq!(server.error_log().count("Sockets were passed"), 0);
}
