//! A stream: one request and its response, in a task of its own.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::body::Form;
use oxicorn_core::handover::{Exchange, Refusal, Visitor};
use oxicorn_core::serve::Service;
use oxicorn_core::{Body, Response};
use tokio::select;
use tokio::sync::Notify;

use super::Request;
use super::body::{Answering, Gathered, Receiving};
use super::limits::RESETS_SEEN;
use super::respond::{Failure, Sending};
use super::rules;
use crate::body::{Feeding, pair};
use crate::call::call;
use crate::strays::Panicked;
use crate::task::Shared;

/// What the streams of a connection have in common.
pub(super) struct Streams {
    visitor: Visitor,
    shared: Rc<Shared>,
    open: Cell<usize>,
    /// When the last one ended; `None`: there was none.
    ended: Cell<Option<Instant>>,
    /// How many more were reset than not.
    resets: Cell<u32>,
    changed: Notify,
}

/// One of them, as long as it lives.
pub(super) struct Open(Rc<Streams>);

impl Streams {
    pub(super) fn new(visitor: Visitor, shared: Rc<Shared>) -> Rc<Streams> {
        Rc::new(Streams {
            visitor,
            shared,
            open: Cell::new(0),
            ended: Cell::new(None),
            resets: Cell::new(0),
            changed: Notify::new(),
        })
    }

    pub(super) fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    pub(super) fn open(self: &Rc<Streams>) -> Open {
        self.open.set(self.open.get() + 1);
        Open(self.clone())
    }

    /// Since when none is open; `None`: one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.open.get() == 0).then(|| self.ended.get().unwrap_or_else(Instant::now))
    }

    pub(super) fn none_so_far(&self) -> bool {
        self.ended.get().is_none()
    }

    pub(super) fn has_too_many_resets(&self) -> bool {
        self.resets.get() > RESETS_SEEN
    }

    /// The last open one has ended, or too many were reset.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn count(&self, end: End) {
        let resets = self.resets.get();
        self.resets.set(match end {
            End::Reset => resets.saturating_add(1),
            End::Done => resets.saturating_sub(1),
        });
        if self.has_too_many_resets() {
            self.changed.notify_one();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Streams { open, ended, changed, .. } = &*self.0;
        open.set(open.get() - 1);
        ended.set(Some(Instant::now()));
        if open.get() == 0 {
            changed.notify_one();
        }
    }
}

/// How a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    /// The client wants no response any more.
    Reset,
}

struct Stream<'a> {
    streams: &'a Streams,
    exchange: Exchange,
    answering: Answering,
}

/// Serves one stream to its end.
pub(super) async fn serve(open: Open, request: Request, respond: SendResponse<Bytes>) {
    let streams = open.0.clone();
    let shared = streams.shared.clone();
    let (mut parts, body) = request.into_parts();
    let target = rules::target(&parts);
    let checked = rules::check(&mut parts, &target, streams.visitor.service().config());
    let (exchange, judged) =
        streams.visitor.receive(&mut parts, target, &mut shared.scratch.borrow_mut());
    let answering = Rc::new(RefCell::new(respond));
    let mut stream = Stream { streams: &streams, exchange, answering };
    let end = match checked.and(judged) {
        Ok(()) => stream.answer(parts, body).await,
        Err(refusal) => stream.refuse(&refusal).await,
    };
    stream.exchange.finish(&mut shared.scratch.borrow_mut());
    streams.count(end);
    if shared.scratch.borrow().has_lines() {
        shared.lines.notify_one();
    }
    drop(open);
    shared.room.notify_one();
}

