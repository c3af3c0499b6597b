//! Loading an application as a start would, and letting it go: for whoever only wants to know whether it
//! can be loaded. There is no master yet that could not wait, so this waits.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use oxicorn_core::config::{Config, Destination};
use oxicorn_core::lifeline::MasterLifeline;
use oxicorn_core::scoreboard::Scoreboard;

use super::Host;
use super::nursery::{News, Zygote};
use super::reader::{Reader, Unread};
use super::words::{Letter, Loads, Stage};
use crate::event::Ending;
use crate::master::{Plan, poll_timeout};

/// Loads the application of a plan that has a host. What the application's own language has to say
/// about a failure goes to standard error, wherever the log is. `reader` is who has executed the
/// configuration file, if somebody had to. No hooks are called.
///
/// # Errors
/// It cannot be loaded: why not, in one line.
pub fn rehearse(plan: &Plan, host: &Host, reader: Option<Reader>) -> Result<(), Unread> {
    let start = Instant::now();
    let config =
        Config { errorlog: Destination::Standard, syslog: false, ..(*plan.config).clone() };
    let plan = Plan { config: Arc::new(config), ..plan.clone() };
    let (_, board) = Scoreboard::in_file().map_err(Unread::because)?;
    let lifeline = MasterLifeline::new().map_err(Unread::because)?;
    let letter = Letter { loads: Loads::BeforeFork, ..plan.letter(host, Stage::Again) };
    let [life, bell] = lifeline.ends();
    let descriptors = [board.as_fd(), life, bell];
    let now = start.elapsed();
    let mut zygote = match reader {
        Some(Reader(mut zygote)) => {
            let asked = zygote.load(now, &plan.config, letter, &descriptors);
            asked.map(|()| zygote).map_err(Unread::because)
        }
        None => {
            let started = Zygote::start(now, host, &plan.config, letter, &descriptors);
            started.map_err(Unread::because)
        }
    }?;
    let mut news = Vec::new();
    while news.is_empty() && zygote.lives() {
        let now = start.elapsed();
        let left = zygote.deadline().map(|deadline| deadline.saturating_sub(now));
        let mut fds: Vec<PollFd<'_>> =
            zygote.fd().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).into_iter().collect();
        // On an error of poll(2) it is heard once more, which is as good.
        let _ = poll(&mut fds, left.map_or(PollTimeout::NONE, poll_timeout));
        let heard = zygote.hear(start.elapsed()).into_iter();
        news.extend(heard.filter(|news| !matches!(news, News::Folders(_))));
        news.extend(zygote.expire(start.elapsed()));
    }
    zygote.end();
    let how = collect(zygote.pid());
    news.extend(zygote.bury(start.elapsed(), how));
    match news.into_iter().next() {
        Some(News::Failed(failure)) => Err(failure.into()),
        _ => Ok(()),
    }
}

/// Waits for its end, which has begun.
pub(super) fn collect(pid: Pid) -> Ending {
    loop {
        match waitpid(pid, None) {
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ending::Signal(signal as i32),
            Ok(WaitStatus::Exited(_, code)) => return Ending::Code(code),
            Err(Errno::EINTR) | Ok(_) => {}
            Err(_) => return Ending::Code(0),
        }
    }
}
