//! The task of one connection: it drives the connection's state machine over tokio's reactor and runs
//! the application on the runtime.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::body::Form;
use oxicorn_core::connection::{
    Connection, Fit, Flushed, Opened, Readiness, ResponseBody, Step, Unsendable, assemble,
    body_length,
};
use oxicorn_core::serve::{HAND_OVER_UP_TO, Running, Scratch, Service, WRITE_FROM};
use oxicorn_core::wait::Interest;
use oxicorn_core::{Body, Request, Response};
use tokio::select;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::body::pair;
use crate::roll::Roll;
use crate::socket::{Socket, Woken};
use crate::strays::{Panicked, Strays};

/// A client and everything that serves it.
pub(crate) struct Client {
    socket: Socket<Box<Connection>>,
    shared: Rc<Shared>,
}

/// What the tasks of a worker share.
pub(crate) struct Shared {
    pub(crate) scratch: RefCell<Scratch>,
    /// The tasks that wait, to be woken when the worker leaves.
    pub(crate) roll: Roll,
    /// A request is finished or a connection closed: there may be room at the door.
    pub(crate) room: Notify,
    /// There are lines for the access log.
    pub(crate) lines: Notify,
    /// The blocking pool.
    pub(crate) strays: Arc<Strays>,
}

impl Client {
    pub(crate) fn new(connection: Box<Connection>, shared: &Rc<Shared>) -> io::Result<Client> {
        Ok(Client { socket: Socket::new(connection)?, shared: shared.clone() })
    }

