//! An answer that begins before its handler has returned. A handler of this server returns its response,
//! and what is still missing of it is asked for later; an interface whose handlers write instead (`write`
//! of PEP 3333) cannot be served that way. So an application that says so ([`App::as_early`]) is called
//! with its connection at hand, and what it returns then is the rest.
//!
//! The connection may wander: into an object of another language, to another thread. It is the handler's
//! as long as the call lasts, and whoever has it then gives it back.
//!
//! [`App::as_early`]: crate::App::as_early

use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use oxicorn_http1::ResponseBody;

use super::blocking::Job;
use super::lend::Loan;
use super::scratch::Scratch;
use crate::app::{Request, Response};
use crate::connection::{Connection, Fit, Flushed, Unsendable};
use crate::in_flight::Holder;
use crate::wait::{self, Interest, Woken};

/// An application that may begin to answer before it returns.
pub trait EarlyApp {
    /// Answers one request, as [`App::call`](crate::App::call) does. Of a response that was begun with
    /// `early`, what is returned is the rest of the body; its status and its headers are not looked at.
    fn call_early(&self, request: Request, early: &mut Early) -> Response;
}

/// The means to answer at once; see the module. The default is empty: the means are elsewhere.
#[derive(Debug, Default)]
pub struct Early {
    place: Place,
    said: Said,
}

/// Where the connection is.
#[derive(Debug, Default)]
enum Place {
    #[default]
    Elsewhere,
    Here(Job),
    /// With the body of the request, which is still coming in.
    Lent(Loan),
}

/// What the client was told before the handler has returned.
#[derive(Debug, Default)]
pub(super) enum Said {
    #[default]
    Nothing,
    /// How the response begins, and whether more of it has a place.
    Begun(Fit),
    /// It will not get the rest.
    Broken(Unsendable),
}

/// Why a piece was not taken by the kernel, whole.
enum Halt {
    /// The client does not take it.
    Client(io::Error),
    /// Somebody has ended the wait for the client. The piece still goes out.
    Wait(io::Error),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Halt {
        Halt::Client(error)
    }
}

impl Early {
    pub(super) fn here(job: Job) -> Early {
        Early { place: Place::Here(job), said: Said::Nothing }
    }

    pub(super) fn lent(loan: Loan) -> Early {
        Early { place: Place::Lent(loan), said: Said::Nothing }
    }

    /// The call is over. No connection: somebody else has it at this moment, and keeps it.
    pub(super) fn end(self) -> (Option<Job>, Said) {
        let job = match self.place {
            Place::Elsewhere => None,
            Place::Here(job) => Some(job),
            Place::Lent(loan) => loan.take(),
        };
        (job, self.said)
    }

    /// Whether the response was begun.
    pub fn has_begun(&self) -> bool {
        !matches!(self.said, Said::Nothing)
    }

    /// Whether the client has gone, or was too slow, and [`Early::write`] has said so.
    pub fn is_broken(&self) -> bool {
        matches!(self.said, Said::Broken(_))
    }

    /// Begins the response. It goes out with the first piece.
    ///
    /// # Errors
    /// [`Unsendable::Invalid`]: a rule of HTTP is broken, and another response may be begun.
    /// [`Unsendable::Gone`]: there is nobody to answer, for the time of the request is over, or somebody
    /// else has the connection.
    pub fn begin(&mut self, status: StatusCode, headers: &HeaderMap) -> Result<(), Unsendable> {
        let fit = self.with(|job| {
            if job.holder() == Holder::Nobody {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let scratch = &mut Scratch::new(job.service());
            let fit = job.begin_response(status, headers, ResponseBody::Streamed, scratch)?;
            job.service().enter(job.running());
            Ok(fit)
        })?;
        self.said = Said::Begun(fit);
        Ok(())
    }

    /// Sends a piece of the body, and comes back when the kernel has all of it: until then it waits for
    /// the client, in the class' way, for at most `write_timeout` without progress. What has no place in
    /// the response (behind its `Content-Length`, in the answer to a HEAD) is thrown away.
    ///
    /// # Errors
    /// [`Unsendable::Gone`]: the client has gone, or takes nothing any more; or the wait was ended by
    /// somebody else.
    pub fn write(&mut self, piece: Bytes) -> Result<(), Unsendable> {
        let fit = match &self.said {
            Said::Begun(fit) => *fit,
            Said::Broken(Unsendable::Gone(error)) => {
                return Err(Unsendable::Gone(error.kind().into()));
            }
            Said::Nothing | Said::Broken(_) => {
                return Err(Unsendable::Gone(io::ErrorKind::NotConnected.into()));
            }
        };
        let (fit, written) = self.with(|job| {
            let fit = match fit {
                Fit::More => job.send_piece(piece)?,
                Fit::Enough => Fit::Enough,
            };
            Ok((fit, write_out(job)))
        })?;
        self.said = Said::Begun(fit);
        match written {
            Ok(()) => Ok(()),
            Err(Halt::Wait(error)) => Err(Unsendable::Gone(error)),
            Err(Halt::Client(error)) => {
                let told = io::Error::new(error.kind(), error.to_string());
                self.said = Said::Broken(Unsendable::Gone(error));
                Err(Unsendable::Gone(told))
            }
        }
    }

    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Connection) -> Result<T, Unsendable>,
    ) -> Result<T, Unsendable> {
        match &mut self.place {
            Place::Here(job) => wait::as_server(|| act(job)),
            Place::Lent(loan) => {
                let mut job = loan.take().ok_or_else(elsewhere)?;
                let acted = wait::as_server(|| act(&mut job));
                loan.put_back(job);
                acted
            }
            Place::Elsewhere => Err(elsewhere()),
        }
    }
}

fn elsewhere() -> Unsendable {
    io::Error::new(io::ErrorKind::WouldBlock, "somebody else has the connection at this moment")
        .into()
}

/// Nothing stays in memory: nobody would write it while the handler goes on.
fn write_out(job: &mut Connection) -> Result<(), Halt> {
    while job.flush()? == Flushed::Some {
        let deadline = job.service().config().write_timeout.get().map(|time| Instant::now() + time);
        match wait::wait(job.as_fd(), Interest::Write, deadline).map_err(Halt::Wait)? {
            Woken::Ready => {}
            Woken::TimedOut => return Err(Halt::Client(io::ErrorKind::TimedOut.into())),
        }
    }
    Ok(())
}
