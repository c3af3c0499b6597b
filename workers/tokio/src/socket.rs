//! A descriptor in tokio's reactor. The one file of this class with unsafe code: tokio cannot know
//! that what it registers keeps its descriptor open.
#![allow(unsafe_code)]

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::Pin;
use std::time::Instant;

use oxicorn_core::connection::Readiness;
use oxicorn_core::wait::Interest;
use tokio::io::unix::AsyncFd;
use tokio::io::{Interest as TokioInterest, Ready};
use tokio::time::{Instant as TokioInstant, Sleep, sleep_until};

/// A descriptor's owner, inside tokio's registration of it.
#[derive(Debug)]
struct Owner<T>(T);

impl<T: AsFd> AsRawFd for Owner<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// See the module. `T` owns the descriptor, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Socket<T: AsFd> {
    fd: AsyncFd<Owner<T>>,
    /// One timer for each connection: it is set only when it comes up too early.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Ready(Readiness),
    TimedOut,
}

impl<T: AsFd> Socket<T> {
    /// Registers the owner's descriptor.
    pub(crate) fn new(owner: T) -> io::Result<Socket<T>> {
        let both = TokioInterest::READABLE | TokioInterest::WRITABLE;
        // SAFETY: the registration owns the owner of the descriptor and is dropped before it; `owner`
        // and `owner_mut` are used by this crate alone, which never puts another in its place.
        let registered = unsafe { AsyncFd::register_with_interest(Owner(owner), both) };
        Ok(Socket { fd: registered.map_err(io::Error::from)?, alarm: None })
    }

    /// The owner, which tokio's reactor knows no longer.
    pub(crate) fn into_owner(self) -> T {
        self.fd.into_inner().0
    }

    pub(crate) fn owner(&self) -> &T {
        &self.fd.get_ref().0
    }

    pub(crate) fn owner_mut(&mut self) -> &mut T {
        &mut self.fd.get_mut().0
    }

    /// Waits for readiness, which is then taken as used up: the caller reads or writes until the
    /// socket has no more.
    pub(crate) async fn ready(&self, what: Interest) -> io::Result<Readiness> {
        // One task waits here, so tokio needs no list of those who wait.
        let ready = poll_fn(|cx| match what {
            Interest::Read => self.fd.poll_read_ready(cx),
            Interest::Write => self.fd.poll_write_ready(cx),
        });
        let mut guard = ready.await?;
        let ready = guard.ready();
        let readable = if ready.is_readable() { Readiness::READ.0 } else { 0 };
        let writable = if ready.is_writable() { Readiness::WRITE.0 } else { 0 };
        let ended = if ready.is_read_closed() { libc::EPOLLRDHUP as u32 } else { 0 };
        guard.clear_ready_matching(match what {
            Interest::Read => Ready::READABLE,
            Interest::Write => Ready::WRITABLE,
        });
        Ok(Readiness(readable | writable | ended))
    }

    /// The same, until a deadline at most.
    pub(crate) async fn ready_by(
        &mut self,
        what: Interest,
        deadline: Option<Instant>,
    ) -> io::Result<Woken> {
        let Some(deadline) = deadline else { return self.ready(what).await.map(Woken::Ready) };
        let deadline = TokioInstant::from_std(deadline);
        let mut alarm = self.alarm.take().unwrap_or_else(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        let woken = tokio::select! {
            biased;
            ready = self.ready(what) => ready.map(Woken::Ready),
            () = alarm.as_mut() => Ok(Woken::TimedOut),
        };
        if !matches!(woken, Ok(Woken::TimedOut)) {
            self.alarm = Some(alarm);
        }
        woken
    }
}
