//! How a blocking handler waits, and how it does several things at once. The same handler runs in
//! every worker class, so it must not know how: it calls [`sleep`], [`ready`], [`park`] and [`spawn`],
//! and the class has said once, when its process began, what these mean. Where nobody has said
//! anything they block the thread, with poll(2), or start another one.

mod limit;
mod park;
mod whose;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::task::Waker;
use std::time::{Duration, Instant};

use limit::Cut;
pub use limit::{Aside, Elapsed, limit, limit_is_cut, within};
pub use whose::{Whose, as_application, as_server};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What a descriptor is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// There is something to read, or the end of it.
    Read,
    /// There is room to write, or an error.
    Write,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The descriptor is ready.
    Ready,
    /// The deadline came first.
    TimedOut,
}

/// What is run beside a handler.
pub type Task = Box<dyn FnOnce() + Send>;

/// A worker class' way of waiting inside a handler.
pub trait Wait: Sync {
    /// Waits until `fd` is ready, or until `deadline`.
    ///
    /// # Errors
    /// Those of the kernel's facility behind it.
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        deadline: Option<Instant>,
    ) -> io::Result<Woken>;

    /// Waits until `until`.
    fn sleep(&self, until: Instant);

    /// Whether the time of the request that the caller serves is over. In a class that ends such
    /// requests itself, a wait of theirs does not come back: it unwinds, by a panic of its own kind
    /// that no hook reports.
    fn is_over(&self) -> bool {
        false
    }

    /// Who ends the caller's next [`Wait::park`], from any thread.
    fn waker(&self) -> Waker {
        park::thread_waker()
    }

    /// Waits until the caller's [`Wait::waker`] was used, or until `until`. A use before the wait
    /// counts, several count once, and it may end without any: whoever waits for a condition looks at
    /// it again.
    fn park(&self, until: Option<Instant>) {
        park::park_thread(until);
    }

    /// From now on it is this one's code that the caller runs; gives whose it was.
    fn enter(&self, whose: Whose) -> Whose {
        whose
    }

    /// Runs `task` beside the caller. It must not panic.
    ///
    /// # Errors
    /// There is no room for another one; the task is dropped.
    fn spawn(&self, task: Task) -> io::Result<()> {
        std::thread::Builder::new().name("spawned".to_owned()).spawn(task).map(drop)
    }

    /// Runs `task`, which blocks, where it holds nobody up but the caller: here and now, or elsewhere
    /// later. It must not panic.
    fn offload(&self, task: Task) {
        task();
    }
}

/// Blocks the calling thread.
#[derive(Debug)]
pub struct Blocking;

