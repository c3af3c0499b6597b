//! From a request in hand to its answer, for the classes whose handlers block in form: inline, on a
//! pool thread or on a coroutine. Whatever waits in here waits by [`crate::wait`], in the class' way.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use http::StatusCode;
use oxicorn_http1::ResponseBody;

use super::early::{Early, Said};
use super::lend::Loan;
use super::scratch::Scratch;
use super::{Running, Service};
use crate::app::{IntoResponse, Request, Response};
use crate::body::Body;
use crate::connection::{
    Connection, Fit, Flushed, Opened, Step, Unsendable, assemble, body_length,
};
use crate::in_flight::Holder;
use crate::wait::{self, Interest, Woken};

/// A response that is larger than this, in bytes of memory, occupies its handler until the client has
/// read enough of it. A file never does.
pub const HAND_OVER_UP_TO: usize = 1024 * 1024;
/// A response that is produced piece by piece is written in pieces of at least so many bytes when its
/// length is known: a client that waits for each piece is told of no length.
pub const WRITE_FROM: usize = 64 * 1024;

/// What is said of a handler that has not come back as it should.
const PANICKED: &str = "the handler has panicked";

/// A connection whose request is in hand.
pub type Job = Box<Connection>;

/// Lets the application answer the request in hand and writes the answer. `None`: the connection is
/// gone, for the handler has left somebody behind who reads its body.
pub fn handle(job: Job, scratch: &RefCell<Scratch>) -> Option<(Job, Step)> {
    let running = job.running();
    job.service().enter(running);
    let (job, mut called, said) = call(job);
    // Whatever it was, it may have taken long, and others have their turn behind it.
    scratch.borrow_mut().tick();
    let mut job = job?;
    job.service().enter(running.answering());
    let step = conclude(&mut job, &mut called, said, scratch);
    job.service().enter(Running::NONE);
    Some((job, step))
}

/// What has become of a call of the application; `None`: there was none. It stays where it was
/// returned to, and is handed on by reference: a response is large.
type Called = Option<std::thread::Result<Response>>;

fn call(mut job: Job) -> (Option<Job>, Called, Said) {
    match job.open() {
        Some(Opened::Whole(request)) if !begins_early(&job) => {
            let called = job.service().app().on_thread().map(|app| attempt(|| app.call(request)));
            (Some(job), called, Said::Nothing)
        }
        Some(Opened::Whole(request)) => {
            let service = job.service().clone();
            call_early(&service, request, Early::here(job))
        }
        Some(Opened::Incoming(head, length)) => {
            let (service, info) = (job.service().clone(), job.info().clone());
            let loan = Loan::new(job);
            let body = Body::from_incoming(Box::new(loan.clone()), length);
            call_early(&service, assemble(head, info, body), Early::lent(loan))
        }
        None => (Some(job), None, Said::Nothing),
    }
}

fn begins_early(job: &Connection) -> bool {
    job.service().app().on_thread().is_some_and(|app| app.as_early().is_some())
}

fn call_early(
    service: &Service,
    request: Request,
    mut early: Early,
) -> (Option<Job>, Called, Said) {
    let called = service.app().on_thread().map(|app| {
        attempt(|| match app.as_early() {
            Some(app) => app.call_early(request, &mut early),
            None => app.call(request),
        })
    });
    let (job, said) = early.end();
    if job.is_none() {
        service.enter(Running::NONE);
    }
    (job, called, said)
}

fn attempt(call: impl FnOnce() -> Response) -> std::thread::Result<Response> {
    catch_unwind(AssertUnwindSafe(|| wait::as_application(call)))
}

