//! The task of one connection: it drives the connection's state machine over tokio's reactor and runs
//! the application on the runtime. When the connection leaves HTTP/1.1, the task goes with it.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::body::Form;
use oxicorn_core::connection::{
    Connection, Fit, Flushed, Opened, Readiness, ResponseBody, Step, Unsendable, Wish, assemble,
    body_length,
};
use oxicorn_core::handover::HandedOver;
use oxicorn_core::reactor::Door;
use oxicorn_core::serve::{HAND_OVER_UP_TO, Scratch, WRITE_FROM};
use oxicorn_core::sys::Epoll;
use oxicorn_core::wait::Interest;
use oxicorn_core::{Body, Response};
use tokio::select;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{spawn_local, yield_now};

use crate::body::pair;
use crate::call::{call_into, next_piece};
use crate::http2;
use crate::roll::{Entry, Roll};
use crate::socket::{Socket, Woken};
use crate::strays::Strays;
use crate::switch::Switch;
use crate::wire::Wire;

/// A client and everything that serves it.
pub(crate) struct Client {
    socket: Socket<Box<Connection>>,
    shared: Rc<Shared>,
}

/// What the tasks of a worker share.
pub(crate) struct Shared {
    pub(crate) scratch: RefCell<Scratch>,
    /// Main's, and of the tasks that look at it between.
    pub(crate) door: RefCell<Door>,
    /// The epoll set that the door is in.
    pub(crate) set: Rc<Epoll>,
    /// The tasks that wait, to be woken when the worker leaves.
    pub(crate) roll: Roll,
    /// A request is finished or a connection closed: there may be room at the door.
    pub(crate) room: Notify,
    /// There are lines for the access log.
    pub(crate) lines: Notify,
    /// Requests of all HTTP/2 connections that may be in the application's hands at once: as many as
    /// there may be connections, for that is how many requests of HTTP/1.1 there may be.
    pub(crate) streams: Semaphore,
    /// The blocking pool.
    pub(crate) strays: Arc<Strays>,
}

impl Shared {
    /// The main task's turn comes once in a round of all that are ready. So that who waits at the door
    /// does not wait for all of those, the others look too when they have done something.
    fn look_at_door(self: &Rc<Self>) {
        let now = self.scratch.borrow().now();
        let mut door = self.door.borrow_mut();
        if door.is_due(now)
            && let Some(newcomer) = door.next_between(&self.set, now)
        {
            begin(newcomer, self);
        }
    }
}

/// Begins to serve a connection that was accepted, in a task of its own.
pub(crate) fn begin(connection: Box<Connection>, shared: &Rc<Shared>) {
    match Client::new(connection, shared) {
        Ok(client) => drop(spawn_local(client.serve())),
        Err(error) => tracing::error!("Cannot watch a connection: {error}"),
    }
}

/// What has become of a request.
enum Handled {
    /// It is answered, or was given up.
    Step(Step),
    /// The application has agreed to another protocol.
    Switched(Box<(Switch, Response)>),
}

impl Client {
    pub(crate) fn new(mut connection: Box<Connection>, shared: &Rc<Shared>) -> io::Result<Client> {
        connection.offer_http2();
        Ok(Client { socket: Socket::new(connection)?, shared: shared.clone() })
    }

    fn connection(&mut self) -> &mut Connection {
        self.socket.owner_mut()
    }

    /// Serves the connection to its end.
    pub(crate) async fn serve(self) {
        let shared = self.shared.clone();
        self.serve_all(&shared).await;
        shared.room.notify_one();
    }

    async fn serve_all(mut self, shared: &Rc<Shared>) {
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
                    let wish = self.connection().wish();
                    if wish == Wish::Http2 {
                        let handed = self.socket.into_owner().give_away();
                        // What few connections become has a place of its own: an idle one would
                        // keep room for it.
                        return Box::pin(http2::serve(handed, shared, &entry)).await;
                    }
                    match self.handle_in_time(wish, &entry).await {
                        Handled::Step(step) => step,
                        Handled::Switched(taken) => {
                            let (switch, response) = *taken;
                            // It is neither idle nor to be called any more.
                            drop(entry);
                            return Box::pin(self.switch(switch, response)).await;
                        }
                    }
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
    }