impl Stream<'_> {
    fn service(&self) -> &Service {
        self.streams.visitor.service()
    }

    /// Waits until the client wants no response any more, or has gone.
    fn reset(&self) -> impl Future<Output = ()> + use<> {
        let answering = self.answering.clone();
        poll_fn(move |cx| answering.borrow_mut().poll_reset(cx).map(drop))
    }

    async fn answer(&mut self, parts: Parts, body: h2::RecvStream) -> End {
        let shared = self.streams.shared.clone();
        // A stream that waits costs its head and what the window lets through.
        let permit = select! {
            biased;
            () = self.reset() => return End::Reset,
            permit = shared.streams.acquire() => permit,
        };
        let gathered = select! {
            biased;
            () = self.reset() => return End::Reset,
            gathered = self.gather(&parts, body) => gathered,
        };
        let end = match gathered {
            Ok((body, feed)) => self.handle(parts, body, feed).await,
            Err(error) => match refusal_of(&error) {
                Some(refusal) => self.refuse(&refusal).await,
                None => End::Reset,
            },
        };
        drop(permit);
        end
    }

    /// Reads what of the body is to be there before the handler starts.
    async fn gather(
        &self,
        parts: &Parts,
        body: h2::RecvStream,
    ) -> io::Result<(Body, Option<(Feeding, Receiving)>)> {
        let config = self.service().config();
        let expectant = rules::expects_continue(&parts.headers).then(|| self.answering.clone());
        let mut receiving = Receiving::new(body, expectant, config);
        let length = parts.headers.get(CONTENT_LENGTH).and_then(rules::number);
        let most = config.body_buffer_size.bytes();
        let gathered = match length {
            Some(length) if length > most => Gathered::Part(Bytes::new()),
            _ => receiving.gather(most).await?,
        };
        match gathered {
            Gathered::All(bytes) => {
                let body = Body::from(bytes);
                let trailers = crate::body::Source::take_trailers(&mut receiving);
                Ok((trailers.into_iter().fold(body, Body::with_trailers), None))
            }
            Gathered::Part(piece) => {
                receiving.put_back(piece);
                let (asking, feeding) = pair();
                let body = Body::from_incoming(Box::new(asking), length);
                Ok((body, Some((feeding, receiving))))
            }
        }
    }

    async fn handle(
        &mut self,
        parts: Parts,
        body: Body,
        feed: Option<(Feeding, Receiving)>,
    ) -> End {
        let shared = self.streams.shared.clone();
        self.exchange.begin();
        let (since, id) = (self.exchange.started(), self.exchange.entry());
        let entry = shared.roll.entry();
        let request = self.exchange.request(parts, body);
        let called = entry.while_in_time(since, id, self.call(request, feed)).await;
        let response = match called {
            Some(Some(response)) => response,
            Some(None) => return End::Reset,
            None => return self.time_out().await,
        };
        let Some(failure) = (match response.body().form() {
            // It is handed over: what is left is the client's time, not the application's.
            Form::Whole(_) | Form::File(_) => Some(self.send(response).await),
            Form::Async | Form::Blocking => {
                entry.while_in_time(since, id, self.send(response)).await
            }
        }) else {
            return self.time_out().await;
        };
        self.conclude(failure)
    }

    /// The application's response; `None`: nobody wants one.
    async fn call(
        &self,
        request: oxicorn_core::Request,
        feed: Option<(Feeding, Receiving)>,
    ) -> Option<Response> {
        let service = self.service();
        let called = call(service, self.exchange.running(), &self.streams.shared.strays, request);
        let answered = async {
            let Some((mut feeding, mut receiving)) = feed else { return called.await };
            let mut called = std::pin::pin!(called);
            select! {
                biased;
                response = called.as_mut() => response,
                () = feeding.feed(&mut receiving) => called.await,
            }
        };
        let response = if service.app().as_async().is_some() {
            select! {
                biased;
                () = self.reset() => return None,
                response = answered => response,
            }
        } else {
            // A thread cannot be stopped: a client that could leave it behind could fill the pool.
            answered.await
        };
        Some(response.unwrap_or_else(|Panicked| {
            self.exchange.report(&"the handler has panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }))
    }

    async fn send(&mut self, response: Response) -> Result<(), Failure> {
        self.streams.shared.scratch.borrow_mut().tick();
        let mut sending = Sending {
            visitor: &self.streams.visitor,
            shared: &self.streams.shared,
            exchange: &mut self.exchange,
            answering: &self.answering,
        };
        match sending.send(response).await {
            Err(Failure::Invalid(reason)) => {
                sending.exchange.report(&reason);
                sending.send(StatusCode::INTERNAL_SERVER_ERROR.into_response()).await
            }
            sent => sent,
        }
    }

    fn conclude(&mut self, sent: Result<(), Failure>) -> End {
        let reason = match sent {
            Ok(()) => return End::Done,
            Err(Failure::Gone) => return End::Reset,
            Err(Failure::Late) => Reason::CANCEL,
            Err(error) => {
                self.exchange.report(&error);
                Reason::INTERNAL_ERROR
            }
        };
        self.answering.borrow_mut().send_reset(reason);
        End::Done
    }

    /// The handler's time is over: 504, or the end of a response that has begun.
    async fn time_out(&mut self) -> End {
        if let Some(why) = self.streams.shared.strays.are_too_many() {
            self.service().ask_for_replacement(why);
        }
        if self.exchange.has_begun() {
            self.answering.borrow_mut().send_reset(Reason::INTERNAL_ERROR);
            return End::Done;
        }
        let sent = self.send(StatusCode::GATEWAY_TIMEOUT.into_response()).await;
        self.conclude(sent)
    }

    async fn refuse(&mut self, refusal: &Refusal) -> End {
        self.exchange.report_refusal(refusal);
        let text = format!("{}\n", refusal.status);
        let sent = self.send((refusal.status, text).into_response()).await;
        self.conclude(sent)
    }
}

/// What a body that could not be read is answered with; `None`: there is nobody to answer.
fn refusal_of(error: &io::Error) -> Option<Refusal> {
    let status = match error.kind() {
        io::ErrorKind::FileTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        io::ErrorKind::TimedOut => StatusCode::REQUEST_TIMEOUT,
        _ => return None,
    };
    Some(Refusal { status, reason: error.to_string() })
}
