//! Ctrl-C, without a signal handler: the signals are blocked and read from a descriptor, and every
//! wait of the benchmark is a wait for that descriptor, too.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// The user wants an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// How a wait for a descriptor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// It can be read.
    Readable,
    /// The time is over.
    TimedOut,
}

/// Hears INT, TERM and HUP. Once heard, it says so for ever.
#[derive(Debug)]
pub struct Interrupt {
    signals: SignalFd,
}

impl Interrupt {
    /// From now on the signals do not end the process. To be called before any thread is started.
    /// Children are not concerned: the standard library clears their signal mask.
    ///
    /// # Errors
    /// Those of sigprocmask(2) and signalfd(2).
    pub fn install() -> io::Result<Interrupt> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Interrupt { signals: SignalFd::with_flags(&set, flags)? })
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// The user wants an end.
    pub fn sleep(&self, time: Duration) -> Result<(), Interrupted> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if self.poll(None, left)? == Waited::TimedOut && left.is_zero() {
                return Ok(());
            }
        }
    }

    /// Waits at most so long until `source` can be read, or is at its end.
    ///
    /// # Errors
    /// The user wants an end.
    pub fn wait(&self, source: impl AsFd, time: Duration) -> Result<Waited, Interrupted> {
        self.poll(Some(source.as_fd()), time)
    }

    fn poll(&self, source: Option<BorrowedFd<'_>>, time: Duration) -> Result<Waited, Interrupted> {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        fds.extend(source.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let millis = u16::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u16::MAX);
        match poll(&mut fds, PollTimeout::from(millis)) {
            // The signal is not read: the next wait is to end as well.
            Ok(_) if fds[0].any() == Some(true) => Err(Interrupted),
            Ok(_) if fds.get(1).and_then(PollFd::any) == Some(true) => Ok(Waited::Readable),
            Ok(_) | Err(_) => Ok(Waited::TimedOut),
        }
    }
}
