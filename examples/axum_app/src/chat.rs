//! A chat room: a page, and a WebSocket for each browser that looks at it.
//!
//! The room is a broadcast channel of the worker. Whoever is connected to another worker is in another
//! room: the README says what to do about that. Nobody waits for a slow reader: who falls too far behind
//! misses messages, and who takes nothing at all is hung up on.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::{Html, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::timeout;

/// Messages that a reader may be behind.
const BEHIND: usize = 64;
/// Bytes of a message: the page's two fields, and room for what JSON makes of them.
const LARGEST: usize = 8 * 1024;
/// How long a browser may take to accept one message.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a browser says.
#[derive(Deserialize)]
struct Saying {
    name: String,
    text: String,
}

/// What browsers are told.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum News {
    Said { name: String, text: String },
    Present { count: usize },
}

/// The people who are connected to this worker.
struct Room {
    news: broadcast::Sender<Utf8Bytes>,
    present: AtomicUsize,
}

impl Room {
    /// Nobody hears it if nobody is here.
    fn tell(&self, news: &News) {
        if let Ok(text) = serde_json::to_string(news) {
            let _ = self.news.send(text.into());
        }
    }
}

/// Somebody's presence, however it ends.
struct Guest(Arc<Room>);

impl Guest {
    fn enters(room: Arc<Room>) -> Guest {
        let count = room.present.fetch_add(1, Ordering::Relaxed) + 1;
        room.tell(&News::Present { count });
        Guest(room)
    }

    /// What cannot be read as a saying is not one.
    fn says(&self, text: &str) {
        if let Ok(Saying { name, text }) = serde_json::from_str(text) {
            self.0.tell(&News::Said { name, text });
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let count = self.0.present.fetch_sub(1, Ordering::Relaxed) - 1;
        self.0.tell(&News::Present { count });
    }
}

async fn enter(State(room): State<Arc<Room>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(LARGEST).on_upgrade(|socket| stay(socket, room))
}

async fn stay(mut socket: WebSocket, room: Arc<Room>) {
    let mut news = room.news.subscribe();
    let guest = Guest::enters(room);
    loop {
        let goes_on = tokio::select! {
            heard = news.recv() => pass_on(&mut socket, heard).await,
            said = socket.recv() => listen(&guest, said),
        };
        if goes_on.is_break() {
            return;
        }
    }
}

async fn pass_on(socket: &mut WebSocket, heard: Result<Utf8Bytes, RecvError>) -> ControlFlow<()> {
    match heard {
        Ok(text) => match timeout(PATIENCE, socket.send(Message::Text(text))).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => ControlFlow::Break(()),
        },
        Err(RecvError::Lagged(_)) => ControlFlow::Continue(()),
        Err(RecvError::Closed) => ControlFlow::Break(()),
    }
}

fn listen(guest: &Guest, said: Option<Result<Message, axum::Error>>) -> ControlFlow<()> {
    match said {
        Some(Ok(Message::Text(text))) => guest.says(&text),
        // Pings are answered by the library.
        Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
        Some(Ok(Message::Close(_)) | Err(_)) | None => return ControlFlow::Break(()),
    }
    ControlFlow::Continue(())
}

/// The page, and the room behind it.
pub(crate) fn router() -> Router {
    let (news, _) = broadcast::channel(BEHIND);
    let room = Arc::new(Room { news, present: AtomicUsize::new(0) });
    Router::new()
        .route("/chat", get(|| async { Html(include_str!("chat.html")) }))
        .route("/chat/room", get(enter))
        .with_state(room)
}
