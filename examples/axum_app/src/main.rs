//! An axum router, served as it is: extractors, state, JSON, streams and middleware are axum's own.
//!
//! ```text
//! $ cargo run -p example-axum-app -- -k tokio -w 2
//! $ curl http://127.0.0.1:8000/whoami
//! $ xdg-open http://127.0.0.1:8000/chat
//! ```
//!
//! It runs under `-k threaded` and `-k sync`, too, where each request has a thread and a runtime to
//! itself; `-k coroutine` refuses it at the start. The feature `axum` of the library brings
//! `ConnectInfo`. The chat room (`chat.rs`) is for `-k tokio`, which alone has WebSockets.

mod chat;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use oxicorn::RequestExt;
use serde::Serialize;
use tokio::time::{sleep, timeout};

/// What the handlers of one worker share; every worker has its own.
#[derive(Default)]
struct Shared {
    greeted: AtomicU64,
}

#[derive(Serialize)]
struct Greeting {
    hello: String,
    number: u64,
}

async fn greet(State(shared): State<Arc<Shared>>, Path(hello): Path<String>) -> Json<Greeting> {
    let number = shared.greeted.fetch_add(1, Ordering::Relaxed) + 1;
    Json(Greeting { hello, number })
}

/// What the server knows of a request is in its extensions.
async fn whoami(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request) -> String {
    let id = request.request_id().map(|id| id.to_string()).unwrap_or_default();
    let target = request.target().escape_ascii();
    format!("{} asks for {target} over {}: {id}\n", peer.ip(), request.scheme().as_str())
}

async fn wait(Path(millis): Path<u64>) -> String {
    sleep(Duration::from_millis(millis)).await;
    format!("waited for {millis} ms\n")
}

/// The application's own patience with a slow client, in place of the server's (`body_timeout`).
async fn upload(Path(patience): Path<u64>, request: Request) -> Result<String, StatusCode> {
    let patience = Duration::from_millis(patience);
    let body = axum::body::to_bytes(request.into_body(), 1 << 20);
    let body: Bytes = timeout(patience, body)
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(format!("{} bytes\n", body.len()))
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "Hello from axum\n" }))
        .route("/greet/{name}", get(greet))
        .route("/whoami", get(whoami))
        .route("/wait/{millis}", get(wait))
        .route("/upload/{patience}", post(upload))
        .with_state(Arc::new(Shared::default()))
        .merge(chat::router())
}

fn main() -> ExitCode {
    oxicorn::serve_async(router())
}
