//! Waiting in the hub: the one mechanism behind [`oxicorn_core::wait`], `oxicorn::time`, `oxicorn::net`
//! and the C library's functions that are defined in [`crate::patch`]. The last of these are called by
//! code behind whose back nobody may unwind; for them there are the waits that come back whatever
//! happens and say what it was ([`Outcome`]).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use oxicorn_core::serve::Running;
use oxicorn_core::wait::{self, Aside, Blocking, Interest, Wait, Woken};

use super::Hub;
use crate::awaited::Company;
use crate::mailbox::Heard;
use crate::spans;
use crate::stack;
use crate::task::{Ear, Ended, key};

/// How long a wait takes that is refused: code that does not care about an error tries again at once,
/// for ever, and must not keep everybody else from the thread.
const NAP: Duration = Duration::from_millis(10);

/// How a wait that does not unwind has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was awaited has come.
    Ready,
    /// The deadline has come first.
    TimedOut,
    /// The descriptor that was awaited is being closed.
    Closed,
    /// The time of the request is over, or the handler's own limit ([`wait::limit`]).
    Over,
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Outcome {
        match ended {
            Ended::Ready => Outcome::Ready,
            Ended::TimedOut => Outcome::TimedOut,
            Ended::Closed => Outcome::Closed,
        }
    }
}

impl Hub {
    /// Begins a new wait of the running task and gives its key.
    fn new_wait(&self, until: Option<Instant>, ear: Ear) -> Option<u64> {
        let id = self.running.get()?;
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.get_mut(id)?;
        let (wait, alarm) = task.begin(until);
        task.ear = ear;
        if let Some(then) = alarm {
            self.reactor.borrow_mut().wake_at(then, key(id, 0));
        }
        Some(key(id, wait))
    }

    fn suspend(&self) -> Ended {
        let id = self.running.get();
        let (spans, limit) = (spans::leave_all(), Aside::set());
        let running = self.service.running();
        self.service.enter(Running::NONE);
        stack::suspend();
        self.service.enter(running);
        limit.put_back();
        spans.enter_all();
        self.end_wait(id)
    }

    fn end_wait(&self, id: Option<usize>) -> Ended {
        let mut tasks = self.tasks.borrow_mut();
        id.and_then(|id| tasks.get_mut(id)).map_or(Ended::Ready, crate::task::Task::end)
    }

    /// Waits until `fd` is ready, or until `until`; `also` are descriptors whose end is the wait's, too.
    fn wait_for(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
        also: &[RawFd],
    ) -> io::Result<Ended> {
        let Some(key) = self.new_wait(until, Ear::Deaf) else {
            return Blocking.wait(fd, what, until).map(|woken| match woken {
                Woken::Ready => Ended::Ready,
                Woken::TimedOut => Ended::TimedOut,
            });
        };
        let own = fd.as_raw_fd();
        let company = self.mailbox.awaited.begin(own, key);
        for &fd in also {
            self.mailbox.awaited.begin(fd, key);
        }
        let ended = self.watch_and_suspend(fd, what, key, company);
        self.mailbox.awaited.end(own, key);
        for &fd in also {
            self.mailbox.awaited.end(fd, key);
        }
        ended
    }

    fn watch_and_suspend(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        key: u64,
        company: Company,
    ) -> io::Result<Ended> {
        // A descriptor has one entry in the set, for one who waits. Another one, who reads perhaps what
        // the first one's request is to bring, waits for a second descriptor of the same file.
        let twin = match company {
            Company::Alone => None,
            Company::InCompany => Some(fd.try_clone_to_owned()),
        };
        let watched = match &twin {
            None => self.reactor.borrow_mut().watch(fd, what, key),
            Some(Ok(twin)) => self.reactor.borrow_mut().watch(twin.as_fd(), what, key),
            Some(Err(error)) => Err(error.kind().into()),
        };
        if let Err(error) = watched {
            self.end_wait(self.running.get());
            return Err(error);
        }
        let ended = self.suspend();
        if let Some(Ok(twin)) = twin {
            self.reactor.borrow_mut().forget(twin.as_fd());
        }
        Ok(ended)
    }

