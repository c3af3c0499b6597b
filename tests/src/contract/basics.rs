//! The plainest requests, and what becomes of a connection after them (RFC 9112, section 9).

use super::kept::on_one_connection;
use super::{Serving, Subject};
use crate::client::{After, Asked, Framing, Request, Version};
use crate::deadline::Deadline;
use crate::harness::{Address, Launch};
use crate::process::Process;
use nix::sys::signal::Signal;

const HELLO: &str = "Hello, world!\n";

pub(super) fn hello(subject: &Subject) {
    let server = Launch::of(subject).start();
    let response = server.ask(&Request::get("/"));
    assert_eq!((response.status, response.reason.as_str()), (200, "OK"));
    assert_eq!(response.version, Version::Http11);
    assert_eq!(response.text(), HELLO);
    assert_eq!(response.framing, Framing::Length(HELLO.len() as u64));
    assert_eq!(response.header("Server"), Some("oxicorn"));
    let date = response.header("Date").unwrap_or_default();
    assert!(is_http_date(date), "Date: {date}");
    if subject.serving != Serving::Inline {
        let connection = response.header("Connection");
        assert_eq!(connection, None, "HTTP/1.1 implies keep-alive");
    }
}

/// The preferred format of RFC 9110, section 5.6.7.
fn is_http_date(text: &str) -> bool {
    let like = |(is, should): (char, char)| match should {
        'A' => is.is_ascii_alphabetic(),
        '0' => is.is_ascii_digit(),
        _ => is == should,
    };
    let shape = "AAA, 00 AAA 0000 00:00:00 GMT";
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(like)
}

pub(super) fn not_found(subject: &Subject) {
    let server = Launch::of(subject).start();
    on_one_connection(subject, &server, |mut connection| {
        let missing = connection.get("/no/such/thing").expect("a 404");
        assert_eq!(missing.status, 404);
        if missing.after() == After::Close {
            return Err("closed after the 404".to_owned());
        }
        let found = connection.get("/healthz").expect("the request after it");
        assert_eq!((found.status, found.text().as_str()), (200, "ok\n"));
        Ok(())
    });
}

pub(super) fn keep_alive(subject: &Subject) {
    const REQUESTS: usize = 10;
    let server = Launch::of(subject).start();
    on_one_connection(subject, &server, |mut connection| {
        for number in 1..=REQUESTS {
            let response = connection.get("/").expect("one of many");
            assert_eq!(response.text(), HELLO);
            if response.after() == After::Close && number < REQUESTS {
                connection.expect_end().expect("the end that was announced");
                return Err(format!("closed after {number} of {REQUESTS}"));
            }
        }
        Ok(())
    });
}

pub(super) fn connection_close(subject: &Subject) {
    let server = Launch::of(subject).start();
    for value in ["close", "Close", "TE, close"] {
        let mut connection = server.connect();
        let request = Request::get("/").header("Connection", value);
        let response = connection.exchange(&request).expect("a response");
        assert_eq!(response.text(), HELLO);
        assert_eq!(response.header("Connection"), Some("close"), "{value}");
        connection.expect_end().expect("the end that was asked for");
    }
}

/// The answer that closes the connection reaches a client who has sent something behind its request:
/// the kernel drops what has not left yet when a socket is closed with something unread (RFC 9112,
/// section 9.6).
pub(super) fn connection_close_with_more_behind(subject: &Subject) {
    const ROUNDS: usize = 20;
    let server = Launch::of(subject).start();
    let last = Request::get("/read?ms=5").header("Connection", "close").bytes();
    for round in 1..=ROUNDS {
        let mut connection = server.connect();
        connection.send(&last).expect("sent");
        connection.send(&Request::get("/").bytes()).expect("sent behind it");
        let response = connection.receive(Asked::ForAll).expect("the whole answer");
        assert_eq!((response.status, response.after()), (200, After::Close), "round {round}");
    }
}

pub(super) fn http_1_0(subject: &Subject) {
    let server = Launch::of(subject).start();
    let mut connection = server.connect();
    // Without a Host, which HTTP/1.0 does not ask for.
    connection.send(b"GET / HTTP/1.0\r\n\r\n").expect("sent");
    let response = connection.receive(Asked::ForAll).expect("a response");
    assert_eq!((response.status, response.text().as_str()), (200, HELLO));
    connection.expect_end().expect("the end that HTTP/1.0 implies");
}

pub(super) fn http_1_0_keep_alive(subject: &Subject) {
    let server = Launch::of(subject).start();
    let request = Request::get("/").version(Version::Http10).header("Connection", "Keep-Alive");
    on_one_connection(subject, &server, |mut connection| {
        let first = connection.exchange(&request).expect("the first");
        // The client cannot know that the connection is kept unless it is told.
        let said = first.header("Connection").unwrap_or_default();
        if !said.eq_ignore_ascii_case("keep-alive") {
            return Err(format!("it said {said:?}"));
        }
        let second = connection.exchange(&request).expect("the second");
        assert_eq!(second.text(), HELLO);
        Ok(())
    });
}

/// However slow the application is: what a worker has received it answers.
pub(super) fn slow_pipelining(subject: &Subject) {
    let server = Launch::of(subject).start();
    let mut connection = server.connect();
    let requests = Request::get("/read?ms=10").bytes().repeat(4);
    connection.send(&requests).expect("sent");
    for number in 1..=4 {
        let response = connection.receive(Asked::ForAll).expect("a response");
        assert_eq!(response.status, 200, "{number}");
    }
}

pub(super) fn pipelining(subject: &Subject) {
    const REQUESTS: usize = 16;
    let server = Launch::of(subject).start();
    let mut bytes = Vec::new();
    for number in 0..REQUESTS {
        let target = format!("/echo/{number}");
        let request = match number % 3 {
            0 => Request::get(&target),
            1 => Request::new("POST", &target).body("by length"),
            _ => Request::new("POST", &target).chunks(["in ", "chunks"]),
        };
        bytes.extend(request.bytes());
    }
    on_one_connection(subject, &server, |mut connection| {
        connection.send(&bytes).expect("sent");
        for number in 0..REQUESTS {
            let response = connection.receive(Asked::ForAll).expect("a response");
            let expected = format!("/echo/{number}\"");
            let text = response.text();
            assert!(text.contains(&expected), "{number} is {text}");
            if response.after() == After::Close && number + 1 < REQUESTS {
                return Err(format!("closed after {number} of {REQUESTS}"));
            }
        }
        Ok(())
    });
}

pub(super) fn unix_socket(subject: &Subject) {
    let mut server = Launch::of(subject).on_unix_socket().start();
    let Address::Unix(path) = server.address().clone() else {
        panic!("it was started on a unix socket");
    };
    server.wait_for_line(&format!("Listening at: unix:{}", path.display()));
    assert_eq!(server.get("/").text(), HELLO);
    let workers: Vec<Process> = server.workers();
    server.signal(Signal::SIGTERM);
    let status = server.wait_exit(Deadline::seconds(20));
    assert_eq!(status.code(), Some(0));
    assert!(workers.iter().all(|worker| !worker.runs()));
    assert!(!path.exists(), "what the server has made it removes");
}
