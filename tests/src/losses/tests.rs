//! The counting, against servers that lose requests on purpose: that nothing is lost says something
//! only if it would have been noticed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::Builder;
use std::time::Duration;

use super::count::{Count, Failure};
use super::crowd::Crowd;
use super::dice::Dice;
use crate::harness::Address;

/// Enough for each client to be at its work.
const SOME: usize = 15;

/// What clients make of a server that treats each connection as `behave` does.
fn served_by(behave: fn(TcpStream)) -> Count {
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(listener.local_addr().unwrap());
    let accept = move || listener.incoming().flatten().for_each(behave);
    Builder::new().name("server".to_owned()).spawn(accept).unwrap();
    asked_at(&address)
}

fn asked_at(address: &Address) -> Count {
    let crowd = Crowd::start(address, &Dice::new(1));
    crowd.wait_for_more(SOME);
    crowd.stop()
}

/// Reads what comes until it is the end of a GET, or of a last chunk, or stops coming.
fn read_request(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer) {}
}

fn answer(mut stream: TcpStream, response: &str) {
    read_request(&mut stream);
    let _ = stream.write_all(response.as_bytes());
}

#[test]
fn what_is_lost_is_counted_by_its_kind() {
    let nobody = Address::Unix("/nonexistent/socket".into());
    let stale = |stream| answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    for (failure, count) in [
        (Failure::Connect, asked_at(&nobody)),
        (Failure::Unanswered, served_by(|mut stream| read_request(&mut stream))),
        (Failure::Stale, served_by(stale)),
        (Failure::Content, served_by(stale)),
        (
            Failure::Short,
            served_by(|stream| answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort")),
        ),
        (
            Failure::Status,
            served_by(|stream| {
                answer(
                    stream,
                    "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                );
            }),
        ),
        (Failure::Malformed, served_by(|stream| answer(stream, "200 fine\r\n\r\n"))),
        (
            Failure::Goodbye,
            served_by(|stream| {
                answer(
                    stream,
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nmore",
                );
            }),
        ),
    ] {
        assert!(count.failures.contains_key(&failure), "{failure:?}: {count}");
        assert!(count.lost() > 0 && count.answered == 0, "{failure:?}: {count}");
    }
}

#[test]
fn chance_comes_back_with_its_seed() {
    let draw = |seed: u64, number| {
        let mut dice = Dice::new(seed).fork(number);
        (0..20).map(|_| dice.below(1000)).collect::<Vec<_>>()
    };
    assert_eq!(draw(1, 0), draw(1, 0));
    assert_ne!(draw(1, 0), draw(1, 1), "every client has its own");
    assert_ne!(draw(1, 0), draw(2, 0));
}