    fn connection(&mut self) -> &mut Connection {
        self.socket.owner_mut()
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(mut self) {
        let shared = self.shared.clone();
        let entry = shared.roll.entry();
        let mut step = self.advance(Readiness::READ);
        loop {
            // An answer, or a refusal, may have left a line.
            if shared.scratch.borrow().has_lines() {
                shared.lines.notify_one();
            }
            step = match step {
                Step::Close => break,
                Step::Handle => {
                    let connection = self.connection();
                    let (since, request) = (connection.started(), connection.entry());
                    let handled = {
                        // Pinned where it stays: it is large, and would be copied on its way.
                        let handler = pin!(self.handle());
                        entry.while_in_time(since, request, handler).await
                    };
                    let step = handled.unwrap_or_else(|| self.time_out());
                    shared.room.notify_one();
                    step
                }
                Step::Wait(_) if self.connection().has_yielded() => {
                    yield_now().await;
                    self.advance(Readiness::WRITE)
                }
                Step::Wait(interest) => {
                    let connection = self.connection();
                    connection.park(&mut shared.scratch.borrow_mut());
                    let deadline = connection.deadline();
                    let idle_since = connection.is_idle().then(|| connection.since());
                    let woken = {
                        let ready = pin!(self.socket.ready_by(interest, deadline));
                        entry.unless_called(idle_since, ready).await
                    };
                    match woken {
                        None if entry.is_dismissed() => break,
                        None => Step::Wait(interest),
                        Some(Ok(Woken::Ready(ready))) => self.advance(ready),
                        Some(Ok(Woken::TimedOut)) => {
                            let mut scratch = shared.scratch.borrow_mut();
                            scratch.tick();
                            self.connection().expire(&mut scratch)
                        }
                        Some(Err(_)) => break,
                    }
                }
            };
        }
        drop(self);
        shared.room.notify_one();
    }

    fn advance(&mut self, ready: Readiness) -> Step {
        let shared = self.shared.clone();
        let mut scratch = shared.scratch.borrow_mut();
        scratch.tick();
        self.connection().advance(ready, &mut scratch)
    }

    /// What was called is dropped, or left behind on the blocking pool.
    fn time_out(&mut self) -> Step {
        let shared = self.shared.clone();
        if let Some(why) = shared.strays.are_too_many() {
            self.connection().service().ask_for_replacement(why);
        }
        self.connection().time_out(&mut shared.scratch.borrow_mut())
    }

    async fn handle(&mut self) -> Step {
        let shared = self.shared.clone();
        let (service, running) = (self.connection().service().clone(), self.connection().running());
        let response = match self.connection().open() {
            Some(Opened::Whole(request)) => call(&service, running, &shared.strays, request).await,
            Some(Opened::Incoming(head, length)) => {
                let (asking, mut feeding) = pair();
                let body = Body::from_incoming(Box::new(asking), length);
                let info = self.connection().info().clone();
                let request = assemble(head, info, body);
                let mut response = pin!(call(&service, running, &shared.strays, request));
                select! {
                    biased;
                    response = response.as_mut() => response,
                    // It ends when the handler lets go of the body.
                    () = feeding.feed(&mut self.socket) => response.as_mut().await,
                }
            }
            None => return Step::Close,
        };
        let response = response.unwrap_or_else(|Panicked| {
            self.connection().report(&"the handler has panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        });
        self.answer(response).await
    }

    async fn answer(&mut self, response: Response) -> Step {
        self.shared.scratch.borrow_mut().tick();
        let form = response.body().form();
        let sent = match self.send(response).await {
            Err(Unsendable::Invalid(error)) => {
                self.connection().report(&error);
                self.send(StatusCode::INTERNAL_SERVER_ERROR.into_response()).await
            }
            sent => sent,
        };
        let shared = self.shared.clone();
        if form.takes_time() {
            shared.scratch.borrow_mut().tick();
        }
        self.connection().conclude(sent, &mut shared.scratch.borrow_mut())
    }

    async fn send(&mut self, response: Response) -> Result<(), Unsendable> {
        let (parts, mut body) = response.into_parts();
        let length = body_length(&body);
        let shared = self.shared.clone();
        let mut fit = self.connection().begin_response(
            parts.status,
            &parts.headers,
            length,
            &mut shared.scratch.borrow_mut(),
        )?;
        if let Some(part) = body.take_file() {
            fit = self.connection().send_file(part)?;
        }
        while fit == Fit::More {
            let piece = match body.form() {
                Form::Whole(_) => body.next_chunk(),
                form => {
                    let piece;
                    (body, piece) = next_piece(&shared.strays, body, form).await;
                    piece
                }
            };
            let Some(piece) = piece.map_err(Unsendable::Source)? else { break };
            fit = self.connection().send_piece(piece)?;
            if length == ResponseBody::Streamed || self.connection().queued() >= WRITE_FROM {
                self.relieve().await?;
            }
        }
        Ok(())
    }

    /// Writes, and waits for the client when it is too far behind.
    async fn relieve(&mut self) -> Result<(), Unsendable> {
        while self.connection().flush()? == Flushed::Some
            && self.connection().queued() > HAND_OVER_UP_TO
        {
            let patience = self.connection().service().config().write_timeout.get();
            let deadline = patience.map(|patience| Instant::now() + patience);
            if self.socket.ready_by(Interest::Write, deadline).await? == Woken::TimedOut {
                return Err(Unsendable::Gone(io::ErrorKind::TimedOut.into()));
            }
        }
        self.shared.scratch.borrow_mut().tick();
        Ok(())
    }
}

async fn call(
    service: &Service,
    running: Running,
    strays: &Arc<Strays>,
    request: Request,
) -> Result<Response, Panicked> {
    if let Some(app) = service.app().as_async() {
        let called = on_thread(service, running, || app.call(request));
        let Ok(mut future) = called else { return Err(Panicked) };
        return poll_fn(|cx| {
            let polled = on_thread(service, running, || future.as_mut().poll(cx));
            polled.map_or(Poll::Ready(Err(Panicked)), |poll| poll.map(Ok))
        })
        .await;
    }
    let Some(app) = service.app().as_blocking().cloned() else { return Err(Panicked) };
    strays.on_pool(move || app.call(request)).await
}

/// Runs a part of the application on the one thread that everything else needs too: whoever looks at
/// a worker that is silent is to see by whom it is held. Each part is a sign of life.
fn on_thread<T>(
    service: &Service,
    running: Running,
    part: impl FnOnce() -> T,
) -> std::thread::Result<T> {
    service.slot().busy();
    service.enter(running);
    let outcome = catch_unwind(AssertUnwindSafe(part));
    service.enter(Running::NONE);
    service.slot().idle();
    outcome
}

/// The next piece of a response's body: polled when it is asynchronous, on the blocking pool when it
/// may block.
async fn next_piece(
    strays: &Arc<Strays>,
    mut body: Body,
    form: Form,
) -> (Body, io::Result<Option<Bytes>>) {
    match form {
        Form::Whole(_) => {
            let piece = body.next_chunk();
            (body, piece)
        }
        Form::Blocking | Form::File(_) => {
            let pulled = strays.on_pool(move || {
                let piece = body.pull();
                (body, piece)
            });
            pulled.await.unwrap_or_else(|Panicked| {
                (Body::empty(), Err(io::Error::other("its source has panicked")))
            })
        }
        Form::Async => loop {
            let frame = poll_fn(|cx| body.poll_pull(cx)).await;
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return (body, Ok(None)),
                Some(Err(error)) => return (body, Err(error)),
                Some(Ok(Ok(piece))) if !piece.is_empty() => return (body, Ok(Some(piece))),
                // Trailers: HTTP/1.1 clients rarely read them, and must not need them.
                Some(Ok(_)) => {}
            }
        },
    }
}
