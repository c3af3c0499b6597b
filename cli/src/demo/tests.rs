//! Every route in both forms, in this process: the answers must be the same, byte by byte.

mod echo;
mod upstream;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::{Duration, Instant};

use ::bytes::Bytes;
use http_body::Body as HttpBody;
use oxicorn_core::{Application, Body, Request, Response};
use tokio::runtime::Runtime;

use super::allowed::AllowList;
use super::{bytes, fetching_from};

fn demo() -> Application {
    fetching_from(AllowList::default())
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Answer {
    fn new(head: &http::response::Parts, body: Bytes) -> Answer {
        let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Answer {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(text).collect(),
            body,
        }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn blocking(app: &Application, request: Request) -> Response {
    app.as_blocking().unwrap().call(request)
}

async fn whole(mut body: Body) -> Bytes {
    let mut all = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        all.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    all.into()
}

/// What both forms answer, which must be the same.
fn answer(app: &Application, request: impl Fn() -> Request) -> Answer {
    let (head, body) = blocking(app, request()).into_parts();
    let blocking = Answer::new(&head, body.bytes().unwrap());
    let asynchronous = runtime().block_on(async {
        let response = app.as_async().unwrap().call(request()).await;
        let (head, body) = response.into_parts();
        Answer::new(&head, whole(body).await)
    });
    assert_eq!(blocking, asynchronous);
    blocking
}

fn request(method: &str, target: &str) -> Request {
    let request = http::Request::builder().method(method).uri(target);
    request.body(Body::empty()).unwrap()
}

fn get(app: &Application, target: &str) -> Answer {
    answer(app, || request("GET", target))
}

#[test]
fn each_route_answers_the_same_in_both_forms() {
    let app = demo();
    for (target, status, text) in [
        ("/", 200, "Hello, world!\n"),
        ("/?anything", 200, "Hello, world!\n"),
        ("http://host/", 200, "Hello, world!\n"),
        ("/healthz", 200, "ok\n"),
        ("/read", 200, "read for 5 ms\n"),
        ("/read?ms=1", 200, "read for 1 ms\n"),
        ("/write", 200, "wrote for 50 ms\n"),
        ("/write?ms=0", 200, "wrote for 0 ms\n"),
        ("/cpu?ms=1", 200, "computed for 1 ms\n"),
        ("/bytes?n=0", 200, ""),
        ("/bytes?n=12", 200, "0123456789ab"),
        ("/stream?n=0", 200, ""),
        ("/stream?n=3&ms=1", 200, "line 1\nline 2\nline 3\n"),
        ("/stream?n=2&ms=0", 200, "line 1\nline 2\n"),
        ("/nothing", 404, "there is nothing here\n"),
        ("/echoes", 404, "there is nothing here\n"),
        ("*", 404, "there is nothing here\n"),
        ("/read?ms=x", 400, "ms=x: not a whole number from 0 to 3600000\n"),
        ("/cpu?ms=", 400, "ms=: not a whole number from 0 to 3600000\n"),
        ("/bytes?n=-1", 400, "n=-1: not a whole number from 0 to 1073741824\n"),
        ("/stream?n=1e3", 400, "n=1e3: not a whole number from 0 to 1000000\n"),
        ("/upstream", 400, "url=: not an address like http://host:port/path\n"),
        ("/upstream?url=%zz", 400, "url=%zz: not percent-encoded UTF-8\n"),
        ("/upstream?url=http://127.0.0.1:1", 403, "nothing is fetched from 127.0.0.1:1\n"),
    ] {
        let answer = get(&app, target);
        assert_eq!((answer.status, answer.text()), (status, text), "{target}");
    }
    assert_eq!(get(&app, "/bytes").body.len() as u64, bytes::DEFAULT);
}

#[test]
fn only_the_echo_takes_more_than_get_and_head() {
    let app = demo();
    let allow = ("allow".to_owned(), "GET, HEAD".to_owned());
    for path in ["/", "/read?ms=0", "/bytes", "/healthz", "/upstream", "/panic"] {
        for method in ["POST", "DELETE", "OPTIONS", "BREW"] {
            let answer = answer(&app, || request(method, path));
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.headers.contains(&allow), "{method} {path}");
        }
    }
    for (method, path) in [("HEAD", "/"), ("HEAD", "/read?ms=0"), ("BREW", "/echo/x")] {
        assert_eq!(answer(&app, || request(method, path)).status, 200, "{method} {path}");
    }
}

#[test]
fn the_hello_route_is_static_bytes_and_one_header() {
    let response = blocking(&demo(), request("GET", "/"));
    assert_eq!(response.headers().len(), 1);
    assert_eq!(response.body().length(), Some(14));
}

#[test]
fn many_bytes_are_sent_in_pieces_of_a_known_length() {
    let count = 1_000_000;
    let answer = get(&demo(), "/bytes?n=1000000");
    assert_eq!(answer.body.len(), count);
    let length = ("content-length".to_owned(), count.to_string());
    assert!(answer.headers.contains(&length));
    let response = blocking(&demo(), request("GET", "/bytes?n=1073741824"));
    assert_eq!(response.headers()["content-length"], "1073741824");
    let first = response.into_body().next_chunk().unwrap().unwrap();
    assert_eq!(first.len(), 64 * 1024);
}

#[test]
fn both_forms_wait_for_as_long_as_they_say() {
    let app = demo();
    let (before, time) = (Instant::now(), Duration::from_millis(10));
    blocking(&app, request("GET", "/read?ms=10"));
    assert!(before.elapsed() >= time);
    let before = Instant::now();
    runtime().block_on(app.as_async().unwrap().call(request("GET", "/read?ms=10")));
    assert!(before.elapsed() >= time);
}

#[test]
fn the_route_that_panics_panics_in_both_forms() {
    let app = demo();
    let panics = |run: &dyn Fn()| catch_unwind(AssertUnwindSafe(run)).is_err();
    assert!(panics(&|| drop(blocking(&app, request("GET", "/panic")))));
    let future = || app.as_async().unwrap().call(request("GET", "/panic"));
    assert!(panics(&|| drop(runtime().block_on(future()))));
}
