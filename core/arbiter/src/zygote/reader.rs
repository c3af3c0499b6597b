//! The configuration file of a start, when it is a program. There is no master yet that could be kept
//! waiting, and without the settings there is nothing else to do: so whoever starts waits for it, and
//! the process that has executed the file goes on to be the first generation's zygote.

use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Host;
use super::nursery::{Failure, News, Zygote};
use super::rehearsal::collect;
use super::words::{ConfigurationFile, Names};
use crate::master::poll_timeout;

/// A process that has executed a configuration file, and waits.
#[derive(Debug)]
pub struct Reader(pub(crate) Zygote);

/// Why a configuration file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// In one line.
    pub reason: String,
    /// What its interpreter says about it.
    pub traceback: Vec<String>,
}

impl Unread {
    pub(super) fn because(reason: impl ToString) -> Unread {
        Unread { reason: reason.to_string(), traceback: Vec::new() }
    }
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Unread {
        match failure {
            Failure::Unreadable(reason, traceback) => Unread { reason, traceback },
            Failure::Told(_, reason) | Failure::Ended(reason) | Failure::Passing(reason) => {
                Unread::because(reason)
            }
        }
    }
}

/// Has `host` execute the file, and waits for what its names stand for.
///
/// # Errors
/// It cannot be executed.
pub fn read(host: &Host, file: &ConfigurationFile) -> Result<(Reader, Names), Unread> {
    let started = Instant::now();
    let mut zygote = Zygote::read(started.elapsed(), host, file).map_err(Unread::because)?;
    loop {
        let now = started.elapsed();
        let mut news = zygote.hear(now);
        news.extend(zygote.expire(now));
        let end = zygote.fd().is_none();
        match news.into_iter().next() {
            Some(News::Read(names)) => return Ok((Reader(zygote), names)),
            Some(News::Failed(failure)) => {
                collect(zygote.pid());
                return Err(failure.into());
            }
            Some(News::Folders(_) | News::Ready | News::Forked(..) | News::NotForked(..))
            | None => {}
        }
        if end {
            let how = collect(zygote.pid());
            let news = zygote.bury(now, how);
            let failure = news.into_iter().find_map(|news| match news {
                News::Failed(failure) => Some(failure),
                _ => None,
            });
            let unsaid = || Unread::because("the process that executes it has gone");
            return Err(failure.map_or_else(unsaid, Unread::from));
        }
        let timeout = zygote.deadline().map(|deadline| deadline.saturating_sub(now));
        let timeout = timeout.map_or(PollTimeout::NONE, poll_timeout);
        let mut fds: Vec<PollFd<'_>> =
            zygote.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).into_iter().collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Unread::because(errno)),
        }
    }
}
