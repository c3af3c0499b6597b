//! Bodies, both ways: as large as they like, as slow as they like, in little memory.

use bytes::Bytes;
use h2::Reason;
use http::Request;

use super::client::{Client, Sends, answer, get, run, send};
use super::launch;

const BIG: usize = 48 * 1024 * 1024;
/// A worker in a debug build needs some for itself.
const LITTLE_MEMORY: u64 = 16 * 1024 * 1024;

#[test]
fn large_ones_in_little_memory() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        let before = server.worker().peak_memory().expect("a worker");
        let request = Request::post("http://suite/echo").body(()).unwrap();
        let (response, mut stream) = client.begin(request, Sends::ABody).await.expect("a stream");
        send(&mut stream, Bytes::from(vec![b'x'; BIG])).await.expect("sent");
        let echoed = answer(response).await.expect("an answer").text();
        assert!(echoed.contains(&format!("\"body_len\":{BIG}")), "{echoed}");
        let down = client.get(&format!("/bytes?n={BIG}")).await;
        assert_eq!(down.body.len(), BIG);
        let after = server.worker().peak_memory().expect("the same worker");
        assert!(after - before < LITTLE_MEMORY, "{} bytes more", after - before);
    });
    server.wait_for_accesses(&format!("/bytes?n={BIG} HTTP/2.0\" 200 {BIG} "), 1);
}

#[test]
fn who_does_not_read_costs_a_window_and_is_given_up() {
    let server = launch().args(["--write-timeout", "1"]).start();
    run(async {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        let mut other = Client::connect(&server).await;
        let before = server.worker().peak_memory().expect("a worker");
        let mut unread = Vec::new();
        for _ in 0..20 {
            let target = format!("/bytes?n={BIG}");
            let (response, _) = client.begin(get(&target), Sends::Nothing).await.expect("a stream");
            unread.push(response.await.expect("a head").into_body());
        }
        assert_eq!(other.get("/healthz").await.status, 200, "others are answered");
        for mut stream in unread {
            let error = read_without_room(&mut stream).await.expect_err("a reset");
            assert_eq!(error.reason(), Some(Reason::CANCEL));
        }
        let after = server.worker().peak_memory().expect("the same worker");
        assert!(after - before < LITTLE_MEMORY, "{} bytes more", after - before);
    });
}

/// Reads and never says that it has.
async fn read_without_room(stream: &mut h2::RecvStream) -> Result<(), h2::Error> {
    while let Some(piece) = stream.data().await {
        piece?;
    }
    Ok(())
}

#[test]
fn who_does_not_send_is_given_up() {
    let server = launch().args(["--body-timeout", "1"]).start();
    run(async {
        let mut client = Client::connect(&server).await;
        let request = Request::post("http://suite/echo").body(()).unwrap();
        let (response, mut stream) = client.begin(request, Sends::ABody).await.expect("a stream");
        stream.send_data(Bytes::from_static(b"half"), false).expect("sent");
        assert_eq!(answer(response).await.expect("an answer").status, 408);
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn too_large_a_body_is_refused() {
    let server = launch().args(["--limit-request-body", "1k"]).start();
    run(async {
        let mut client = Client::connect(&server).await;
        for announced in [true, false] {
            let mut request = Request::post("http://suite/echo");
            if announced {
                request = request.header("content-length", "2000");
            }
            let request = request.body(()).unwrap();
            let (response, mut stream) =
                client.begin(request, Sends::ABody).await.expect("a stream");
            let _ = send(&mut stream, Bytes::from(vec![b'x'; 2000])).await;
            assert_eq!(answer(response).await.expect("an answer").status, 413);
        }
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn the_word_to_go_on_comes_when_the_body_is_read() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        let request = |target: &str| {
            let request = Request::post(format!("http://suite{target}"));
            request.header("expect", "100-continue").body(()).unwrap()
        };
        let (mut response, mut stream) =
            client.begin(request("/echo"), Sends::ABody).await.expect("a stream");
        let word = std::future::poll_fn(|cx| response.poll_informational(cx)).await;
        assert_eq!(word.expect("a word").expect("no error").status(), 100);
        send(&mut stream, Bytes::from_static(b"body")).await.expect("sent");
        let echoed = answer(response).await.expect("an answer").text();
        assert!(echoed.contains("\"body_len\":4"), "{echoed}");
        let (response, _unsent) = client.begin(request("/"), Sends::ABody).await.expect("a stream");
        assert_eq!(answer(response).await.expect("an answer").status, 405, "and none if not");
    });
}

#[test]
fn trailers_come_behind_a_body() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        let request = Request::post("http://suite/echo").body(()).unwrap();
        let (response, mut stream) = client.begin(request, Sends::ABody).await.expect("a stream");
        stream.send_data(Bytes::from_static(b"body"), false).expect("sent");
        let trailers = http::HeaderMap::from_iter([(http::header::EXPIRES, "0".parse().unwrap())]);
        stream.send_trailers(trailers).expect("sent");
        let echoed = answer(response).await.expect("an answer").text();
        assert!(echoed.contains("\"expires\""), "{echoed}");
        let lines = client.get("/stream?n=3&ms=1").await.text();
        assert_eq!(lines.lines().count(), 3, "{lines}");
    });
}
