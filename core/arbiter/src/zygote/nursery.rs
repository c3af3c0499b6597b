//! A zygote as the master knows it: asked for workers, listened to, and given up when it is silent for
//! too long. It is asked for one worker at a time, so nothing that is sent to it can ever wait for
//! room. Everything here is told what happens and says what follows; the driver makes events of it.

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{Shutdown, shutdown};
use nix::unistd::Pid;
use oxicorn_core::config::Config;
use oxicorn_core::listener::Listener;
use oxicorn_core::scoreboard::Slot;

use super::Host;
use super::post::{self, PostError};
use super::start::{self, StartError};
use super::words::{
    Answer, Blame, ConfigurationFile, Fork, Happening, Letter, Names, Opening, VERSION, Word,
};
use crate::event::Ending;

/// How long the last hooks may take.
pub(crate) const LAST_HOOKS: Duration = Duration::from_secs(5);

/// Who comes so late to a deadline was not busy but asleep.
const ASLEEP: Duration = Duration::from_secs(1);

/// What a zygote's life brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It has executed the configuration file.
    Read(Names),
    /// Modules were imported from these. It says more, soon.
    Folders(Vec<PathBuf>),
    /// It has loaded what it was to load.
    Ready,
    /// It has not, and never will.
    Failed(Failure),
    Forked(Slot, Pid),
    NotForked(Slot, String),
}

/// Why it has not loaded it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// By its own word, which is in the log.
    Told(Blame, String),
    /// It cannot use the configuration file: why, and in Python's words.
    Unreadable(String, Vec<String>),
    /// It ended, and has said nothing. Another one would do the same.
    Ended(String),
    /// It was ended, or took too long. Another one may do better.
    Passing(String),
}

/// What it owes an answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Read,
    Load,
    /// The worker of that age.
    Fork(Slot, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Lives,
    /// It has been told everything, and ends when it has done it.
    Retires,
    /// It ends, by itself or by the master's SIGKILL, or has ended.
    Ends,
}

/// What a worker is to be given.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) slot: Slot,
    pub(crate) age: u64,
    pub(crate) table: OwnedFd,
    pub(crate) listeners: Vec<Listener>,
}

#[derive(Debug)]
pub(crate) struct Zygote {
    pid: Pid,
    /// None: nothing more will be said.
    socket: Option<OwnedFd>,
    life: Life,
    asked: Option<Asked>,
    /// When the master's patience with an answer ends.
    deadline: Option<Duration>,
    patience: Option<Duration>,
    orders: VecDeque<Order>,
    hooks: Hooks,
    /// The ages of the workers that it has made, or is making, and that have not ended.
    workers: BTreeSet<u64>,
}

/// Whether there may be hooks that it calls for what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hooks {
    Possible,
    None,
}

impl Hooks {
    fn of(letter: &Letter) -> Hooks {
        match letter.configuration {
            Some(_) => Hooks::Possible,
            None => Hooks::None,
        }
    }
}

impl Zygote {
    /// Starts one.
    ///
    /// # Errors
    /// There is no process.
    pub(crate) fn start(
        now: Duration,
        host: &Host,
        config: &Config,
        letter: Letter,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<Zygote, StartError> {
        let hooks = Hooks::of(&letter);
        let opening = Opening::Load(letter);
        let (pid, socket) = start::start(host, Some(config), &opening, descriptors)?;
        let zygote = Zygote::known(now, pid, socket, Asked::Load, config.boot_timeout.get());
        Ok(Zygote { hooks, ..zygote })
    }

    /// Starts one that executes a configuration file first.
    ///
    /// # Errors
    /// There is no process.
    pub(crate) fn read(
        now: Duration,
        host: &Host,
        file: &ConfigurationFile,
    ) -> Result<Zygote, StartError> {
        let opening = Opening::Read { version: VERSION.to_owned(), file: file.clone() };
        let (pid, socket) = start::start(host, None, &opening, &[])?;
        // Nobody knows the settings yet.
        let patience = Config::default().boot_timeout.get();
        Ok(Zygote::known(now, pid, socket, Asked::Read, patience))
    }

    /// Has it load the application, when it has executed the file.
    ///
    /// # Errors
    /// It has gone.
    pub(crate) fn load(
        &mut self,
        now: Duration,
        config: &Config,
        letter: Letter,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), PostError> {
        let socket = self.fd().ok_or(PostError::Gone)?;
        let hooks = Hooks::of(&letter);
        post::send(socket, &Opening::Load(letter), descriptors)?;
        self.hooks = hooks;
        self.asked = Some(Asked::Load);
        self.patience = config.boot_timeout.get();
        self.deadline = self.patience.map(|time| now + time);
        Ok(())
    }

    /// Tells it what has happened. One that is so busy that it has no room for another message is not
    /// told.
    pub(crate) fn tell(&self, happening: Happening) {
        let listens = self.life != Life::Ends && self.hooks == Hooks::Possible;
        let sent = self
            .fd()
            .filter(|_| listens)
            .map(|socket| post::send(socket, &Word::Happened(happening.clone()), &[]));
        if let Some(Err(PostError::NotYet)) = sent {
            let pid = self.pid;
            tracing::warn!("The zygote (pid:{pid}) is busy, and no hook is called: {happening:?}");
        }
    }

    /// Tells it that this is the end. The socket ends when it has done what it has to do then.
    pub(crate) fn tell_last(&self) -> Option<BorrowedFd<'_>> {
        if self.hooks == Hooks::None {
            return None;
        }
        self.tell(Happening::Exit);
        self.fd().filter(|_| self.lives())
    }

