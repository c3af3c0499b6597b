//! Three ways to answer a request for an upgrade: to take it, to take it and never use it, and to say
//! no.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use http::{HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use oxicorn::{AsyncApp, Body, Request, RequestExt, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// How the application answers.
pub(crate) type Answer = std::pin::Pin<Box<dyn Future<Output = Response> + Send>>;

/// See the module.
pub(crate) struct Upgrades {
    pub(crate) rest: Arc<dyn AsyncApp>,
}

impl AsyncApp for Upgrades {
    fn call(&self, mut request: Request) -> Answer {
        let upgrade = request.extensions().get::<OnUpgrade>().cloned();
        let answer = match (request.uri().path(), upgrade) {
            ("/shout", Some(upgrade)) => shout(upgrade, &request),
            ("/socket", Some(upgrade)) => socket(upgrade, &request),
            ("/dropped", Some(_)) => switching("nothing"),
            ("/shout" | "/socket" | "/dropped", None) => {
                plain(StatusCode::UPGRADE_REQUIRED, "no\n")
            }
            ("/fields", upgrade) => fields(upgrade, &request),
            _ => {
                request.extensions_mut().remove::<OnUpgrade>();
                return self.rest.call(request);
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    *response.status_mut() = status;
    response
}

fn switching(protocol: &'static str) -> Response {
    let mut response = plain(StatusCode::SWITCHING_PROTOCOLS, Bytes::new());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static(protocol));
    response
}

/// Says who has called, then everything back in capitals.
fn shout(upgrade: OnUpgrade, request: &Request) -> Response {
    let peer = request.peer().map(ToString::to_string).unwrap_or_default();
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let mut stream = TokioIo::new(upgraded);
        let mut buffer = vec![0; 16 * 1024];
        let mut sent = stream.write_all(format!("hello {peer}\n").as_bytes()).await;
        while let (Ok(()), Ok(count @ 1..)) = (sent, stream.read(&mut buffer).await) {
            buffer[..count].make_ascii_uppercase();
            sent = stream.write_all(&buffer[..count]).await;
        }
    });
    switching("shout")
}

/// Echoes messages.
fn socket(upgrade: OnUpgrade, request: &Request) -> Response {
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY) else {
        return plain(StatusCode::BAD_REQUEST, "no key\n");
    };
    let accept = derive_accept_key(key.as_bytes());
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let io = TokioIo::new(upgraded);
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let echoed = match message.is_text() || message.is_binary() {
                true => socket.send(message).await,
                false => Ok(()),
            };
            if echoed.is_err() {
                return;
            }
        }
    });
    let mut response = switching("websocket");
    if let Ok(value) = HeaderValue::from_str(&accept) {
        response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, value);
    }
    response
}

/// What the application sees of a request.
fn fields(upgrade: Option<OnUpgrade>, request: &Request) -> Response {
    let names: Vec<&str> = request.headers().keys().map(http::HeaderName::as_str).collect();
    let text = format!(
        "upgrade {}\nscheme {}\npeer {}\ntarget {}\nfields {}\n",
        upgrade.is_some(),
        request.scheme().as_str(),
        request.peer().map(ToString::to_string).unwrap_or_default(),
        String::from_utf8_lossy(request.target()),
        names.join(" "),
    );
    plain(StatusCode::OK, text)
}
