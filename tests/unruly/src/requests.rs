//! What a handler can do to a request's body other than read it once to its end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use http_body::Body as _;
use oxicorn::Body;

use crate::deed::{Answer, Content, Reading};

/// Bodies of requests that have been answered.
static KEPT: Mutex<Vec<Body>> = Mutex::new(Vec::new());

pub(crate) fn read_blocking(how: Reading, mut body: Body) -> Answer {
    match how {
        Reading::Part => {
            let _ = body.next_chunk();
        }
        Reading::Twice => {
            while let Ok(Some(_)) = body.next_chunk() {}
            return report(body.next_chunk().map(|piece| piece.is_some()));
        }
        Reading::Never => keep(body),
        Reading::IntoField => return reflect(&body.bytes().unwrap_or_default()),
    }
    done()
}

pub(crate) async fn read_async(how: Reading, mut body: Body) -> Answer {
    match how {
        Reading::Part => {
            let _ = poll_piece(&mut body).await;
        }
        Reading::Twice => {
            while let Some(Ok(_)) = poll_piece(&mut body).await {}
            return report(poll_piece(&mut body).await.transpose().map(|piece| piece.is_some()));
        }
        Reading::Never => keep(body),
        Reading::IntoField => {
            let mut all = Vec::new();
            while let Some(Ok(piece)) = poll_piece(&mut body).await {
                all.extend_from_slice(&piece);
            }
            return reflect(&all);
        }
    }
    done()
}

async fn poll_piece(body: &mut Body) -> Option<std::io::Result<Bytes>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
    frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()))
}

fn done() -> Answer {
    Answer::new(Content::Whole("done\n"))
}

/// What the second reading has brought, which should be nothing.
fn report(more: std::io::Result<bool>) -> Answer {
    Answer::new(Content::Whole(match more {
        Ok(false) => "nothing more\n",
        Ok(true) => "something more\n",
        Err(_) => "an error\n",
    }))
}

/// Only the last few, so that a long run does not fill the memory.
fn keep(body: Body) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.truncate(3);
    // What was kept before is looked at: it belongs to a request that is over.
    for former in kept.iter_mut() {
        let _ = former.next_chunk();
    }
    kept.insert(0, body);
}

#[expect(clippy::expect_used, reason = "the carelessness that the route shows")]
fn reflect(bytes: &[u8]) -> Answer {
    let mut answer = done();
    let value = HeaderValue::from_bytes(bytes).expect("a value");
    answer.headers.insert("x-reflected", value);
    answer
}
