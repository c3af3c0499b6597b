//! The engine against servers that misbehave in known ways: what it reports must be what they did.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::spec::tests::spec;
use super::tally::Errors;
use super::{Arrivals, Engine, Latency, Outcome, Spec, Turn};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const STALL: Duration = Duration::from_millis(500);

/// What the server does with a request, of which it is told the number.
type Script = fn(u64) -> Act;

enum Act {
    Answer(&'static [u8]),
    /// Answers, and lets everybody wait for that.
    StallAll,
    Close,
    Ignore,
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
}

/// A thread for each connection; one at a time is served.
#[expect(clippy::disallowed_methods, reason = "a socket of a test, in a process without a master")]
fn serve(script: Script) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU64::new(0));
    let (count, turn) = (connections.clone(), Arc::new(Mutex::new(0)));
    let accept = move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
            let turn = turn.clone();
            let talk = move || talk(&stream.unwrap(), &turn, script);
            thread::Builder::new().spawn(talk).unwrap();
        }
    };
    thread::Builder::new().spawn(accept).unwrap();
    Server { address, connections }
}

fn talk(mut stream: &TcpStream, turn: &Mutex<u64>, script: Script) {
    let mut lines = BufReader::new(stream).lines();
    let mut close = false;
    while let Some(Ok(line)) = lines.next() {
        close |= line == "Connection: close";
        if !line.is_empty() {
            continue;
        }
        let mut number = turn.lock().unwrap();
        *number += 1;
        match script(*number) {
            Act::Answer(bytes) => drop(stream.write_all(bytes)),
            Act::StallAll => {
                thread::park_timeout(STALL);
                let _ = stream.write_all(OK);
            }
            Act::Close => return drop(stream.shutdown(Shutdown::Both)),
            Act::Ignore => {}
        }
        if close {
            return drop(stream.shutdown(Shutdown::Both));
        }
    }
}

fn measure(spec: Spec) -> (Outcome, Latency) {
    let mut engine = Engine::new(spec).unwrap();
    engine.warm_up().unwrap();
    let outcome = engine.measure().unwrap();
    let mut latency = Latency::default();
    latency.add_pairs(&outcome.latency);
    (outcome, latency)
}

fn stalls_once(number: u64) -> Act {
    if number == 100 { Act::StallAll } else { Act::Answer(OK) }
}

#[test]
fn a_stall_is_in_the_percentiles_of_an_open_loop() {
    let window = Duration::from_millis(1500);
    let open = |address| Spec {
        connections: 4,
        arrivals: Arrivals::Open { rate: 400.0 },
        duration: window,
        ..spec(address)
    };
    let (outcome, latency) = measure(open(serve(stalls_once).address));
    assert_eq!((outcome.due, outcome.answered, outcome.errors.total()), (600, 600, 0));
    // 200 of the 600 requests were due while the server stood still, though at most four of them
    // could be sent: each has waited for what was left of the stall when it was due.
    assert_eq!(latency.count(), 600);
    assert!(latency.at(0.99) > 0.4, "{}", latency.at(0.99));
    assert!(latency.at(0.85) > 0.15, "{}", latency.at(0.85));

    // The same server through a closed loop: four slow requests among thousands.
    let closed = |address| Spec { arrivals: Arrivals::Closed, ..open(address) };
    let (outcome, latency) = measure(closed(serve(stalls_once).address));
    assert!(outcome.answered > 600);
    assert!(latency.at(0.99) < 0.4, "{}", latency.at(0.99));
    assert!(latency.at(1.0) > 0.4);
}

#[test]
fn a_server_that_is_too_slow_has_unsent_requests_and_a_latency_that_says_so() {
    let spec = |address| Spec {
        arrivals: Arrivals::Open { rate: 100.0 },
        duration: Duration::from_millis(600),
        timeout: Duration::from_millis(300),
        ..spec(address)
    };
    let (outcome, latency) = measure(spec(serve(|_| Act::Ignore).address));
    assert_eq!((outcome.due, outcome.answered), (60, 0));
    assert!(outcome.errors.timeout >= 1 && outcome.errors.unsent > 50, "{:?}", outcome.errors);
    assert_eq!(latency.count(), outcome.errors.timeout + outcome.errors.unsent);
    assert!(latency.at(0.5) > 0.2, "{}", latency.at(0.5));
}

