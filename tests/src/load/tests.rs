//! The counting, against servers that misbehave on purpose: a load that finds no failure is worth
//! something only if it would have found one.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A server that treats each connection as `behave` does; it lives as long as the test process.
fn server(behave: fn(TcpStream)) -> Address {
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || listener.incoming().flatten().for_each(behave);
    Builder::new().name("server".to_owned()).spawn(accept).unwrap();
    Address::Tcp(address)
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => request.push(byte[0]),
            _ => return,
        }
    }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn plan(mode: Mode, at_most: u64) -> Plan {
    let clients = |of: Mode| usize::from(of == mode);
    Plan {
        keep_alive: clients(Mode::KeepAlive),
        per_request: clients(Mode::PerRequest),
        target: "/".to_owned(),
        at_most,
    }
}

#[test]
fn a_close_that_was_not_announced_is_stale() {
    let address = server(|mut stream| {
        read_request(&mut stream);
        stream.write_all(OK).unwrap();
    });
    let tally = Load::start(&address, &plan(Mode::KeepAlive, 4)).join();
    // The request after a close may also meet a reset, which is worse: either is noticed.
    assert_eq!((tally.ok, tally.stale + tally.resets), (2, 2), "{tally:?}");
}

#[test]
fn a_close_that_was_announced_is_followed() {
    let address = server(|mut stream| {
        read_request(&mut stream);
        let close = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
        stream.write_all(close).unwrap();
    });
    let tally = Load::start(&address, &plan(Mode::KeepAlive, 4)).join();
    tally.assert_nothing_lost();
    assert_eq!((tally.ok, tally.connections), (4, 4));
}

#[test]
fn what_is_cut_short_reset_refused_or_not_200_is_lost() {
    let short = server(|mut stream| {
        read_request(&mut stream);
        stream.write_all(&OK[..OK.len() - 1]).unwrap();
    });
    let reset = server(|mut stream| {
        read_request(&mut stream);
        let socket = socket2::Socket::from(stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
    });
    let refused = server(|_| {});
    let not_found = server(|mut stream| {
        read_request(&mut stream);
        let text = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(text).unwrap();
    });
    let counts = |address| Load::start(&address, &plan(Mode::PerRequest, 3)).join();
    assert_eq!(counts(short).short, 3);
    assert_eq!(counts(reset).resets, 3);
    assert_eq!(counts(not_found).not_200, 3);
    let closed = counts(refused);
    assert_eq!(closed.lost(), 3, "{closed:?}");
    let nobody = Address::Unix("/nonexistent/socket".into());
    assert_eq!(counts(nobody).connect_errors, 3);
}

#[test]
fn nobody_connects_behind_a_shut_gate() {
    let address = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(OK);
    });
    let load = Load::start(&address, &plan(Mode::PerRequest, u64::MAX));
    load.wait_for_answers(3);
    load.shut_gate(|| {});
    let tally = load.join();
    assert!(tally.ok >= 3, "{tally:?}");
}
