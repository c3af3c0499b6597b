mod overdue;
mod proxies;

use super::*;
use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use crate::app::{App, Application};
use crate::config::{ByteSize, Config, Timeout};
use crate::in_flight::InFlightTable;
use crate::lifeline::MasterLifeline;
use crate::listener::{LocalAddress, Peer};
use crate::orders::Orders;
use crate::scoreboard::{Generation, Scoreboard, Writers};
use crate::serve::{self, Capacity, KeepPolicy};
use crate::worker::WorkerContext;
use crate::{Body, Request, RequestExt, Response};

struct Bench {
    service: Arc<Service>,
    scratch: RefCell<Scratch>,
    connection: Option<Box<Connection>>,
    client: UnixStream,
}

impl Bench {
    fn new(config: Config) -> Bench {
        let app = |request: Request| {
            let target = String::from_utf8_lossy(request.target()).into_owned();
            if let Some(length) = target.strip_prefix("/file/") {
                return Response::new(ten_bytes(length.parse().unwrap()));
            }
            let length = request.into_body().bytes().map_or(-1, |body| body.len() as i64);
            Response::new(Body::from(format!("{target} {length}")))
        };
        Bench::with(config, Peer::Unix, app)
    }

    fn with(config: Config, peer: Peer, app: impl App) -> Bench {
        let board = Scoreboard::new().unwrap();
        let slot = board.claim(Generation(1)).unwrap();
        let in_flight = InFlightTable::new(&config).unwrap();
        let cx = WorkerContext {
            config: Arc::new(config),
            in_flight,
            app: Application::blocking("test", app),
            listeners: Vec::new(),
            slot: board.handle(slot, Writers::One),
            lifeline: MasterLifeline::new().unwrap().into_worker(),
            orders: Orders::channel().unwrap().0,
            access_log: None,
        };
        let service = Service::new(&cx, Capacity(1), KeepPolicy::Always, Writers::One);
        let scratch = RefCell::new(Scratch::new(&service));
        let (client, ours) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let info = ConnectionInfo::accepted(peer, LocalAddress::Abstract(String::new()));
        let now = Instant::now();
        let connection = Box::new(Connection::new(ours.into(), info, &service, now));
        Bench { service, scratch, connection: Some(connection), client }
    }

    /// Lets the connection go as far as it can, the application included.
    fn run(&mut self, ready: Readiness) -> Step {
        let mut connection = self.connection.take().unwrap();
        let mut step = connection.advance(ready, &mut self.scratch.borrow_mut());
        while step == Step::Handle {
            (connection, step) = serve::handle(connection, &self.scratch).unwrap();
        }
        if step != Step::Close {
            connection.park(&mut self.scratch.borrow_mut());
            self.connection = Some(connection);
        }
        step
    }

    fn send(&mut self, bytes: &str) -> Step {
        self.client.write_all(bytes.as_bytes()).unwrap();
        self.run(Readiness::READ)
    }

    /// What has arrived at the client.
    fn received(&mut self) -> String {
        self.client.set_nonblocking(true).unwrap();
        let mut bytes = Vec::new();
        let _ = self.client.read_to_end(&mut bytes);
        self.client.set_nonblocking(false).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn expire_in(&mut self, time: Duration) -> Step {
        let mut connection = self.connection.take().unwrap();
        let mut scratch = self.scratch.borrow_mut();
        scratch.pretend(Instant::now() + time);
        let step = connection.expire(&mut scratch);
        self.connection = (step != Step::Close).then_some(connection);
        step
    }
}

/// A file of ten bytes as a body that claims `length` of them.
fn ten_bytes(length: u64) -> Body {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    Body::file(file, 0..length)
}

const READING: Step = Step::Wait(Interest::Read);

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[test]
fn requests_follow_each_other_on_one_connection_that_holds_nothing_between() {
    let mut bench = Bench::new(Config::default());
    for target in ["/a", "/b"] {
        assert_eq!(bench.send(&get(target)), READING);
        let answer = bench.received();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{target} 0")), "{answer}");
        let connection = bench.connection.as_mut().unwrap();
        assert!(connection.is_idle());
        assert_eq!(connection.codec.buffer().capacity(), 0);
        assert_eq!(connection.output.tail().capacity(), 0);
    }
    assert_eq!(bench.service.slot().row().requests, 2);
    assert_eq!(bench.service.slot().in_flight(), 0);
}

#[test]
fn a_waiting_connection_is_small() {
    assert!(size_of::<Connection>() <= 640, "{} bytes", size_of::<Connection>());
}

#[test]
fn a_request_in_many_pieces_is_one_request() {
    let mut bench = Bench::new(Config::default());
    let text = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    for byte in text.chars() {
        assert_eq!(bench.send(&byte.to_string()), READING);
    }
    assert!(bench.received().ends_with("/p 5"));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut bench = Bench::new(Config::default());
    let three: String = ["/1", "/2", "/3"].map(get).concat();
    assert_eq!(bench.send(&three), READING);
    let answers = bench.received();
    let at = |n| answers.find(&format!("/{n} 0")).unwrap();
    assert!(at(1) < at(2) && at(2) < at(3));
}

#[test]
fn a_bad_request_gets_400_and_nothing_after_it_is_answered() {
    let mut bench = Bench::new(Config::default());
    bench.send(&format!("GET / HTTP/1.1\r\nHost : x\r\n\r\n{}", get("/next")));
    let answer = bench.received();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("Connection: close\r\n"));
    assert_eq!(answer.matches("HTTP/1.1").count(), 1);
    assert_eq!(bench.service.slot().row().requests, 0);
}

