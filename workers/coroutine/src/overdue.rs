//! How long a handler may take. Whoever waits for too long is resumed with the news that its time is
//! over, and unwinds, so that everything it holds is freed; nobody but `serve::handle`, above all of
//! the application, is to stop that. Requests have no timers of their own: one alarm is set for the
//! oldest, and when it comes all are looked at, which is once in a whole `timeout` while all are fast.

use std::cell::Cell;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

use oxicorn_core::connection::Connection;
use oxicorn_core::in_flight::EntryId;

/// What unwinds a handler. It says nothing: `serve::handle` knows by [`Overseen::is_over`].
struct TimeIsOver;

/// Unwinds the caller, without a word of the panic hook.
pub(crate) fn unwind() -> ! {
    std::panic::resume_unwind(Box::new(TimeIsOver))
}

/// A request whose time is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Overseen {
    started: Option<Instant>,
    client: RawFd,
    pub(crate) entry: Option<EntryId>,
    time: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Left,
    /// It is over, and the handler does not know it yet.
    Over,
    /// A wait has failed for it.
    Told,
}

/// Why a wait is not to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It fails. This is for waits for the client itself: the code around them holds its connection,
    /// and hands it back on an error.
    Error,
    /// The handler is to be unwound.
    Unwind,
}

impl Overseen {
    /// No request: what a handler has spawned may take as long as it likes.
    pub(crate) const NOBODY: Overseen =
        Overseen { started: None, client: -1, entry: None, time: Time::Left };

    pub(crate) fn new(connection: &Connection) -> Overseen {
        Overseen {
            started: connection.started(),
            client: connection.as_fd().as_raw_fd(),
            entry: connection.entry(),
            time: Time::Left,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.time != Time::Left
    }

    /// What becomes of a wait for `fd`; `None`: it may be.
    pub(crate) fn refusal(&mut self, fd: Option<RawFd>) -> Option<Refusal> {
        match self.time {
            Time::Left => None,
            Time::Over if fd == Some(self.client) => {
                self.time = Time::Told;
                Some(Refusal::Error)
            }
            // Who has caught it waits again in vain.
            Time::Over | Time::Told => Some(Refusal::Unwind),
        }
    }
}

/// The one alarm of all requests.
#[derive(Debug)]
pub(crate) struct Watch {
    limit: Option<Duration>,
    set: Cell<Alarm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    Unset,
    Set,
}

impl Watch {
    pub(crate) fn new(limit: Option<Duration>) -> Watch {
        Watch { limit, set: Cell::new(Alarm::Unset) }
    }

    fn due(&self, request: Overseen) -> Option<Instant> {
        Some(request.started? + self.limit?)
    }

    /// When the alarm is to be set for a new request; `None`: it is set already, and requests that
    /// begin later are due later.
    pub(crate) fn set_for(&self, request: Overseen) -> Option<Instant> {
        let due = self.due(request).filter(|_| self.set.get() == Alarm::Unset)?;
        self.set.set(Alarm::Set);
        Some(due)
    }

    /// The alarm has come: whose time is over now, and for when it is to be set again.
    pub(crate) fn look<'a>(
        &self,
        tasks: impl Iterator<Item = (usize, &'a mut Overseen)>,
    ) -> (Vec<(usize, Overseen)>, Option<Instant>) {
        let now = Instant::now();
        let (mut overdue, mut next) = (Vec::new(), None::<Instant>);
        for (id, request) in tasks.filter(|(_, request)| !request.is_over()) {
            match self.due(*request) {
                Some(due) if due <= now => {
                    request.time = Time::Over;
                    overdue.push((id, *request));
                }
                Some(due) => next = Some(next.map_or(due, |next| next.min(due))),
                None => {}
            }
        }
        self.set.set(next.map_or(Alarm::Unset, |_| Alarm::Set));
        (overdue, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn request(age: Duration) -> Overseen {
        let started = Instant::now().checked_sub(age);
        Overseen { started, client: 7, entry: None, time: Time::Left }
    }

    #[test]
    fn one_alarm_serves_all_requests() {
        let watch = Watch::new(Some(LIMIT));
        let mut requests = [request(LIMIT), request(LIMIT / 2), request(Duration::ZERO)];
        assert!(watch.set_for(requests[0]).is_some());
        assert_eq!(watch.set_for(requests[1]), None);
        let (overdue, next) = watch.look(requests.iter_mut().enumerate());
        assert_eq!(overdue.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [0]);
        assert_eq!(next, Some(requests[1].started.unwrap() + LIMIT));
        assert_eq!(watch.set_for(requests[2]), None, "it is set again");
        let (overdue, next) = watch.look(requests[..1].iter_mut().enumerate());
        assert!(overdue.is_empty() && next.is_none(), "once is enough");
        assert!(watch.set_for(requests[2]).is_some());
    }

    #[test]
    fn without_a_limit_there_is_no_alarm() {
        let watch = Watch::new(None);
        let mut old = request(LIMIT);
        assert_eq!(watch.set_for(old), None);
        assert!(watch.look([(0, &mut old)].into_iter()).0.is_empty());
    }

    #[test]
    fn a_wait_for_the_client_fails_and_every_other_unwinds() {
        let mut request = request(LIMIT);
        assert_eq!(request.refusal(Some(7)), None);
        request.time = Time::Over;
        assert_eq!(request.refusal(Some(7)), Some(Refusal::Error));
        assert_eq!(request.refusal(Some(7)), Some(Refusal::Unwind), "it was told");
        request.time = Time::Over;
        assert_eq!(request.refusal(Some(8)), Some(Refusal::Unwind));
        assert_eq!(request.refusal(None), Some(Refusal::Unwind));
    }
}
