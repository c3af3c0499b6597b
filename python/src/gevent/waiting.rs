//! How handlers of this class wait for their client: what the rest of the server calls, which knows of
//! no hub.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Instant;

use oxicorn_core::wait::{Blocking, Interest, Wait, Woken};
use pyo3::prelude::*;

use super::hub::{self, Hub};
use super::overdue::Time;

/// By switching to the hub. Outside a request's greenlet, and so in the hub itself, by blocking.
pub(super) struct Switching;

impl Wait for Switching {
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        let waited = Python::try_attach(|py| {
            let hub = hub::installed(py)?;
            match hub.borrow().own_time(py)? {
                Time::Over => Some(Err(io::ErrorKind::TimedOut.into())),
                Time::Left => Some(wait(&hub, fd, what, until)),
            }
        });
        waited.flatten().unwrap_or_else(|| Blocking.wait(fd, what, until))
    }

    fn sleep(&self, until: Instant) {
        let slept = Python::try_attach(|py| {
            hub::installed(py)?.borrow().own_time(py)?;
            let left = until.saturating_duration_since(Instant::now());
            py.import("gevent").ok()?.call_method1("sleep", (left.as_secs_f64(),)).ok().map(drop)
        });
        // An exception that ended it early belongs to whoever waits next.
        if slept.flatten().is_none() {
            Blocking.sleep(until);
        }
    }

    fn is_over(&self) -> bool {
        let time = Python::try_attach(|py| hub::installed(py)?.borrow().own_time(py));
        time.flatten() == Some(Time::Over)
    }
}

/// An exception that comes meanwhile (a `gevent.Timeout` of the application's, a kill) travels as the
/// error, to be raised again where Python code has called.
fn wait(
    hub: &Bound<'_, Hub>,
    fd: BorrowedFd<'_>,
    what: Interest,
    until: Option<Instant>,
) -> io::Result<Woken> {
    const READ: i32 = 1;
    const WRITE: i32 = 2;
    let events = match what {
        Interest::Read => READ,
        Interest::Write => WRITE,
    };
    let seconds = until.map(|then| then.saturating_duration_since(Instant::now()).as_secs_f64());
    let waited = hub.borrow().wait_function(hub.py()).call1((fd.as_raw_fd(), events, seconds));
    match waited.and_then(|ready| ready.is_truthy()) {
        Ok(true) => Ok(Woken::Ready),
        Ok(false) => Ok(Woken::TimedOut),
        Err(error) => Err(io::Error::other(error)),
    }
}