fn conclude(
    job: &mut Connection,
    called: &mut Called,
    said: Said,
    scratch: &RefCell<Scratch>,
) -> Step {
    if called.is_none() || job.claim_answer(&mut scratch.borrow_mut()) == Holder::Nobody {
        return Step::Close;
    }
    if wait::is_over() {
        return job.time_out(&mut scratch.borrow_mut());
    }
    let answered = catch_unwind(AssertUnwindSafe(|| {
        let step = match (&mut *called, said) {
            (Some(Ok(response)), said) => answer(job, response, said, scratch),
            (_, Said::Nothing) => {
                job.report(&PANICKED);
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                answer(job, &mut response, Said::Nothing, scratch)
            }
            (_, Said::Begun(_) | Said::Broken(_)) => {
                let error = Unsendable::Source(io::Error::other(PANICKED));
                job.conclude(Err(error), &mut scratch.borrow_mut())
            }
        };
        // In here, because what the application has put into it may panic when it is dropped.
        drop_answer(called);
        step
    }));
    answered.unwrap_or_else(|_| {
        let mut scratch = scratch.borrow_mut();
        scratch.tick();
        if wait::is_over() {
            return job.time_out(&mut scratch);
        }
        let error = io::Error::other("its source has panicked");
        job.conclude(Err(Unsendable::Source(error)), &mut scratch)
    })
}

/// What the application has put into its answer may wait when it is dropped. The usual answer is bytes,
/// which do not.
fn drop_answer(called: &mut Called) {
    match called {
        Some(Ok(response))
            if !response.body().form().takes_time() && response.extensions().is_empty() =>
        {
            *called = None;
        }
        _ => wait::as_application(|| *called = None),
    }
}

fn answer(
    job: &mut Connection,
    response: &mut Response,
    said: Said,
    scratch: &RefCell<Scratch>,
) -> Step {
    let form = response.body().form();
    let sent = match said {
        Said::Nothing => send(job, response, scratch),
        Said::Begun(fit) => {
            send_body(job, response.body_mut(), ResponseBody::Streamed, fit, scratch)
        }
        Said::Broken(error) => Err(error),
    };
    let sent = match sent {
        Err(Unsendable::Invalid(error)) => {
            job.report(&error);
            send(job, &mut StatusCode::INTERNAL_SERVER_ERROR.into_response(), scratch)
        }
        sent => sent,
    };
    if form.takes_time() {
        scratch.borrow_mut().tick();
    }
    job.conclude(sent, &mut scratch.borrow_mut())
}

fn send(
    job: &mut Connection,
    response: &mut Response,
    scratch: &RefCell<Scratch>,
) -> Result<(), Unsendable> {
    let length = body_length(response.body());
    let (status, headers) = (response.status(), response.headers());
    let fit = job.begin_response(status, headers, length, &mut scratch.borrow_mut())?;
    send_body(job, response.body_mut(), length, fit, scratch)
}

fn send_body(
    job: &mut Connection,
    body: &mut Body,
    length: ResponseBody,
    mut fit: Fit,
    scratch: &RefCell<Scratch>,
) -> Result<(), Unsendable> {
    if let Some(part) = body.take_file() {
        fit = job.send_file(part)?;
    }
    while fit == Fit::More {
        let chunk = match body.form().takes_time() {
            true => wait::as_application(|| body.next_chunk()),
            false => body.next_chunk(),
        };
        let Some(piece) = chunk.map_err(Unsendable::Source)? else { break };
        fit = job.send_piece(piece)?;
        if length == ResponseBody::Streamed || job.queued() >= WRITE_FROM {
            relieve(job, scratch)?;
        }
    }
    Ok(())
}

/// Writes, and waits for the client when it is too far behind.
fn relieve(job: &mut Connection, scratch: &RefCell<Scratch>) -> Result<(), Unsendable> {
    while job.flush_piece(&mut scratch.borrow_mut())? == Flushed::Some
        && job.queued() > HAND_OVER_UP_TO
    {
        let deadline = job.service().config().write_timeout.get().map(|t| Instant::now() + t);
        if wait::wait(job.as_fd(), Interest::Write, deadline)? == Woken::TimedOut {
            return Err(Unsendable::Gone(io::ErrorKind::TimedOut.into()));
        }
    }
    scratch.borrow_mut().tick();
    Ok(())
}