    pub(crate) fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        self.go_on(Some(fd.as_raw_fd()))?;
        let ended = self.wait_for(fd, what, until, &[]);
        self.go_on(Some(fd.as_raw_fd()))?;
        match ended? {
            Ended::Ready => Ok(Woken::Ready),
            Ended::TimedOut => Ok(Woken::TimedOut),
            Ended::Closed => Err(io::Error::from_raw_os_error(libc::EBADF)),
        }
    }

    pub(crate) fn sleep(&self, until: Instant) {
        // Without a descriptor there is no error: it comes back, or unwinds.
        let _ = self.go_on(None);
        if self.new_wait(Some(until), Ear::Deaf).is_none() {
            return Blocking.sleep(until);
        }
        self.suspend();
        let _ = self.go_on(None);
    }

    pub(crate) fn park(&self, until: Option<Instant>) {
        let _ = self.go_on(None);
        let Some(note) = self.own_note() else { return };
        if note.hear() == Heard::Nothing && self.new_wait(until, Ear::Listening).is_some() {
            self.suspend();
            note.hear();
        }
        let _ = self.go_on(None);
    }

    /// Whether the running task is to wait no more; then it has waited a little.
    fn is_refused(&self) -> bool {
        let past = wait::limit().is_some_and(|limit| limit <= Instant::now());
        if !past && !self.is_over() {
            return false;
        }
        if self.new_wait(Some(Instant::now() + NAP), Ear::Deaf).is_some() {
            self.suspend();
        }
        true
    }

    /// A wait until `until` or the handler's own limit, whichever comes first.
    fn quietly(
        &self,
        until: Option<Instant>,
        wait: impl FnOnce(Option<Instant>) -> io::Result<Ended>,
    ) -> io::Result<Outcome> {
        if self.is_refused() {
            wait::limit_is_cut();
            return Ok(Outcome::Over);
        }
        let limit = wait::limit().filter(|limit| until.is_none_or(|until| *limit < until));
        let ended = wait(limit.or(until))?;
        if self.is_over() {
            return Ok(Outcome::Over);
        }
        if ended == Ended::TimedOut && limit.is_some() {
            wait::limit_is_cut();
            return Ok(Outcome::Over);
        }
        Ok(ended.into())
    }

    /// Waits until `fd` is ready, or until `until`, and does not unwind. `also` are descriptors that
    /// end the wait when they are closed.
    pub(crate) fn wait_quietly(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
        also: &[RawFd],
    ) -> io::Result<Outcome> {
        self.quietly(until, |until| self.wait_for(fd, what, until, also))
    }

    /// Sleeps, and does not unwind.
    pub(crate) fn sleep_quietly(&self, until: Instant) -> Outcome {
        let slept = self.quietly(Some(until), |until| {
            Ok(match self.new_wait(until, Ear::Deaf) {
                Some(_) => self.suspend(),
                None => Ended::TimedOut,
            })
        });
        slept.unwrap_or(Outcome::TimedOut)
    }

    /// Waits for the mail that ends the wait whose key `arm` is given, or until `until`; not at all if
    /// `arm` says so. The end of the request's time ends it too, and no more than that: the caller
    /// looks whether it has what it waits for.
    pub(crate) fn wait_for_mail(
        &self,
        until: Option<Instant>,
        arm: impl FnOnce(u64) -> Armed,
    ) -> Option<Outcome> {
        let key = self.new_wait(until, Ear::Deaf)?;
        match arm(key) {
            Armed::Yes => Some(self.suspend().into()),
            Armed::No => {
                self.end_wait(self.running.get());
                None
            }
        }
    }
}

/// Whether somebody will end the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    Yes,
    No,
}