#[test]
fn a_closing_connection_waits_for_the_client_so_that_the_answer_is_not_lost() {
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.send("BAD\r\n\r\n"), READING, "it lingers");
    assert_eq!(bench.send("still sending"), READING);
    assert_eq!(bench.expire_in(Duration::from_secs(3)), Step::Close);
}

#[test]
fn connection_close_closes_at_once() {
    let mut bench = Bench::new(Config::default());
    let step = bench.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(step, Step::Close);
    assert!(bench.received().contains("Connection: close\r\n"));
    assert_eq!(bench.service.slot().connections(), 0);
}

#[test]
fn each_phase_has_its_timeout() {
    let seconds = |n| Timeout(Some(Duration::from_secs(n)));
    let config = Config {
        header_timeout: seconds(10),
        body_timeout: seconds(20),
        keepalive: seconds(30),
        ..Config::default()
    };
    let after = Duration::from_secs;

    let mut silent = Bench::new(config.clone());
    assert_eq!(silent.expire_in(after(9)), READING);
    assert_eq!(silent.expire_in(after(11)), Step::Close);
    assert_eq!(silent.received(), "", "who has asked nothing is told nothing");

    let mut slow_head = Bench::new(config.clone());
    slow_head.send("GET / HT");
    slow_head.expire_in(after(11));
    assert!(slow_head.received().starts_with("HTTP/1.1 408 "));

    let mut slow_body = Bench::new(config.clone());
    slow_body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(slow_body.expire_in(after(19)), READING);
    slow_body.expire_in(after(21));
    assert!(slow_body.received().starts_with("HTTP/1.1 408 "));

    let mut idle = Bench::new(config);
    idle.send(&get("/"));
    assert_eq!(idle.expire_in(after(29)), READING);
    assert_eq!(idle.expire_in(after(31)), Step::Close);
}

#[test]
fn a_body_over_the_limit_is_413_whether_announced_or_not() {
    let config = Config { limit_request_body: ByteSize(4), ..Config::default() };
    for body in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
    ] {
        let mut bench = Bench::new(config.clone());
        bench.send(&format!("POST / HTTP/1.1\r\nHost: x\r\n{body}"));
        let answer = bench.received();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[test]
fn a_large_body_streams_to_the_handler() {
    let config = Config { body_buffer_size: ByteSize(10), ..Config::default() };
    let mut bench = Bench::new(config);
    let body = "x".repeat(100_000);
    let head = format!("POST /big HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
    assert_eq!(bench.send(&(head + &body)), READING);
    assert!(bench.received().ends_with("/big 100000"));
    assert_eq!(bench.send(&get("/after")), READING);
    assert!(bench.received().ends_with("/after 0"));
}

#[test]
fn who_is_told_to_leave_says_close() {
    let mut bench = Bench::new(Config::default());
    bench.send(&get("/"));
    bench.received();
    bench.service.leave();
    assert_eq!(bench.send(&get("/last")), Step::Close);
    let answer = bench.received();
    assert!(answer.contains("Connection: close\r\n") && answer.ends_with("/last 0"), "{answer}");
}

#[test]
fn files_are_answers_among_others() {
    let mut bench = Bench::new(Config::default());
    let head = "HEAD /file/7 HTTP/1.1\r\nHost: x\r\n\r\n";
    let many = [&get("/file/10"), &get("/1"), head, &get("/file/0"), &get("/file/2")].concat();
    assert_eq!(bench.send(&many), READING);
    let answers = bench.received();
    let bodies: Vec<_> = answers.split("HTTP/1.1 200 OK\r\n").skip(1).collect();
    let expected = [(10, "0123456789"), (4, "/1 0"), (7, ""), (0, ""), (2, "01")];
    assert_eq!(bodies.len(), expected.len(), "{answers}");
    for (answer, (length, body)) in bodies.iter().zip(expected) {
        let (head, got) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {length}")), "{head}");
        assert_eq!(got, body);
    }
    assert_eq!(bench.service.slot().in_flight(), 0);
}

#[test]
fn a_file_that_is_too_short_ends_the_connection() {
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.send(&[get("/file/11"), get("/never")].concat()), Step::Close);
    let answer = bench.received();
    assert!(answer.contains("Content-Length: 11\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n0123456789"), "{answer}");
    assert_eq!(bench.service.slot().connections(), 0);
}
