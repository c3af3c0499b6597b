//! From HTTP/1.1 to another protocol (RFC 9110 section 7.8), in the way that the ecosystem knows:
//! `hyper::upgrade::on`, on which axum's WebSockets and others are built. What it gives can be made by
//! hyper's own connection only, so there is one behind each request that asks for an upgrade. It never
//! sees the client's request: what it reads is a head of ours that says only what it must know. The
//! rules, the trust and the limits are those of any request, therefore, and no field that was taken
//! away comes in by this door.
//!
//! If the application does not answer 101, hyper's connection is dropped, unused, and the response goes
//! the usual way; the connection goes on as if nothing had been asked. If it does, hyper writes that
//! response to the client's socket, and the socket, with what came behind the request, is the
//! application's.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Method;
use http::header::{CONTENT_LENGTH, SERVER, TRANSFER_ENCODING};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use oxicorn_core::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::wire::Wire;

type Serving = Pin<Box<dyn Future<Output = hyper::Result<()>>>>;
type Place = Arc<Mutex<Option<Wire>>>;

/// An upgrade that the application may take.
pub(crate) struct Switch {
    serving: Serving,
    answer: oneshot::Sender<Response>,
    place: Place,
    closed: oneshot::Receiver<()>,
}

impl Switch {
    /// Prepares one for a request with this method, and what the request is to carry for the
    /// application. `None`: hyper does not want to.
    pub(crate) async fn offer(method: &Method) -> Option<(Switch, OnUpgrade)> {
        let head = format!(
            "{method} / HTTP/1.1\r\nHost: upgrade\r\nConnection: upgrade\r\nUpgrade: any\r\n\r\n"
        );
        let (open, closed) = oneshot::channel();
        let place = Place::default();
        let bridge = Bridge { head: head.into(), place: place.clone(), wire: None, _open: open };
        let (answer, answered) = oneshot::channel::<Response>();
        let (asked, answered) = (Rc::new(Cell::new(None)), Cell::new(Some(answered)));
        let asking = asked.clone();
        let service = service_fn(move |request: http::Request<Incoming>| {
            asking.set(Some(hyper::upgrade::on(request)));
            let answered = answered.take();
            async move {
                match answered {
                    Some(answered) => answered.await.map_err(io::Error::other),
                    None => Err(io::Error::other("one request only")),
                }
            }
        });
        let mut serving: Serving = Box::pin(
            http1::Builder::new()
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(bridge), service)
                .with_upgrades(),
        );
        // Once is enough: the head is there, and the answer is not.
        let over = poll_fn(|cx| Poll::Ready(serving.as_mut().poll(cx).is_ready())).await;
        let on_upgrade = asked.take().filter(|_| !over)?;
        Some((Switch { serving, answer, place, closed }, on_upgrade))
    }

    /// The application has agreed: writes its answer, hands the socket to it and waits until the
    /// application has closed it.
    pub(crate) async fn take(self, wire: Wire, mut response: Response) {
        let headers = response.headers_mut();
        // An answer that is followed by another protocol has no body (RFC 9110 section 8.6).
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        headers.entry(SERVER).or_insert(http::HeaderValue::from_static("oxicorn"));
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(wire);
        if self.answer.send(response.map(|_| oxicorn_core::Body::empty())).is_err() {
            return;
        }
        if let Err(error) = self.serving.await {
            tracing::debug!("Cannot answer a request for an upgrade: {error}");
        }
        // An error: nobody holds it any more.
        let _ = self.closed.await;
    }
}

/// What hyper takes for the client: a head of ours, then nothing, and from the moment when the socket
/// is in its place the socket.
struct Bridge {
    head: Bytes,
    place: Place,
    wire: Option<Wire>,
    _open: oneshot::Sender<()>,
}

impl Bridge {
    fn wire(&mut self) -> Poll<Pin<&mut Wire>> {
        if self.wire.is_none() {
            self.wire = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        // Nobody has to be woken: who puts the wire there polls next.
        self.wire.as_mut().map_or(Poll::Pending, |wire| Poll::Ready(Pin::new(wire)))
    }
}

impl AsyncRead for Bridge {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return ready!(self.wire()).poll_read(cx, buffer);
        }
        let count = self.head.len().min(buffer.remaining());
        buffer.put_slice(&self.head[..count]);
        self.head.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bridge {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.wire()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.wire()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.wire() {
            Poll::Ready(wire) => wire.poll_flush(cx),
            // Nothing was written yet.
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.wire()).poll_shutdown(cx)
    }
}
