//! The application, as the tasks of this class call it: an asynchronous one on the worker's one
//! thread, a blocking one on the blocking pool, and in the same ways the body of its response.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http_body::Frame;
use oxicorn_core::app::ResponseFuture;
use oxicorn_core::body::Form;
use oxicorn_core::serve::{Running, Service};
use oxicorn_core::{Body, Request, Response};

use crate::strays::{Panicked, Strays};

type Elsewhere = Pin<Box<dyn Future<Output = Result<Response, Panicked>>>>;

/// A call of the application that has begun. `None`: it has panicked, or there is nothing to call.
enum Begun {
    Here(Option<ResponseFuture>),
    OnPool(Option<Elsewhere>),
}

/// Calls the application, which leaves its response in `response`: a response is large, and would be
/// copied by each hand that passes it on. Nothing is left there when the application has panicked.
pub(crate) fn call_into<'a>(
    service: &'a Service,
    running: Running,
    strays: &Arc<Strays>,
    request: Request,
    response: &'a mut Option<Response>,
) -> impl Future<Output = ()> + 'a {
    let begun = match service.app().as_async() {
        Some(app) => Begun::Here(on_thread(service, running, || app.call(request)).ok()),
        None => Begun::OnPool(service.app().as_blocking().cloned().map(|app| {
            let strays = strays.clone();
            let called = async move { strays.on_pool(move || app.call(request)).await };
            Box::pin(called) as Elsewhere
        })),
    };
    async move {
        match begun {
            Begun::Here(Some(mut future)) => {
                let polled = poll_fn(|cx| {
                    let poll = || future.as_mut().poll(cx).map(|made| *response = Some(made));
                    on_thread(service, running, poll).unwrap_or(Poll::Ready(()))
                });
                polled.await;
            }
            Begun::OnPool(Some(called)) => *response = called.await.ok(),
            Begun::Here(None) | Begun::OnPool(None) => {}
        }
    }
}

/// The same for who takes the response by value.
pub(crate) async fn call(
    service: &Service,
    running: Running,
    strays: &Arc<Strays>,
    request: Request,
) -> Result<Response, Panicked> {
    let mut response = None;
    call_into(service, running, strays, request, &mut response).await;
    response.ok_or(Panicked)
}

/// Runs a part of the application on the one thread that everything else needs too: whoever looks at
/// a worker that is silent is to see by whom it is held. Each part is a sign of life.
fn on_thread<T>(
    service: &Service,
    running: Running,
    part: impl FnOnce() -> T,
) -> std::thread::Result<T> {
    let hold = service.hold_thread();
    service.enter(running);
    let outcome = catch_unwind(AssertUnwindSafe(part));
    service.enter(Running::NONE);
    service.release_thread(hold, || service.place_of(running));
    outcome
}

/// The next piece of a response's body: polled when it is asynchronous, on the blocking pool when it
/// may block.
pub(crate) async fn next_piece(
    service: &Service,
    running: Running,
    strays: &Arc<Strays>,
    mut body: Body,
) -> (Body, io::Result<Option<Bytes>>) {
    match body.form() {
        Form::Whole(_) => {
            let piece = body.next_chunk();
            (body, piece)
        }
        Form::Blocking | Form::File(_) => {
            let pulled = strays.on_pool(move || {
                let piece = body.pull();
                (body, piece)
            });
            pulled.await.unwrap_or_else(|Panicked| (Body::empty(), Err(panicked())))
        }
        Form::Async => loop {
            let frame = poll_fn(|cx| {
                let polled = on_thread(service, running, || body.poll_pull(cx));
                polled.unwrap_or_else(|_| Poll::Ready(Some(Err(panicked()))))
            });
            match frame.await.map(|frame| frame.map(Frame::into_data)) {
                None => return (body, Ok(None)),
                Some(Err(error)) => return (body, Err(error)),
                Some(Ok(Ok(piece))) if !piece.is_empty() => return (body, Ok(Some(piece))),
                // Trailers: HTTP/1.1 clients rarely read them, and must not need them.
                Some(Ok(_)) => {}
            }
        },
    }
}

fn panicked() -> io::Error {
    io::Error::other("its source has panicked")
}
