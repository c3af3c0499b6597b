//! From a request in hand to its answer, for the classes whose handlers block in form: inline, on a
//! pool thread or on a coroutine. Whatever waits in here waits by [`crate::wait`], in the class' way.

use std::cell::RefCell;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use http::StatusCode;
use oxicorn_http1::ResponseBody;

use super::lend::Loan;
use super::scratch::Scratch;
use crate::app::{IntoResponse, Response};
use crate::body::Body;
use crate::connection::{
    Connection, Fit, Flushed, Opened, Step, Unsendable, assemble, body_length,
};
use crate::wait::{self, Interest, Woken};

/// A response that is larger than this, in bytes of memory, occupies its handler until the client has
/// read enough of it. A file never does.
pub const HAND_OVER_UP_TO: usize = 1024 * 1024;
/// A response that is produced piece by piece is written in pieces of at least so many bytes when its
/// length is known: a client that waits for each piece is told of no length.
pub const WRITE_FROM: usize = 64 * 1024;

/// A connection whose request is in hand.
pub type Job = Box<Connection>;

/// Lets the application answer the request in hand and writes the answer. `None`: the connection is
/// gone, for the handler has left somebody behind who reads its body.
pub fn handle(mut job: Job, scratch: &RefCell<Scratch>) -> Option<(Job, Step)> {
    let service = job.service().clone();
    let Some(app) = service.app().as_blocking() else { return Some((job, Step::Close)) };
    let call = |request| catch_unwind(AssertUnwindSafe(|| app.call(request)));
    let (mut job, response) = match job.open() {
        Some(Opened::Whole(request)) => (job, call(request)),
        Some(Opened::Incoming(head, length)) => {
            let info = job.info().clone();
            let loan = Loan::new(job);
            let body = Body::from_incoming(Box::new(loan.clone()), length);
            let response = call(assemble(head, info, body));
            (loan.take()?, response)
        }
        None => return Some((job, Step::Close)),
    };
    let response = response.unwrap_or_else(|_| {
        job.report(&"the handler has panicked");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    });
    let step = answer(&mut job, response, scratch);
    Some((job, step))
}

fn answer(job: &mut Connection, response: Response, scratch: &RefCell<Scratch>) -> Step {
    scratch.borrow_mut().tick();
    let sent = match send(job, response, scratch) {
        Err(Unsendable::Invalid(error)) => {
            job.report(&error);
            send(job, StatusCode::INTERNAL_SERVER_ERROR.into_response(), scratch)
        }
        sent => sent,
    };
    job.conclude(sent, &mut scratch.borrow_mut())
}

fn send(
    job: &mut Connection,
    response: Response,
    scratch: &RefCell<Scratch>,
) -> Result<(), Unsendable> {
    let (parts, mut body) = response.into_parts();
    let length = body_length(&body);
    let mut fit =
        job.begin_response(parts.status, &parts.headers, length, &mut scratch.borrow_mut())?;
    if let Some(part) = body.take_file() {
        fit = job.send_file(part)?;
    }
    while fit == Fit::More {
        let Some(piece) = body.pull().map_err(Unsendable::Source)? else { break };
        fit = job.send_piece(piece)?;
        if length == ResponseBody::Streamed || job.queued() >= WRITE_FROM {
            relieve(job)?;
        }
    }
    Ok(())
}

/// Writes, and waits for the client when it is too far behind.
fn relieve(job: &mut Connection) -> Result<(), Unsendable> {
    while job.flush()? == Flushed::Some && job.queued() > HAND_OVER_UP_TO {
        let deadline = job.service().config().write_timeout.get().map(|t| Instant::now() + t);
        if wait::wait(job.as_fd(), Interest::Write, deadline)? == Woken::TimedOut {
            return Err(Unsendable::Gone(std::io::ErrorKind::TimedOut.into()));
        }
    }
    Ok(())
}
