//! What no honest client does.

use h2::Reason;
use http::Request;

use super::client::{Client, Sends, get, run};
use super::launch;

/// What a debug build may need more for it.
const LITTLE_MEMORY: u64 = 16 * 1024 * 1024;

#[test]
fn who_resets_all_streams_is_hung_up_on() {
    let server = launch().start();
    run(async {
        let mut other = Client::connect(&server).await;
        other.get("/").await;
        let before = server.worker().peak_memory().expect("a worker");
        for _ in 0..3 {
            let mut client = Client::connect(&server).await;
            let mut opened = 0;
            while opened < 100_000 {
                let begun = client.begin(get("/write?ms=10000"), Sends::Nothing).await;
                let Ok((response, mut stream)) = begun else { break };
                opened += 1;
                // The server has to see some of them.
                if opened % 8 == 0 {
                    tokio::task::yield_now().await;
                }
                stream.send_reset(Reason::CANCEL);
                drop(response);
            }
            // What it still sends to nobody may keep it from hearing why.
            let error = client.end().await.expect_err("it is hung up on");
            let why = error.reason();
            assert!(error.is_io() || why == Some(Reason::ENHANCE_YOUR_CALM), "{error}");
            assert!(opened < 10_000, "{opened}");
        }
        assert_eq!(other.get("/").await.status, 200);
        let after = server.worker().peak_memory().expect("the same worker");
        assert!(after - before < LITTLE_MEMORY, "{} bytes more", after - before);
    });
}

#[test]
fn too_many_fields_are_refused() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        let mut request = Request::get("http://suite/");
        for n in 0..101 {
            request = request.header(format!("x-{n}"), "y");
        }
        let answer = client.ask(request.body(()).unwrap()).await.expect("an answer");
        assert_eq!(answer.status, 431);
        let mut request = Request::get("http://suite/");
        for n in 0..80 {
            request = request.header(format!("x-{n}"), "y".repeat(1000));
        }
        // The client may know the limit, or be told.
        if let Ok(answer) = client.ask(request.body(()).unwrap()).await {
            assert_eq!(answer.status, 431);
        }
        assert_eq!(Client::connect(&server).await.get("/").await.status, 200);
    });
}

#[test]
fn connect_is_not_offered() {
    let server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        let request = Request::connect("suite:80").body(()).unwrap();
        let (response, _) = client.begin(request, Sends::ABody).await.expect("a stream");
        assert_eq!(response.await.expect("an answer").status(), 501);
        assert_eq!(client.get("/").await.status, 200);
    });
}
