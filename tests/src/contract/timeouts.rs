//! `timeout`: no request occupies the application for longer, whatever it is doing. Its client gets
//! 504, the log names it, and what else becomes of it is the one thing in which the classes differ:
//! the worker of a class that runs one handler at a time is replaced, the others go on.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};

use nix::sys::signal::Signal;

use super::{Serving, Subject};
use crate::client::{Asked, ClientError, Connection, Request};
use crate::deadline::Deadline;
use crate::harness::{Launch, Level, Server};
use crate::process::Process;

/// A wait, or a computation, that no test sees the end of.
const FOREVER: &str = "ms=60000";

fn launch(subject: &Subject) -> Launch {
    // Long enough for whatever else is asked: a loaded machine keeps everybody waiting.
    Launch::of(subject).args(["--timeout", "3"])
}

#[track_caller]
fn asks(server: &Server, request: &Request) -> Connection {
    let mut client = server.connect();
    client.send(&request.bytes()).expect("a request");
    client
}

/// Waits until the log has said that this worker, or a request of it, has taken too long, and has
/// named the request.
#[track_caller]
fn is_named(server: &Server, worker: Process, request: &str) {
    let said = format!("WORKER TIMEOUT (pid:{})", worker.pid());
    let line = server.wait_for_error_line(&said);
    assert_eq!((line.level, line.message), (Level::Critical, said.clone()));
    let named = format!("In flight: {request} for ");
    let line = server.wait_for_error_line(&named);
    assert_eq!(line.level, Level::Error, "{line:?}");
    assert!(line.message.contains(" s, client 127.0.0.1:"), "{line:?}");
    let all = server.error_log().all();
    let position = |text: &str| all.iter().position(|line| line.contains(text));
    assert!(position(&said) < position(&named), "the request behind the worker");
}

#[track_caller]
fn goes_on(server: &Server, worker: Process) {
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.worker(), worker, "the worker goes on");
    assert_eq!(server.error_log().count("Booting worker"), 1);
}

#[track_caller]
fn is_replaced(server: &Server, worker: Process) {
    server.wait_for_lines("Booting worker with pid: ", 2);
    assert_eq!(server.get("/").status, 200);
    assert_ne!(server.wait_for_workers(1), [worker], "the worker is replaced");
}

#[track_caller]
fn goes_on_or_is_replaced(subject: &Subject, server: &Server, worker: Process) {
    match subject.serving {
        Serving::Inline => is_replaced(server, worker),
        Serving::Threads | Serving::Many => goes_on(server, worker),
    }
}

#[track_caller]
fn gets_504(client: &mut Connection) {
    let response = client.receive(Asked::ForAll).expect("a response");
    assert_eq!((response.status, response.header("connection")), (504, Some("close")));
    client.expect_end().expect("the end");
}

pub(super) fn timeout_of_a_waiting_handler(subject: &Subject) {
    let server = launch(subject).start();
    let worker = server.worker();
    let target = format!("/write?{FOREVER}");
    let mut stuck = asks(&server, &Request::get(&target));
    if subject.serving != Serving::Inline {
        assert_eq!(server.get("/").status, 200, "others are answered meanwhile");
    }
    gets_504(&mut stuck);
    is_named(&server, worker, &format!("GET {target}"));
    goes_on_or_is_replaced(subject, &server, worker);
    if subject.serving != Serving::Inline {
        let logged = format!("GET {target} HTTP/1.1\" 504 ");
        assert_eq!(server.wait_for_accesses(&logged, 1).len(), 1);
    }
}

pub(super) fn timeout_of_a_computing_handler(subject: &Subject) {
    let server = launch(subject).start();
    let worker = server.worker();
    let target = format!("/cpu?{FOREVER}");
    let mut stuck = asks(&server, &Request::get(&target));
    gets_504(&mut stuck);
    is_named(&server, worker, &format!("GET {target}"));
    if subject.serving == Serving::Threads {
        return goes_on(&server, worker);
    }
    // Nobody else could do anything meanwhile: the master has seen that, and by whom.
    let line = server.wait_for_error_line(&format!("In flight: GET {target} "));
    assert_eq!(line.pid, server.master().pid(), "{line:?}");
    assert!(line.message.ends_with(", holds the thread"), "{line:?}");
    is_replaced(&server, worker);
}

pub(super) fn timeout_of_a_handler_that_waits_for_a_server(subject: &Subject) {
    let silent = Upstream::listen();
    let server = launch(subject).env("OXICORN_DEMO_UPSTREAM", &silent.address()).start();
    let worker = server.worker();
    let target = silent.target();
    gets_504(&mut asks(&server, &Request::get(&target)));
    is_named(&server, worker, &format!("GET {target}"));
    goes_on_or_is_replaced(subject, &server, worker);
}

pub(super) fn timeout_of_an_upload(subject: &Subject) {
    let server = launch(subject).args(["--body-buffer-size", "1k"]).start();
    let worker = server.worker();
    let mut client = server.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    client.send(head.as_bytes()).expect("a head");
    client.send(&[b'x'; 50_000]).expect("half a body");
    let response = client.receive(Asked::ForAll).expect("a response");
    assert_eq!(response.status, 504, "{response:?}");
    is_named(&server, worker, "POST /echo");
    goes_on_or_is_replaced(subject, &server, worker);
}

