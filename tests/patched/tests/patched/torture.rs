//! Everything that can go wrong, at once and at random: handlers that wait in every way there is, that
//! panic, that exceed their time; clients that go away; reloads. What is looked for is a worker that
//! dies of it. `TORTURE_SECONDS` is how long it goes on; the script `torture` beside the sources has it
//! go on under AddressSanitizer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use oxicorn_tests::{Asked, Connection, Deadline, Server, Signal};

use crate::mix::{Dice, ROUTES, number};
use crate::{ask, asked, coroutine};

const CROWDS: u64 = 4;
const AT_ONCE: usize = 40;
const BETWEEN_RELOADS: Duration = Duration::from_secs(2);
/// AddressSanitizer.
const CHECKER: &str = "ASAN_OPTIONS";

/// Beside those of the mix: the status of an answer, which may come too late for any other.
const MORE: [(&str, u16); 12] = [
    ("/sockets/fetch", 200),
    ("/sockets/ureq", 200),
    ("/sockets/block-on", 200),
    ("/sockets/poll", 200),
    ("/sockets/select", 200),
    ("/sockets/resolve", 200),
    ("/files/child", 200),
    ("/faults/panic", 500),
    ("/endless/sleep", 504),
    ("/endless/read", 504),
    ("/endless/stubborn", 504),
    ("/endless/block-on", 504),
];

/// An upstream that takes its time.
#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listening socket");
    let address = listener.local_addr().expect("its address").to_string();
    let answer = |mut stream: TcpStream, millis: u64| {
        let mut question = [0; 4096];
        let length = stream.read(&mut question).unwrap_or(0);
        thread::park_timeout(Duration::from_millis(millis));
        let head = match question[..length].starts_with(b"GET ") {
            true => "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n",
            false => "",
        };
        // A handler whose client has gone may have gone too.
        let _ = stream.write_all(format!("{head}word").as_bytes());
    };
    let serve = move || {
        let mut dice = Dice(1);
        for stream in listener.incoming().map_while(Result::ok) {
            let millis = dice.roll(20) as u64;
            let _ = thread::Builder::new().spawn(move || answer(stream, millis));
        }
    };
    thread::Builder::new().spawn(serve).expect("a thread");
    address
}

fn expect(route: &str, status: u16, client: &mut Connection) {
    let response = client.receive(Asked::ForAll).unwrap_or_else(|error| panic!("{route}: {error}"));
    let as_always = response.status == status || response.status == 504;
    assert!(as_always && !response.text().contains("in a thread"), "{route}: {response:?}");
}

/// One crowd of clients, and how many answers it has got.
fn torment(server: &Server, mut dice: Dice, end: Instant) -> usize {
    let mut open: Vec<(&str, u16, Connection)> = Vec::new();
    let mut answers = 0;
    while Instant::now() < end {
        if open.len() < AT_ONCE && dice.roll(3) > 0 {
            let (route, status) = match dice.roll(ROUTES.len() + MORE.len()) {
                one if one < ROUTES.len() => (ROUTES[one], 200),
                one => MORE[one - ROUTES.len()],
            };
            // Who waits for these torments nobody meanwhile.
            if status != 504 || dice.roll(20) == 0 {
                open.push((route, status, ask(server, route)));
            }
        } else if !open.is_empty() {
            let (route, status, mut client) = open.swap_remove(dice.roll(open.len()));
            if dice.roll(6) > 0 {
                expect(route, status, &mut client);
                answers += 1;
            }
        }
    }
    for (route, status, mut client) in open {
        expect(route, status, &mut client);
    }
    answers
}

/// What the checker that looks on was told, if there is one.
fn checker() -> Option<String> {
    std::env::var(CHECKER).ok()
}

#[test]
fn a_checker_would_see_it() {
    let Some(options) = checker() else { return };
    let server = coroutine().env(CHECKER, &options).start();
    ask(&server, "/faults/use-after-free");
    server.wait_for_foreign("heap-use-after-free");
}

#[test]
fn nothing_kills_a_worker() {
    let end = Instant::now() + Duration::from_secs(number("TORTURE_SECONDS", 4));
    let launch = coroutine().workers(2).env("UPSTREAM", &upstream());
    let launch = match checker() {
        Some(options) => launch.env(CHECKER, &options),
        None => launch,
    };
    // A worker that does not get the processor for so long is taken for dead.
    let timeout = if checker().is_some() { "20" } else { "5" };
    let limits = ["--timeout", timeout, "--graceful-timeout", "60", "--max-requests", "5000"];
    let mut server = launch.args(limits).start();
    let answered: usize = thread::scope(|scope| {
        let clients = (0..CROWDS).map(|crowd| {
            let dice = Dice(number("PATCH_SEED", 11) + crowd);
            let server = &server;
            scope.spawn(move || torment(server, dice, end))
        });
        let clients: Vec<_> = clients.collect();
        while Instant::now() < end && !clients.iter().any(|crowd| crowd.is_finished()) {
            thread::park_timeout(BETWEEN_RELOADS);
            server.signal(Signal::SIGHUP);
        }
        clients.into_iter().map(|crowd| crowd.join().expect("a crowd of clients")).sum()
    });
    println!("{answered} answers");
    assert_eq!(asked(&server, "/"), "hello\n");
    server.signal(Signal::SIGTERM);
    assert!(server.wait_exit(Deadline::seconds(60)).success());
    for trouble in ["AddressSanitizer", "was sent SIG", "exited with code", "overflowed"] {
        assert_eq!(server.error_log().count(trouble), 0, "{trouble}");
    }
}
