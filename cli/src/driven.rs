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
use oxicorn_core::app::IntoResponse;
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
        let request =
            request.map(|body| body.awaited_by(|incoming| Box::new(Awaited::new(incoming))));
        // The call itself is inside, too: it may make timers and sockets.
        on_runtime(|runtime| runtime.block_on(async { self.0.call(request).await }))
            .map_or_else(IntoResponse::into_response, |response| response.map(pulled))
    }

    fn begin_thread(&self) {
        // An error comes again with the first request, which is answered with it.
        let _ = on_runtime(|_| ());
    }
}

/// A thread's runtime; it is shut down when the thread ends, without waiting for whatever a handler
/// has left on its blocking pool.
struct Kept(Option<Runtime>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

fn on_runtime<T>(run: impl FnOnce(&Runtime) -> T) -> io::Result<T> {
    thread_local! {
        static RUNTIME: OnceCell<Kept> = const { OnceCell::new() };
    }
    RUNTIME.with(|cell| {
        if cell.get().is_none() {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
            let _ = cell.set(Kept(Some(runtime)));
        }
        let runtime = cell.get().and_then(|kept| kept.0.as_ref());
        runtime.map(run).ok_or_else(|| io::Error::other("the thread is ending"))
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
    let piece = async {
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
    };
    on_runtime(|runtime| runtime.block_on(piece))?
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

#[cfg(test)]
mod tests {
    use super::*;
    use oxicorn_core::app::ResponseFuture;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::UnixStream;

    /// Talks to itself over a socket, in a task of its own, and streams what it has heard.
    struct Talker;

    impl AsyncApp for Talker {
        fn call(&self, request: Request) -> ResponseFuture {
            assert_ne!(request.uri().path(), "/panic", "on purpose");
            Box::pin(async {
                let Ok((mut here, mut there)) = UnixStream::pair() else {
                    return "no sockets".into_response();
                };
                tokio::spawn(async move { there.write_all(b"hello").await });
                let mut heard = String::new();
                here.read_to_string(&mut heard).await.unwrap();
                let body = Body::from_async(Body::from(heard));
                assert_eq!(body.form(), Form::Async);
                body.into_response()
            })
        }
    }

    #[test]
    fn sockets_tasks_and_bodies_are_driven_and_a_panic_ends_only_its_request() {
        let driven = Driven::new(Talker);
        let panicking = http::Request::get("/panic").body(Body::empty()).unwrap();
        let panicked =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| driven.call(panicking)));
        assert!(panicked.is_err());
        for _ in 0..2 {
            let response = driven.call(Request::default());
            assert_eq!(response.body().form(), Form::Blocking);
            assert_eq!(response.body().length(), Some(5));
            assert_eq!(response.into_body().bytes().unwrap(), "hello");
        }
    }

    #[test]
    fn a_thread_takes_its_runtime_along() {
        let thread = std::thread::Builder::new().spawn(|| {
            let response = Driven::new(Talker).call(Request::default());
            response.into_body().bytes().unwrap()
        });
        assert_eq!(thread.unwrap().join().unwrap(), "hello");
    }
}