fn errors_within(timeout: Duration, script: Script) -> Errors {
    let duration = Duration::from_millis(400);
    measure(Spec { timeout, duration, ..spec(serve(script).address) }).0.errors
}

/// What comes at once, however long the machine makes of that.
fn errors(script: Script) -> Errors {
    errors_within(Duration::from_secs(20), script)
}

/// What does not come.
fn waits(script: Script) -> Errors {
    errors_within(Duration::from_millis(100), script)
}

#[test]
fn errors_are_told_apart() {
    let only = |errors: Errors| {
        let kinds = errors.named().into_iter().filter(|(_, count)| *count > 0);
        kinds.map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(only(errors(|_| Act::Answer(OK))), [""; 0]);
    assert_eq!(only(errors(|_| Act::Close)), ["reset"]);
    assert_eq!(only(waits(|_| Act::Ignore)), ["timeout"]);
    let status = |_| Act::Answer(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(only(errors(status)), ["status"]);
    assert_eq!(only(errors(|_| Act::Answer(b"SSH-2.0-x\r\n\r\n"))), ["malformed"]);
    let short = |number| match number % 2 {
        1 => Act::Answer(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole once"),
        _ => Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
    };
    // Neither ends by itself: both are waited for in vain.
    assert_eq!(only(waits(short)), ["timeout"]);
    // The port of a socket that has been closed.
    let gone = TcpStream::connect(serve(|_| Act::Close).address).unwrap().local_addr().unwrap();
    let (outcome, _) = measure(spec(gone));
    assert_eq!(only(outcome.errors), ["connect"]);
    assert!(outcome.errors.connect < 50, "it is not besieged: {:?}", outcome.errors);
}

#[test]
fn an_answer_that_is_cut_is_short() {
    let cut = |_| Act::Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    let once = Spec { turns_per_connection: Some(1), ..spec(serve(cut).address) };
    let (outcome, _) = measure(once);
    assert!(outcome.errors.short > 0 && outcome.answered == 0, "{outcome:?}");
    assert_eq!(outcome.errors.short, outcome.errors.total());
}

#[test]
fn a_number_of_requests_is_kept_to_and_connections_last_as_long_as_they_should() {
    for (turns, connections) in [(None, 1), (Some(1), 100), (Some(10), 10)] {
        let server = serve(|_| Act::Answer(OK));
        let spec = Spec {
            connections: 1,
            turns_per_connection: turns,
            most: Some(100),
            duration: Duration::from_secs(20),
            ..spec(server.address)
        };
        let (outcome, _) = measure(spec);
        assert_eq!((outcome.answered, outcome.errors.total()), (100, 0), "{turns:?}");
        assert_eq!(server.connections.load(Ordering::Relaxed), connections);
        assert!(outcome.window < 20.0);
    }
}

#[test]
fn a_pipeline_of_sixteen_is_sixteen_answers() {
    let server = serve(|_| Act::Answer(OK));
    let spec = Spec {
        depth: 16,
        most: Some(160),
        duration: Duration::from_secs(20),
        turns: vec![Turn { weight: 1, path: "/x".to_owned() }],
        ..spec(server.address)
    };
    assert_eq!(measure(spec).0.answered, 160);
}

#[test]
fn idle_connections_are_opened_and_stay() {
    let server = serve(|_| Act::Answer(OK));
    let mut engine = Engine::new(Spec { idle: 100, ..spec(server.address) }).unwrap();
    engine.warm_up().unwrap();
    assert_eq!(engine.open_idle().unwrap(), 100);
    let outcome = engine.measure().unwrap();
    assert!(outcome.answered > 0 && outcome.errors.total() == 0);
    assert_eq!(engine.idle(), 100);
}