pub(super) fn timeout_of_a_response_that_has_begun(subject: &Subject) {
    let server = launch(subject).start();
    let worker = server.worker();
    let target = format!("/stream?n=2&{FOREVER}");
    let mut client = asks(&server, &Request::get(&target));
    match client.receive(Asked::ForAll) {
        Err(ClientError::Short(_) | ClientError::Reset) => {}
        other => panic!("{other:?}"),
    }
    is_named(&server, worker, &format!("GET {target}"));
    goes_on_or_is_replaced(subject, &server, worker);
}

pub(super) fn within_the_timeout(subject: &Subject) {
    let server = Launch::of(subject).args(["--timeout", "8"]).start();
    let worker = server.worker();
    for target in ["/write?ms=3000", "/stream?n=4&ms=1000", "/write?ms=3000"] {
        assert_eq!(server.get(target).status, 200, "{target}");
    }
    goes_on(&server, worker);
    assert_eq!(server.error_log().count("TIMEOUT"), 0);
    assert_eq!(server.error_log().count("In flight"), 0);
}

pub(super) fn no_timeout(subject: &Subject) {
    let server = Launch::of(subject).args(["--timeout", "0"]).start();
    assert_eq!(server.get("/write?ms=1500").status, 200);
    assert_eq!(server.error_log().count("TIMEOUT"), 0);
}

pub(super) fn killed_worker_names_its_requests(subject: &Subject) {
    let server = Launch::of(subject).start();
    let worker = server.worker();
    let target = format!("/stream?n=2&{FOREVER}");
    let mut client = asks(&server, &Request::get(&target));
    client.wait_for_bytes().expect("the response begins: the request is in flight");
    worker.signal(Signal::SIGKILL);
    server.wait_for_line(&format!("Worker (pid:{}) was sent SIGKILL!", worker.pid()));
    let line = server.wait_for_error_line("In flight: ");
    assert!(line.message.contains(&format!("GET {target} for ")), "{line:?}");
    assert_eq!(line.pid, server.master().pid(), "{line:?}");
}

pub(super) fn everything_in_flight_is_named(subject: &Subject) {
    let server = launch(subject).start();
    let waiting = format!("/stream?n=2&{FOREVER}");
    let mut first = asks(&server, &Request::get(&waiting));
    first.wait_for_bytes().expect("the response begins");
    let computing = format!("/cpu?{FOREVER}");
    let mut second = asks(&server, &Request::get(&computing));
    gets_504(&mut second);
    let lines = server.wait_for_lines("In flight: ", 2);
    assert!(lines[0].contains(&waiting) && !lines[0].contains("holds"), "{lines:?}");
    assert!(lines[1].contains(&computing) && lines[1].contains("holds"), "{lines:?}");
}

pub(super) fn lost_thread_is_replaced(subject: &Subject) {
    const THREADS: usize = 3;
    let upstream = Upstream::listen();
    let address = upstream.address();
    let server =
        launch(subject).threads(THREADS as u32).env("OXICORN_DEMO_UPSTREAM", &address).start();
    let worker = server.worker();
    gets_504(&mut asks(&server, &Request::get(&format!("/write?{FOREVER}"))));
    // All of them are in their handlers when the last one has called.
    let request = Request::get(&upstream.target());
    let mut clients: Vec<Connection> = (0..THREADS).map(|_| asks(&server, &request)).collect();
    let callers: Vec<TcpStream> = (0..THREADS).map(|_| upstream.caller()).collect();
    for caller in callers {
        Upstream::hang_up(caller);
    }
    for client in &mut clients {
        assert_eq!(client.receive(Asked::ForAll).expect("a response").status, 502);
    }
    goes_on(&server, worker);
}

pub(super) fn too_many_lost_threads(subject: &Subject) {
    let server = launch(subject).threads(2).start();
    let worker = server.worker();
    let request = Request::get(&format!("/write?{FOREVER}"));
    let mut stuck = [(); 2].map(|()| asks(&server, &request));
    stuck.iter_mut().for_each(gets_504);
    server.wait_for_line("Asking for a replacement: 2 of 2 handlers are stuck");
    is_replaced(&server, worker);
}

/// A server that takes calls and says nothing.
pub(super) struct Upstream(TcpListener);

impl Upstream {
    #[expect(clippy::disallowed_methods, reason = "it is the test's own, and no server's")]
    pub(super) fn listen() -> Upstream {
        Upstream(TcpListener::bind("127.0.0.1:0").expect("a listening socket"))
    }

    pub(super) fn address(&self) -> String {
        self.0.local_addr().expect("it is bound").to_string()
    }

    pub(super) fn target(&self) -> String {
        format!("/upstream?url=http://{}/", self.address())
    }

    /// The next one who calls, when the call has come.
    #[track_caller]
    pub(super) fn caller(&self) -> TcpStream {
        self.0.set_nonblocking(true).expect("a socket that can be polled");
        Deadline::seconds(20).expect("a caller", || self.0.accept().ok()).0
    }

    pub(super) fn hang_up(mut caller: TcpStream) {
        let _ = caller.shutdown(Shutdown::Write);
        let _ = caller.read_to_end(&mut Vec::new());
    }
}
