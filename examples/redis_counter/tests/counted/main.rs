//! The example in every worker class, with a real Redis if there is one.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod real;
mod standin;

use std::net::TcpListener;

use oxicorn_tests::{Asked, Launch, Request, Response, Server, Serving, Subject};

fn subject(class: &str, serving: Serving) -> Subject {
    let binary = env!("CARGO_BIN_EXE_example-redis-counter").into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a listening socket")
}

fn ask_at_once(server: &Server, target: &str, times: usize) -> Vec<Response> {
    let request = Request::get(target).header("Connection", "close").bytes();
    let mut clients: Vec<_> = (0..times).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(&request).expect("the request"));
    let answers = clients.iter_mut().map(|client| client.receive(Asked::ForAll));
    answers.map(|answer| answer.expect("a response")).collect()
}

fn counts(subject: &Subject) {
    const TIMES: usize = 50;
    let redis = real::start();
    let address = redis.as_ref().map_or_else(|| standin::serve(listener()), |redis| redis.address);
    let launch = Launch::of(subject).workers(2);
    let server = launch.env("REDIS", &address.to_string()).start();
    let answers = ask_at_once(&server, "/visits", TIMES);
    let mut seen: Vec<String> = answers.iter().map(Response::text).collect();
    let mut expected: Vec<String> = (1..=TIMES).map(|n| format!("visits: {n}\n")).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected, "each was counted once");
}

fn is_missed(subject: &Subject) {
    let nobody = listener();
    let silent = nobody.local_addr().expect("its address").to_string();
    let server = Launch::of(subject).env("REDIS", &silent).start();
    let worker = server.worker();
    let slow = ask_at_once(&server, "/visits", 1);
    assert_eq!((slow[0].status, slow[0].text().as_str()), (503, "no Redis: the time is up\n"));
    drop(nobody);
    let refused = ask_at_once(&server, "/visits", 3);
    for answer in refused {
        assert_eq!(answer.status, 503);
        assert!(answer.text().starts_with("no Redis: "), "{}", answer.text());
    }
    assert_eq!(server.worker(), worker);
}

macro_rules! in_every_class {
    ($($class:ident: $serving:ident),*) => {
        $(
            mod $class {
                use super::{Serving, subject};

                #[test]
                fn requests_are_counted() {
                    super::counts(&subject(stringify!($class), Serving::$serving));
                }

                #[test]
                fn a_redis_that_is_not_there_is_missed() {
                    super::is_missed(&subject(stringify!($class), Serving::$serving));
                }
            }
        )*
    };
}

in_every_class!(sync: Inline, threaded: Threads, coroutine: Many, tokio: Many);
