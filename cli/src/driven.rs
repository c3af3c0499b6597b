//! An asynchronous application in a class that gives each request a thread: the call drives the future
//! to its end on a runtime that the thread keeps. So one application serves in every class whose
//! requests do not share a thread, and only the way it waits differs.

use std::cell::OnceCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use oxicorn_core::body::{Form, Incoming, OverSocket};
use oxicorn_core::connection::BodyPiece;
use oxicorn_core::{App, AsyncApp, Body, Request, Response};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// See the module.
pub(crate) struct Driven<A>(A);

impl<A: AsyncApp> Driven<A> {
    pub(crate) fn new(app: A) -> Driven<A> {
        Driven(app)
    }
}

impl<A: AsyncApp> App for Driven<A> {
    fn call(&self, request: Request) -> Response {
        use oxicorn_core::app::IntoResponse;
        let request =
            request.map(|body| body.awaited_by(|incoming| Box::new(Awaited::new(incoming))));
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return error.into_response(),
        };
        // The call itself is inside, too: it may make timers and sockets.
        runtime.block_on(async { self.0.call(request).await }).map(pulled)
    }
}

/// The runtime of this thread.
fn runtime() -> io::Result<&'static Runtime> {
    thread_local! {
        static RUNTIME: OnceCell<&'static Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|cell| match cell.get() {
        Some(runtime) => Ok(*runtime),
        None => {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            // It lasts as long as its thread, which lasts as long as its worker. To end it would mean
            // to wait for whatever a handler has left on its blocking pool.
            Ok(*cell.get_or_init(|| Box::leak(Box::new(runtime))))
        }
    })
}

/// The response's body for a class that pulls: on the same thread, and so on the same runtime.
fn pulled(mut body: Body) -> Body {
    if body.form() != Form::Async {
        return body;
    }
    let length = body.length();
    let pieces = std::iter::from_fn(move || next_piece(&mut body).transpose());
    match length {
        Some(length) => Body::from_chunks(pieces).with_length(length),
        None => Body::from_chunks(pieces),
    }
}

fn next_piece(body: &mut Body) -> io::Result<Option<Bytes>> {
    runtime()?.block_on(async {
        loop {
            match poll_fn(|cx| http_body::Body::poll_frame(Pin::new(&mut *body), cx)).await {
                None => return Ok(None),
                Some(Err(error)) => return Err(error),
                // Behind a response the server sends no trailers.
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    })
}

type Wait = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// A request body that is still coming in: what the class would block for, the runtime waits for, so
/// that the handler's timers and sockets go on meanwhile.
struct Awaited {
    incoming: Box<dyn Incoming>,
    wait: Option<Wait>,
}

impl Awaited {
    fn new(incoming: Box<dyn Incoming>) -> Awaited {
        Awaited { incoming, wait: None }
    }
}

impl Incoming for Awaited {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.incoming.next()
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        let Awaited { incoming, wait } = self;
        let Some(source) = incoming.over_socket() else { return incoming.poll_next(cx) };
        loop {
            if let Some(waiting) = wait {
                let waited = ready!(waiting.as_mut().poll(cx));
                *wait = None;
                waited?;
                source.readable_again();
            }
            match source.try_next()? {
                BodyPiece::Data(piece) => return Poll::Ready(Ok(Some(piece))),
                BodyPiece::End => return Poll::Ready(Ok(None)),
                BodyPiece::NotYet => *wait = Some(readable(source)?),
            }
        }
    }

    fn take_trailers(&mut self) -> Option<HeaderMap> {
        self.incoming.take_trailers()
    }
}

fn readable(source: &mut dyn OverSocket) -> io::Result<Wait> {
    let (socket, patience) = (source.socket()?, source.patience());
    // Only its readiness is asked for, so it does not matter if it is a unix socket.
    let socket = TcpStream::from_std(socket.into())?;
    Ok(Box::pin(async move {
        let readable = timeout(patience.unwrap_or(Duration::MAX), socket.readable()).await;
        let stopped = || io::Error::new(io::ErrorKind::TimedOut, "the body stopped arriving");
        readable.map_err(|_| stopped())?.map(drop)
    }))
}
