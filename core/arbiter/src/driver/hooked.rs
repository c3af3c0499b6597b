//! Where the configuration file is a program: it is executed before there are settings, by the process
//! that then loads the application; and it may have functions that are to be called when something
//! happens here. The master tells, and waits for none of them but the last.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::Pid;
use oxicorn_core::scoreboard::Slot;

use super::Driver;
use crate::event::Event;
use crate::master::{Reloaded, poll_timeout};
use crate::zygote::nursery::{LAST_HOOKS, News, Zygote};
use crate::zygote::words::{ConfigurationFile, Happening, Names};
use crate::zygote::{Host, Unread};

/// The workers, numbered in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    latest: u64,
    of: BTreeMap<Slot, u64>,
    /// How many workers there are to be, as the hooks know it.
    target: Option<usize>,
}

impl Ages {
    pub(super) fn next(&mut self, slot: Slot) -> u64 {
        self.latest += 1;
        self.of.insert(slot, self.latest);
        self.latest
    }

    /// The configuration is another one, and whoever has loaded it knows how many there are to be.
    pub(super) fn forget_target(&mut self) {
        self.target = None;
    }
}

/// What Python says about a failure.
pub(super) fn say_all(traceback: &[String]) {
    traceback.iter().for_each(|line| tracing::error!(target: "traceback", "{line}"));
}

impl Driver {
    /// A reload: the configuration file has to be executed first.
    pub(super) fn begin_read(&mut self, host: &Host, file: &ConfigurationFile) {
        self.brood.file = file.to_string();
        match Zygote::read(self.started.elapsed(), host, file) {
            Ok(zygote) => self.brood.reading = Some(zygote),
            Err(error) => self.refuse_load(error.to_string()),
        }
    }

    /// The folders that it has told of are watched, whatever comes of the rest.
    pub(super) fn take_out_folders(&mut self, news: Vec<News>) -> Vec<News> {
        let (folders, others): (Vec<News>, Vec<News>) =
            news.into_iter().partition(|news| matches!(news, News::Folders(_)));
        for news in folders {
            if let (News::Folders(folders), Some(watcher)) = (news, &mut self.watcher) {
                watcher.import(folders);
            }
        }
        others
    }

    pub(super) fn take_in_reading(&mut self, news: Vec<News>) {
        let news = self.take_out_folders(news);
        if !news.is_empty()
            && let Some(zygote) = self.brood.reading.take()
        {
            self.read_ended(Some(zygote), news);
        }
    }

    /// The file was executed, or not.
    pub(super) fn read_ended(&mut self, zygote: Option<Zygote>, news: Vec<News>) -> Option<()> {
        let news = self.take_out_folders(news);
        let outcome = news.into_iter().find_map(|news| match news {
            News::Read(names) => Some(Ok(names)),
            News::Failed(failure) => Some(Err(Unread::from(failure))),
            News::Folders(_) | News::Ready | News::Forked(..) | News::NotForked(..) => None,
        });
        match (outcome, zygote) {
            (Some(Ok(names)), Some(zygote)) => self.load_read(names, zygote),
            (outcome, zygote) => {
                zygote.into_iter().for_each(|zygote| self.brood.dismiss(zygote));
                let failure = outcome.and_then(Result::err).unwrap_or_else(|| Unread {
                    reason: "the process that executes the configuration file has gone".to_owned(),
                    traceback: Vec::new(),
                });
                self.refuse_load(format!("{}: {}", self.brood.file, failure.reason));
                say_all(&failure.traceback);
                self.load_over();
            }
        }
        Some(())
    }

    fn load_read(&mut self, names: Names, zygote: Zygote) {
        let refused = match (self.reload)(Some(names)) {
            Ok(Reloaded::Plan(plan)) => return self.take_plan(*plan, Some(zygote)),
            Ok(Reloaded::Program { .. }) => "another configuration file is to be read".to_owned(),
            Err(error) => error.to_string(),
        };
        self.brood.dismiss(zygote);
        self.refuse_load(refused);
        self.load_over();
    }

    fn refuse_load(&mut self, reason: String) {
        self.events.push_back(Event::ConfigLoaded(Err(reason)));
    }

    /// Tells of a change in the number of workers that there are to be.
    pub(super) fn tell_target(&mut self) {
        let new = self.arbiter.target();
        let Some(old) = self.brood.ages.target.replace(new) else { return };
        if old != new {
            self.brood.newest().into_iter().for_each(|z| z.tell(Happening::Workers { new, old }));
        }
    }

    /// A worker was reaped. Whoever has made it knows it by its age.
    pub(super) fn tell_end(&mut self, slot: Slot, pid: Pid) {
        let Some(age) = self.brood.ages.of.remove(&slot) else { return };
        let now = self.started.elapsed();
        self.brood.hosts().for_each(|zygote| zygote.tell_end(now, pid, age));
    }

    pub(super) fn tell_upgrade(&self) {
        self.brood.newest().into_iter().for_each(|zygote| zygote.tell(Happening::Upgrade));
    }

    /// The last hook is waited for, but not for ever: nothing else is to be done in this process.
    pub(super) fn tell_exit(&self) {
        let Some(zygote) = self.brood.newest() else { return };
        if let Some(socket) = zygote.tell_last() {
            let limit = Instant::now() + LAST_HOOKS;
            while !has_gone(socket, limit) {
                if limit <= Instant::now() {
                    return tracing::warn!("on_exit takes too long, and is not waited for");
                }
            }
        }
    }
}

/// Waits for the end of whoever is at the other end, at most until `limit`.
fn has_gone(socket: BorrowedFd<'_>, limit: Instant) -> bool {
    let left = limit.saturating_duration_since(Instant::now());
    let mut fds = [PollFd::new(socket, PollFlags::empty())];
    let _ = poll(&mut fds, poll_timeout(left.max(Duration::from_millis(1))));
    fds[0].revents().is_some_and(|happened| happened.contains(PollFlags::POLLHUP))
}
