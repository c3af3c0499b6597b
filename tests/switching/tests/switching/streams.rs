//! A stream is a request like any other.

use h2::Reason;
use http::{Request, StatusCode};
use tokio::task::JoinSet;

use super::client::{Client, Sends, answer, get, run};
use super::launch;

#[test]
fn many_at_once_wait_together() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        // Now it knows how many there may be at once.
        client.get("/").await;
        let mut waiting = JoinSet::new();
        for _ in 0..300 {
            let (response, _) =
                client.begin(get("/read?ms=20"), Sends::Nothing).await.expect("a stream");
            waiting.spawn(answer(response));
        }
        while let Some(answered) = waiting.join_next().await {
            assert_eq!(answered.unwrap().expect("an answer").status, 200);
        }
    });
    let lines = server.wait_for_accesses("\"GET /read?ms=20 HTTP/2.0\" 200 ", 300);
    assert_eq!(lines.len(), 300);
}

#[test]
fn a_request_looks_as_ever() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        let request = Request::get("https://example.org/fields?a=b")
            .header("x_forged", "1")
            .header("x-forwarded-proto", "http")
            .body(());
        let text = client.ask(request.unwrap()).await.expect("an answer").text();
        assert!(text.starts_with("upgrade false\nscheme http\npeer 127.0.0.1\n"), "{text}");
        assert!(text.ends_with("target /fields?a=b\nfields x-forwarded-proto host\n"), "{text}");
        let head = Request::head("http://suite/bytes?n=7").body(()).unwrap();
        let head = client.ask(head).await.expect("an answer");
        assert_eq!((head.headers["content-length"].as_bytes(), head.body.len()), (&b"7"[..], 0));
        assert_eq!(head.headers["server"], "oxicorn");
        assert!(head.headers.contains_key("date"));
    });
}

#[test]
fn rules_are_the_same() {
    let server = launch().args(["--limit-request-line", "100"]).start();
    let long = format!("http://suite/{}", "x".repeat(100));
    run(async {
        let mut client = Client::connect(&server).await;
        for (status, request) in [
            (414, Request::get(&long)),
            (400, Request::get("http://suite/").header("host", "other")),
            (
                400,
                Request::get("http://suite/")
                    .header("x-forwarded-proto", "https")
                    .header("x-forwarded-ssl", "off"),
            ),
            (417, Request::get("http://suite/").header("expect", "tea")),
            (404, Request::get("http://suite/nothing")),
        ] {
            let answer = client.ask(request.body(()).unwrap()).await.expect("an answer");
            assert_eq!(answer.status.as_u16(), status);
        }
        assert_eq!(client.get("/").await.status, 200, "the connection goes on");
    });
    server.wait_for_line("Invalid request from ip=127.0.0.1");
    server.wait_for_accesses("\" 414 ", 1);
}

#[test]
fn what_takes_too_long_is_ended_and_the_others_go_on() {
    let server = launch().args(["--timeout", "3"]).start();
    let worker = server.worker();
    run(async {
        let mut client = Client::connect(&server).await;
        let mut other = Client::connect(&server).await;
        let (late, _) =
            client.begin(get("/write?ms=60000"), Sends::Nothing).await.expect("a stream");
        let (cut, _) =
            client.begin(get("/stream?n=2&ms=60000"), Sends::Nothing).await.expect("a stream");
        assert_eq!(client.get("/read").await.status, 200);
        assert_eq!(answer(late).await.expect("an answer").status, StatusCode::GATEWAY_TIMEOUT);
        let error = answer(cut).await.expect_err("a reset");
        assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR));
        for client in [&mut client, &mut other] {
            assert_eq!(client.get("/").await.status, 200);
        }
    });
    server.wait_for_line(&format!("[CRITICAL] WORKER TIMEOUT (pid:{})", worker.pid()));
    server.wait_for_line("In flight: GET /write?ms=60000 for ");
    server.wait_for_accesses("\"GET /write?ms=60000 HTTP/2.0\" 504 ", 1);
    server.wait_for_accesses("\"GET /stream?n=2&ms=60000 HTTP/2.0\" 200 ", 1);
    assert_eq!(server.worker(), worker);
}

#[test]
fn a_panic_is_that_streams_500() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        assert_eq!(client.get("/panic").await.status, 500);
        assert_eq!(client.get("/").await.status, 200);
    });
    server.wait_for_line("Error handling request GET /panic: the handler has panicked");
}

#[test]
fn more_than_there_may_be_wait() {
    let server = launch().args(["--worker-connections", "4"]).start();
    run(async {
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(Client::connect(&server).await);
        }
        let mut waiting = JoinSet::new();
        for _ in 0..4 {
            for client in &mut clients {
                let (response, _) =
                    client.begin(get("/read?ms=20"), Sends::Nothing).await.expect("a stream");
                waiting.spawn(answer(response));
            }
        }
        while let Some(answered) = waiting.join_next().await {
            assert_eq!(answered.unwrap().expect("an answer").status, 200);
        }
    });
}

#[test]
fn an_idle_connection_is_said_goodbye_to() {
    let server = launch().args(["--keepalive", "1"]).start();
    run(async {
        let mut client = Client::connect(&server).await;
        assert_eq!(client.get("/").await.status, 200);
        client.end().await.expect("a clean end");
    });
}

#[test]
fn the_longest_idle_makes_room() {
    let server = launch().args(["--worker-connections", "2"]).start();
    run(async {
        let mut first = Client::connect(&server).await;
        first.get("/").await;
        let mut second = Client::connect(&server).await;
        second.get("/").await;
        let mut third = Client::connect(&server).await;
        assert_eq!(third.get("/").await.status, 200);
        first.end().await.expect("a clean end");
        assert_eq!(second.get("/").await.status, 200);
    });
}