    fn known(
        now: Duration,
        pid: Pid,
        socket: OwnedFd,
        asked: Asked,
        patience: Option<Duration>,
    ) -> Zygote {
        Zygote {
            pid,
            socket: Some(socket),
            life: Life::Lives,
            asked: Some(asked),
            deadline: patience.map(|time| now + time),
            patience,
            orders: VecDeque::new(),
            hooks: Hooks::None,
            workers: BTreeSet::new(),
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Readable when it has something to say.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    /// Whether workers can still be asked for.
    pub(crate) fn lives(&self) -> bool {
        self.life == Life::Lives
    }

    /// When [`Zygote::expire`] is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Asks for a worker, now or when it can be asked.
    pub(crate) fn ask(&mut self, now: Duration, order: Order) -> Vec<News> {
        self.orders.push_back(order);
        self.go_on(now)
    }

    /// A worker is not needed any more. Its order is taken back, unless it has been given already.
    pub(crate) fn take_back(&mut self, slot: Slot) -> Option<News> {
        let at = self.orders.iter().position(|order| order.slot == slot)?;
        self.orders.remove(at);
        Some(News::NotForked(slot, "it is not needed any more".to_owned()))
    }

    fn go_on(&mut self, now: Duration) -> Vec<News> {
        let mut news = Vec::new();
        while self.lives()
            && self.asked.is_none()
            && let Some(order) = self.orders.pop_front()
        {
            match self.give(&order) {
                Ok(()) => {
                    self.asked = Some(Asked::Fork(order.slot, order.age));
                    self.deadline = self.patience.map(|time| now + time);
                }
                // It has gone, and its end comes next.
                Err(PostError::Gone) => {
                    self.orders.push_front(order);
                    break;
                }
                Err(error) => news.push(News::NotForked(order.slot, error.to_string())),
            }
        }
        news
    }

    fn give(&self, order: &Order) -> Result<(), PostError> {
        let socket = self.fd().ok_or(PostError::Gone)?;
        let addresses = order.listeners.iter().map(|listener| listener.spec().to_string());
        let addresses = addresses.collect();
        let fork = Word::Fork(Fork { slot: order.slot.0, age: order.age, addresses });
        let sockets = order.listeners.iter().map(AsFd::as_fd);
        let descriptors: Vec<_> = [order.table.as_fd()].into_iter().chain(sockets).collect();
        post::send(socket, &fork, &descriptors)
    }

    /// What it has said since it was last heard, and what comes of it.
    pub(crate) fn hear(&mut self, now: Duration) -> Vec<News> {
        let mut news = Vec::new();
        while let Some(socket) = self.fd() {
            match post::receive::<Answer>(socket) {
                Ok((answer, _)) => news.extend(self.understand(answer)),
                Err(PostError::NotYet) => break,
                Err(error) => {
                    self.socket = None;
                    if !matches!(error, PostError::Gone) {
                        tracing::error!("The zygote (pid:{}) is not understood: {error}", self.pid);
                    }
                    self.end();
                }
            }
        }
        news.extend(self.go_on(now));
        news
    }

    /// What nobody has asked for is no news.
    fn understand(&mut self, answer: Answer) -> Option<News> {
        // Nobody asks for them: a worker that imports the application itself says them for it.
        if let Answer::Folders(folders) = answer {
            return Some(News::Folders(folders));
        }
        let news = match (self.asked?, answer) {
            (Asked::Read, Answer::Read(names)) => News::Read(names),
            (Asked::Read | Asked::Load, Answer::Unreadable { reason, traceback }) => {
                self.life = Life::Ends;
                News::Failed(Failure::Unreadable(reason, traceback))
            }
            (Asked::Read, Answer::Failed { blame, reason }) => {
                self.life = Life::Ends;
                News::Failed(Failure::Told(blame, reason))
            }
            (Asked::Load, Answer::Ready) => News::Ready,
            (Asked::Load, Answer::Failed { blame, reason }) => {
                // It is about to end by itself.
                self.life = Life::Ends;
                News::Failed(Failure::Told(blame, reason))
            }
            (Asked::Fork(slot, age), Answer::Forked { slot: told, pid }) if slot.0 == told => {
                self.workers.insert(age);
                News::Forked(slot, Pid::from_raw(pid))
            }
            (Asked::Fork(slot, _), Answer::NotForked { slot: told, reason }) if slot.0 == told => {
                News::NotForked(slot, reason)
            }
            _ => return None,
        };
        self.asked = None;
        self.deadline = None;
        Some(news)
    }

    /// Has it end: it is not needed any more. What it has been asked for is answered by
    /// [`Zygote::bury`].
    pub(crate) fn end(&mut self) {
        if self.life != Life::Ends {
            // It has not been reaped, so its number is its own. The only error is that it has ended.
            let _ = kill(self.pid, Signal::SIGKILL);
        }
        self.life = Life::Ends;
        self.deadline = None;
    }

    /// Has it end when it has called the hooks for all that it was told, the end of its last worker
    /// included.
    pub(crate) fn retire(&mut self, now: Duration) {
        if !self.lives() || self.asked.is_some() || self.hooks == Hooks::None {
            return self.end();
        }
        self.life = Life::Retires;
        self.leave_if_alone(now);
    }

    /// A worker has ended.
    pub(crate) fn tell_end(&mut self, now: Duration, pid: Pid, age: u64) {
        if self.workers.remove(&age) {
            self.tell(Happening::Ended { pid: pid.as_raw(), age });
            self.leave_if_alone(now);
        }
    }

    fn leave_if_alone(&mut self, now: Duration) {
        if self.life == Life::Retires && self.workers.is_empty() {
            if let Some(socket) = self.fd() {
                no_more_orders(socket);
            }
            self.deadline = Some(now + LAST_HOOKS);
        }
    }

    /// Gives it up if its time has come. When that is found out late, the master, and so probably the
    /// whole machine, did not run: then it gets the time back.
    pub(crate) fn expire(&mut self, now: Duration) -> Option<News> {
        let late = self.deadline.and_then(|deadline| now.checked_sub(deadline))?;
        if late > ASLEEP {
            self.deadline = Some(now + late);
            return None;
        }
        self.end();
        let loading = self.asked.take_if(|asked| !matches!(asked, Asked::Fork(..)));
        let reason = match loading? {
            Asked::Read => "the configuration file was not executed within a minute",
            Asked::Load | Asked::Fork(..) => "the application was not imported within boot_timeout",
        };
        Some(News::Failed(Failure::Passing(reason.to_owned())))
    }

    /// It was reaped. What it had been asked for, and has not done, will not be done.
    pub(crate) fn bury(mut self, now: Duration, how: Ending) -> Vec<News> {
        // What it forked just now may still be telling so. From here on it cannot tell, and a worker
        // that nobody has heard of ends.
        if let Some(socket) = self.fd() {
            no_more_words(socket);
        }
        self.life = Life::Ends;
        let mut news = self.hear(now);
        let pid = self.pid;
        let asked = match self.asked {
            Some(Asked::Fork(slot, _)) => Some(slot),
            Some(asked @ (Asked::Read | Asked::Load)) => {
                news.push(News::Failed(unsaid(pid, asked, how)));
                None
            }
            None => None,
        };
        let waiting = self.orders.drain(..).map(|order| order.slot);
        let reason = format!("the zygote (pid:{pid}) {how}");
        let lost = asked.into_iter().chain(waiting);
        news.extend(lost.map(|slot| News::NotForked(slot, reason.clone())));
        news
    }
}

/// It ended before it had loaded anything.
fn unsaid(pid: Pid, asked: Asked, how: Ending) -> Failure {
    let (what, done, doing) = match asked {
        Asked::Read => ("configuration file", "executed", "executing"),
        Asked::Load | Asked::Fork(..) => ("application", "imported", "importing"),
    };
    match how {
        Ending::Code(code) => Failure::Ended(format!(
            "the {what} ended its process while it was {done}: exit code {code}"
        )),
        Ending::Signal(_) | Ending::OutOfMemory => {
            Failure::Passing(format!("the process that was {doing} the {what} (pid:{pid}) {how}"))
        }
    }
}

/// Has the zygote find the end of its orders when it has read the last.
#[expect(clippy::disallowed_methods, reason = "it is no listening socket")]
fn no_more_orders(socket: BorrowedFd<'_>) {
    // The only error is that the other end has been closed.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Write);
}

/// Has whoever is at the other end find that nobody listens; what was sent before can still be read.
#[expect(clippy::disallowed_methods, reason = "it is no listening socket")]
fn no_more_words(socket: BorrowedFd<'_>) {
    // The only error is that the other end has been closed.
    let _ = shutdown(socket.as_raw_fd(), Shutdown::Read);
}

#[cfg(test)]
mod tests;
