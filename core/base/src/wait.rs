//! How a blocking handler waits. The same handler runs in every worker class, so it must not know
//! how: it calls [`sleep`] and [`wait`], and the class has said once, when its process began, what
//! these mean. Where nobody has said anything they block the thread, with poll(2).

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

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

/// Waits for `fd` in the way of this process' worker class.
///
/// # Errors
/// Those of [`Wait::wait`].
pub fn wait(fd: BorrowedFd<'_>, what: Interest, deadline: Option<Instant>) -> io::Result<Woken> {
    current().wait(fd, what, deadline)
}

/// Whether the time of the request that the caller serves is over: [`Wait::is_over`].
pub fn is_over() -> bool {
    current().is_over()
}

/// Lets `time` pass in the way of this process' worker class.
pub fn sleep(time: Duration) {
    current().sleep(Instant::now() + time);
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
}