    async fn handle_in_time(&mut self, wish: Wish, entry: &Entry<'_>) -> Handled {
        let connection = self.connection();
        let (since, request) = (connection.started(), connection.entry());
        let handled = {
            // Pinned where it stays: it is large, and would be copied on its way.
            let handler = pin!(self.handle(wish));
            entry.while_in_time(since, request, handler).await
        };
        self.shared.room.notify_one();
        self.shared.look_at_door();
        handled.unwrap_or_else(|| Handled::Step(self.time_out()))
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

    /// What the request may become, for an application that could take it: a blocking one could not
    /// wait for it.
    async fn may_switch(&mut self) -> Option<(Switch, hyper::upgrade::OnUpgrade)> {
        let connection = self.connection();
        let takes = connection.service().app().as_async().is_some();
        let method = takes.then(|| connection.place().method)?;
        Switch::offer(&method).await
    }

    async fn handle(&mut self, wish: Wish) -> Handled {
        let shared = self.shared.clone();
        let (service, running) = (self.connection().service().clone(), self.connection().running());
        let (switch, upgrade) = match wish {
            Wish::Upgrade => Box::pin(self.may_switch()).await.unzip(),
            Wish::Request | Wish::Http2 => (None, None),
        };
        let mut response = None;
        match self.connection().open() {
            Some(Opened::Whole(mut request)) => {
                upgrade
                    .into_iter()
                    .for_each(|upgrade| drop(request.extensions_mut().insert(upgrade)));
                call_into(&service, running, &shared.strays, request, &mut response).await;
            }
            Some(Opened::Incoming(head, length)) => {
                let (asking, mut feeding) = pair();
                let body = Body::from_incoming(Box::new(asking), length);
                let info = self.connection().info().clone();
                let request = assemble(head, info, body);
                let called = call_into(&service, running, &shared.strays, request, &mut response);
                let mut called = pin!(called);
                select! {
                    biased;
                    () = called.as_mut() => {}
                    // It ends when the handler lets go of the body.
                    () = feeding.feed(&mut self.socket) => called.as_mut().await,
                }
            }
            None => return Handled::Step(Step::Close),
        }
        if response.is_none() {
            self.connection().report(&"the handler has panicked");
        }
        let response =
            response.get_or_insert_with(|| StatusCode::INTERNAL_SERVER_ERROR.into_response());
        match switch {
            Some(switch) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                Handled::Switched(Box::new((switch, std::mem::take(response))))
            }
            _ => Handled::Step(self.answer(response).await),
        }
    }

    /// The connection becomes what the application makes of it. It counts until that is closed.
    async fn switch(mut self, switch: Switch, response: Response) {
        let shared = self.shared.clone();
        self.connection().conclude_switch(
            response.status(),
            response.headers(),
            &mut shared.scratch.borrow_mut(),
        );
        shared.lines.notify_one();
        // Answers to earlier requests may still be here.
        if self.relieve(0).await.is_err() {
            return;
        }
        let HandedOver { socket, received, visitor } = self.socket.into_owner().give_away();
        match Wire::new(socket, received) {
            Ok(wire) => switch.take(wire, response).await,
            Err(error) => tracing::error!("Cannot watch a connection: {error}"),
        }
        drop(visitor);
    }

    async fn answer(&mut self, response: &mut Response) -> Step {
        self.shared.scratch.borrow_mut().tick();
        let form = response.body().form();
        let sent = match self.send(response).await {
            Err(Unsendable::Invalid(error)) => {
                self.connection().report(&error);
                self.send(&mut StatusCode::INTERNAL_SERVER_ERROR.into_response()).await
            }
            sent => sent,
        };
        let shared = self.shared.clone();
        if form.takes_time() {
            shared.scratch.borrow_mut().tick();
        }
        self.connection().conclude(sent, &mut shared.scratch.borrow_mut())
    }

    async fn send(&mut self, response: &mut Response) -> Result<(), Unsendable> {
        let length = body_length(response.body());
        let shared = self.shared.clone();
        let mut fit = self.connection().begin_response(
            response.status(),
            response.headers(),
            length,
            &mut shared.scratch.borrow_mut(),
        )?;
        let body = response.body_mut();
        if let Some(part) = body.take_file() {
            fit = self.connection().send_file(part)?;
        }
        while fit == Fit::More {
            let piece = match body.form() {
                Form::Whole(_) => body.next_chunk(),
                _ => self.next_piece(body).await,
            };
            let Some(piece) = piece.map_err(Unsendable::Source)? else { break };
            fit = self.connection().send_piece(piece)?;
            if length == ResponseBody::Streamed || self.connection().queued() >= WRITE_FROM {
                self.relieve(HAND_OVER_UP_TO).await?;
            }
        }
        Ok(())
    }

    async fn next_piece(&mut self, body: &mut Body) -> io::Result<Option<Bytes>> {
        let service = self.connection().service().clone();
        let running = self.connection().running().answering();
        let taken = std::mem::replace(body, Body::empty());
        let (rest, piece) = next_piece(&service, running, &self.shared.strays, taken).await;
        *body = rest;
        piece
    }

    /// Writes, and waits for the client when it is more than so many bytes behind.
    async fn relieve(&mut self, behind: usize) -> Result<(), Unsendable> {
        while self.connection().flush()? == Flushed::Some
            && (behind == 0 || self.connection().queued() > behind)
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
