//! Requests whose time is over, and what is left of their connections and in the scoreboard.

use std::sync::OnceLock;

use super::*;
use crate::serve::Standing;

/// The state that a request must leave behind, however it has ended.
#[track_caller]
fn nothing_is_left(bench: &Bench) {
    assert_eq!(bench.service.slot().in_flight(), 0);
    assert_eq!(bench.service.strays(), 0);
}

#[test]
fn a_request_whose_time_is_over_is_answered_with_504() {
    let mut bench = Bench::new(Config::default());
    bench.client.write_all(get("/").as_bytes()).unwrap();
    let mut connection = bench.connection.take().unwrap();
    let mut scratch = bench.scratch.borrow_mut();
    assert_eq!(connection.advance(Readiness::READ, &mut scratch), Step::Handle);
    assert!(connection.started().is_some() && connection.entry().is_some());
    assert!(connection.open().is_some());
    assert_eq!(connection.time_out(&mut scratch), Step::Close);
    drop((connection, scratch));
    let answer = bench.received();
    assert!(answer.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{answer}");
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    nothing_is_left(&bench);
}

/// What the main thread of a class with many threads does meanwhile.
static GIVE_UP: OnceLock<Arc<Service>> = OnceLock::new();

#[test]
fn a_handler_that_comes_back_too_late_finds_its_request_given_up() {
    let app = |_: Request| {
        let service = GIVE_UP.get().unwrap();
        let mut main = Scratch::new(service);
        while service.give_up_overdue(&mut main).0 == 0 {}
        assert_eq!((service.slot().in_flight(), service.strays()), (0, 1));
        assert_eq!(service.give_up_overdue(&mut main).0, 0, "once");
        "too late"
    };
    let timeout = Timeout(Some(Duration::from_millis(50)));
    let mut bench = Bench::with(Config { timeout, ..Config::default() }, Peer::Unix, app);
    GIVE_UP.set(bench.service.clone()).unwrap();
    assert_eq!(bench.send(&get("/stuck")), Step::Close);
    let answer = bench.received();
    assert_eq!(answer.as_bytes(), crate::serve::last_words::RESPONSE, "once, and nothing else");
    assert_eq!(bench.scratch.borrow().standing(), Standing::Lost);
    nothing_is_left(&bench);
}

#[test]
fn a_body_whose_source_panics_costs_its_connection_and_nobody_else_anything() {
    let app = |_: Request| {
        let source = std::iter::from_fn(|| std::panic::resume_unwind(Box::new("broken")));
        Response::new(Body::from_chunks(source))
    };
    let mut bench = Bench::with(Config::default(), Peer::Unix, app);
    assert_eq!(bench.send(&get("/")), Step::Close);
    let answer = bench.received();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.ends_with("0\r\n\r\n"),
        "{answer}"
    );
    nothing_is_left(&bench);
}

#[test]
fn who_is_kept_waiting_by_the_server_has_not_been_silent() {
    let (whole, half, rest) = (get("/late"), "GET /late HTTP/1.1\r\n", "Host: x\r\n\r\n");
    for (before, behind) in [("", whole.as_str()), (half, rest), (&get("/first"), &whole)] {
        let mut bench = Bench::new(Config::default());
        assert_eq!(bench.send(before), READING);
        bench.client.write_all(behind.as_bytes()).unwrap();
        assert_eq!(bench.expire_in(Duration::from_secs(100)), READING, "{before:?}");
        assert_eq!(bench.run(Readiness::READ), READING);
        assert!(bench.received().ends_with("/late 0"), "{before:?}");
        assert_eq!(bench.expire_in(Duration::from_secs(500)), Step::Close);
    }
}
