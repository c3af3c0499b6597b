//! What hyper makes of a conversation: a second opinion from an implementation that others rely on.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use crate::drive::{Listed, listed};

/// A request that hyper read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: Listed,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Listed,
}

/// What hyper thinks of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Accepts,
    Refuses,
}

/// More than all responses to one file of the corpus, in bytes.
const ROOM: usize = 1 << 20;

/// Plays `bytes`, then EOF, to a hyper server whose application reads everything.
pub(crate) fn ask(bytes: &[u8]) -> (Vec<Heard>, Opinion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut client, server) = tokio::io::duplex(ROOM);
        client.write_all(bytes).await.unwrap();
        client.shutdown().await.unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let service = service_fn(|request| read(request, Arc::clone(&heard)));
        let served = http1::Builder::new()
            .half_close(true)
            .serve_connection(TokioIo::new(server), service)
            .await;
        drop(client);
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        let whole: Vec<Heard> = heard.iter().flatten().cloned().collect();
        match served {
            Ok(()) if whole.len() == heard.len() => (whole, Opinion::Accepts),
            _ => (whole, Opinion::Refuses),
        }
    })
}

/// Notes the request, or `None` if its body breaks a rule.
async fn read(
    request: Request<Incoming>,
    heard: Arc<Mutex<Vec<Option<Heard>>>>,
) -> Result<Response<String>, Infallible> {
    let (head, body) = request.into_parts();
    let mut body = pin!(body);
    let mut data = Vec::new();
    let mut trailers = HeaderMap::new();
    let mut seen = Ok(());
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(piece)) => data.extend_from_slice(&piece),
            Ok(Err(frame)) => trailers = frame.into_trailers().unwrap_or_default(),
            Err(error) => seen = Err(error),
        }
    }
    heard.lock().unwrap().push(seen.ok().map(|()| Heard {
        method: head.method.to_string(),
        uri: head.uri.to_string(),
        headers: listed(&head.headers),
        body: data,
        trailers: listed(&trailers),
    }));
    Ok(Response::new(String::new()))
}