fn until(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else {
        return PollTimeout::NONE;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let millis = left.as_nanos().div_ceil(1_000_000);
    i32::try_from(millis)
        .ok()
        .and_then(|m| PollTimeout::try_from(m).ok())
        .unwrap_or(PollTimeout::MAX)
}

impl Wait for Blocking {
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        deadline: Option<Instant>,
    ) -> io::Result<Woken> {
        let flags = match what {
            Interest::Read => PollFlags::POLLIN,
            Interest::Write => PollFlags::POLLOUT,
        };
        loop {
            match poll(&mut [PollFd::new(fd, flags)], until(deadline)) {
                Ok(0) if deadline.is_some_and(|d| Instant::now() >= d) => {
                    return Ok(Woken::TimedOut);
                }
                Ok(0) | Err(nix::errno::Errno::EINTR) => {}
                Ok(_) => return Ok(Woken::Ready),
                Err(error) => return Err(error.into()),
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "this is what the ban points to")]
    fn sleep(&self, until: Instant) {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

static WAIT: OnceLock<&'static dyn Wait> = OnceLock::new();

/// Says how this process waits: once, by the worker class, after the fork. A second call changes
/// nothing.
pub fn install(wait: &'static dyn Wait) {
    let _ = WAIT.set(wait);
}

fn current() -> &'static dyn Wait {
    WAIT.get().copied().unwrap_or(&Blocking)
}

/// Waits for `fd` in the way of this process' worker class. This is for the server's own waits, behind
/// whose back nobody may unwind: a limit ([`within`]) is an error.
///
/// # Errors
/// Those of [`Wait::wait`]; `TimedOut` when the caller's limit is reached.
pub fn wait(fd: BorrowedFd<'_>, what: Interest, deadline: Option<Instant>) -> io::Result<Woken> {
    let cut = Cut::of(deadline);
    match current().wait(fd, what, cut.until)? {
        Woken::TimedOut if cut.is_over() => Err(io::Error::new(io::ErrorKind::TimedOut, Elapsed)),
        woken => Ok(woken),
    }
}

/// The same, for what an application waits for: at the limit it unwinds.
///
/// # Errors
/// Those of [`Wait::wait`].
pub fn ready(fd: BorrowedFd<'_>, what: Interest, deadline: Option<Instant>) -> io::Result<Woken> {
    let cut = Cut::of(deadline);
    let woken = current().wait(fd, what, cut.until)?;
    if woken == Woken::TimedOut {
        cut.unwind_if_over();
    }
    Ok(woken)
}

/// Whether the time of the request that the caller serves is over: [`Wait::is_over`].
pub fn is_over() -> bool {
    current().is_over()
}

/// Lets `time` pass in the way of this process' worker class.
pub fn sleep(time: Duration) {
    sleep_until(Instant::now() + time);
}

/// Waits until `then` in the way of this process' worker class.
pub fn sleep_until(then: Instant) {
    let cut = Cut::of(Some(then));
    current().sleep(cut.until.unwrap_or(then));
    cut.unwind_if_over();
}

/// [`Wait::waker`] of this process' worker class.
pub fn waker() -> Waker {
    current().waker()
}

/// [`Wait::park`] in the way of this process' worker class.
pub fn park(until: Option<Instant>) {
    let cut = Cut::of(until);
    current().park(cut.until);
    cut.unwind_if_over();
}

/// [`Wait::spawn`] in the way of this process' worker class.
///
/// # Errors
/// There is no room for another one.
pub fn spawn(task: Task) -> io::Result<()> {
    current().spawn(task)
}

/// [`Wait::offload`] in the way of this process' worker class.
pub fn offload(task: Task) {
    current().offload(task);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn blocking_waits_end_by_readiness_or_by_deadline() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let soon = Instant::now() + Duration::from_millis(5);
        assert_eq!(wait(reader.as_fd(), Interest::Read, Some(soon)).unwrap(), Woken::TimedOut);
        assert!(Instant::now() >= soon);
        assert_eq!(wait(writer.as_fd(), Interest::Write, None).unwrap(), Woken::Ready);
        drop(writer);
        assert_eq!(wait(reader.as_fd(), Interest::Read, None).unwrap(), Woken::Ready);
    }

    #[test]
    fn a_word_before_the_wait_counts_and_reaches_the_right_thread() {
        let waker = waker();
        waker.wake_by_ref();
        park(None);
        spawn(Box::new(move || waker.wake())).unwrap();
        park(None);
        let soon = Instant::now() + Duration::from_millis(5);
        while Instant::now() < soon {
            park(Some(soon));
        }
    }

    #[test]
    fn a_wait_of_the_servers_own_fails_at_the_limit_and_an_applications_unwinds() {
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        let soon = || Instant::now() + Duration::from_millis(5);
        let failed = within(soon(), || wait(reader.as_fd(), Interest::Read, None));
        assert_eq!(failed.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        let unwound = within(soon(), || ready(reader.as_fd(), Interest::Read, None).unwrap());
        assert_eq!(unwound, Err(Elapsed));
        let own = within(soon() + Duration::from_secs(60), || {
            ready(reader.as_fd(), Interest::Read, Some(soon())).unwrap()
        });
        assert_eq!(own, Ok(Woken::TimedOut));
    }
}
