//! The hands of the master: performs what [`Arbiter::step`] has decided, and tells it what happens.
//! It decides nothing itself but the order in which it tells: which workers have become ready, then
//! signals, then what else the workers say, and then the children that have ended.
//!
//! One poll(2) is the only place where the master waits.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use oxicorn_core::config::Config;
use oxicorn_core::in_flight::{self, Extent, InFlightTable};
use oxicorn_core::lifeline::MasterLifeline;
use oxicorn_core::scoreboard::{Generation, Scoreboard, Slot, State, Writers};
use oxicorn_core::sys;

use crate::event::{Action, Ending, Event, Phase, Settings, Signal};
use crate::herald::Herald;
use crate::life::{Engagement, Inheritance};
use crate::line::Line;
use crate::master::{Master, Plan, Reload, poll_timeout};
use crate::observer::Observer;
use crate::oom::{OomKills, Risen};
use crate::signals::Signals;
use crate::sockets::Sockets;
use crate::spawn::{self, Forked};
use crate::state::{Arbiter, FIRST};
use crate::watch::{Change, Code, Watcher};
use crate::zygote::nursery::Zygote;

mod brood;
mod configuration;
mod hooked;
pub(crate) mod lineage;

use brood::Brood;
use configuration::code;
use lineage::Lineage;

/// What this process is when the loop ends.
enum Role {
    /// The master, at its end.
    Master(ExitCode),
    /// A worker, at its beginning.
    Worker(Slot, Plan, InFlightTable),
}

/// A worker as the scoreboard last showed it.
struct Seen {
    pid: Pid,
    state: State,
}

/// What a start or a reload leaves to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Ahead,
    Over,
}

pub(crate) struct Driver {
    arbiter: Arbiter,
    started: Instant,
    events: VecDeque<Event>,
    plans: BTreeMap<Generation, Plan>,
    /// Loaded, and not adopted yet.
    loaded: VecDeque<(Plan, Option<Zygote>)>,
    brood: Brood,
    reload: Reload,
    restore: Box<dyn FnMut(&Config)>,
    reopen_logs: Box<dyn FnMut()>,
    herald: Herald,
    sockets: Sockets,
    signals: Signals,
    lifeline: MasterLifeline,
    board: Scoreboard,
    seen: BTreeMap<Slot, Seen>,
    /// The requests of each worker.
    tables: BTreeMap<Slot, InFlightTable>,
    oom_kills: OomKills,
    lineage: Lineage,
    observer: Observer,
    /// Whether there was anything left to do before the last wait.
    rest: Rest,
    watcher: Option<Watcher>,
    /// This program.
    code: Code,
}

impl Driver {
    pub(crate) fn new(
        master: Master,
        started: Instant,
        signals: Signals,
        lifeline: MasterLifeline,
        (board, file): (Scoreboard, Option<OwnedFd>),
        sockets: Sockets,
        lineage: Lineage,
    ) -> Driver {
        let seed = u64::from(std::process::id()) ^ (sys::coarse_millis() << 32);
        let arbiter = Arbiter::new(Settings::from(&*master.plan.config), seed);
        let arbiter = match &lineage.predecessor {
            Some(predecessor) => arbiter.after(predecessor.pid),
            None => arbiter,
        };
        let own = Code::own();
        Driver {
            observer: Observer::new(&master.plan.config),
            watcher: Watcher::of(&master.plan.config, code(&master.plan, &own), None),
            code: own,
            arbiter,
            started,
            events: VecDeque::from([Event::Start]),
            plans: BTreeMap::from([(FIRST, master.plan)]),
            loaded: VecDeque::new(),
            brood: Brood::new(master.reader, file),
            reload: master.reload,
            restore: master.restore,
            reopen_logs: master.reopen_logs,
            herald: master.herald,
            sockets,
            signals,
            lifeline,
            board,
            seen: BTreeMap::new(),
            tables: BTreeMap::new(),
            oom_kills: OomKills::watch(),
            lineage,
            rest: Rest::Ahead,
        }
    }

    pub(crate) fn run(mut self) -> ExitCode {
        if let Some(plan) = self.plans.get(&FIRST) {
            self.announce_addresses(plan);
            announce_class(plan);
        }
        self.show_title();
        match self.supervise() {
            Role::Master(code) => {
                self.lineage.leave_pidfile();
                code
            }
            Role::Worker(slot, plan, table) => self.become_worker(slot, plan, table),
        }
    }

    fn announce_addresses(&self, plan: &Plan) {
        let addresses = self.sockets.addresses(&plan.config.bind).join(",");
        tracing::info!("Listening at: {addresses} ({})", std::process::id());
    }

    /// The title of the configuration in force.
    fn show_title(&self) {
        if let Some(plan) = self.plans.get(&self.arbiter.generation()) {
            sys::set_title(&plan.title("master"));
        }
    }

    fn tell_the_world(&mut self) {
        let phase = self.arbiter.phase();
        match (&self.lineage.successor, phase) {
            (Some(successor), Phase::Stopping(_)) if !self.arbiter.is_alone() => {
                self.herald.hand_over(successor.pid)
            }
            // It is not over.
            (_, Phase::Running) if self.brood.is_loading() => {}
            _ => self.herald.see(phase, self.arbiter.target()),
        }
    }

    /// After a start or a reload, when the last worker is ready, there is little to do for long.
    fn settle_down(&mut self) {
        let ready = self.seen.values().filter(|seen| seen.state == State::Ready).count();
        let is_over = self.arbiter.phase() == Phase::Running
            && ready >= self.arbiter.target()
            && !self.brood.is_loading();
        let rest = if is_over { Rest::Over } else { Rest::Ahead };
        if std::mem::replace(&mut self.rest, rest) != rest && rest == Rest::Over {
            sys::shed_text();
        }
    }

    /// The child's side of the fork: what is not the worker's is closed here, by being dropped.
    fn become_worker(self, slot: Slot, plan: Plan, in_flight: InFlightTable) -> ! {
        // The closures are the master's: what they do when they are dropped is not for a worker.
        std::mem::forget((self.reload, self.restore, self.reopen_logs));
        self.herald.abandon();
        let inheritance = Inheritance {
            listeners: self.sockets.copies(&plan.config.bind),
            slot: self.board.handle(slot, Writers::One),
            in_flight,
            lifeline: self.lifeline.into_worker(),
            title: plan.title("worker"),
            config: plan.config,
        };
        let engagement = Engagement { worker: plan.worker, app: plan.app };
        drop((self.sockets, self.signals, self.plans, self.loaded, self.oom_kills, self.tables));
        drop((self.lineage, self.observer, self.brood, self.watcher));
        spawn::live(inheritance, engagement)
    }

    fn supervise(&mut self) -> Role {
        loop {
            while let Some(event) = self.events.pop_front() {
                for action in self.arbiter.step(self.started.elapsed(), event) {
                    if let ControlFlow::Break(role) = self.perform(action) {
                        return role;
                    }
                }
            }
            self.tell_the_world();
            self.settle_down();
            self.tell_target();
            if let Err(error) = self.wait() {
                // The workers see the end of the lifeline, finish what they have, and leave.
                tracing::error!("Cannot wait for anything any more: {error}");
                return Role::Master(ExitCode::FAILURE);
            }
            self.look();
        }
    }

    /// Waits for a signal, a worker's ring, another master, or the next deadline.
    fn wait(&self) -> Result<(), Errno> {
        let deadline = self.arbiter.next_deadline();
        let left = deadline.map(|deadline| deadline.saturating_sub(self.started.elapsed()));
        let others =
            [self.herald.next_due(), self.observer.may_sleep_for(), self.sockets.may_sleep_for()];
        let zygotes = self.brood.deadline();
        let zygotes = zygotes.map(|deadline| deadline.saturating_sub(self.started.elapsed()));
        let watcher = self.watcher.as_ref().and_then(Watcher::may_sleep_for);
        let others = others.into_iter().chain([zygotes, watcher]).flatten();
        let due = left.into_iter().chain(others).min();
        let timeout = due.map_or(PollTimeout::NONE, poll_timeout);
        let own = [self.signals.fd(), self.lifeline.bell()].into_iter().chain(self.brood.fds());
        let own = own.chain(self.watcher.as_ref().and_then(Watcher::fd));
        let own = own.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let mut fds: Vec<PollFd<'_>> = own.chain(self.lineage.poll_fds()).collect();
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Finds out what has happened. A signal of the operator comes before the death of a child: the
    /// two may be one act, such as Ctrl-C, which the terminal sends to all of them. And it comes behind
    /// the readiness of a worker: who sends it may have been answered by that worker.
    fn look(&mut self) {
        self.herald.beat();
        self.observer.look(&self.board, &self.sockets);
        self.look_at_files();
        self.sockets.close_if_ended();
        self.lifeline.silence();
        let (deaths, signals): (Vec<_>, Vec<_>) =
            self.signals.take().into_iter().partition(|&signal| signal == Signal::Chld);
        self.events.extend(signals.into_iter().map(Event::Signal));
        self.events.extend(self.lineage.news());
        self.hear_zygotes();
        let slots: Vec<Slot> = self.seen.keys().copied().collect();
        for slot in slots {
            let news = self.news_of(slot);
            self.events.extend(news);
        }
        let begins = |event: &Event| matches!(event, Event::Spawned { .. } | Event::Ready { .. });
        self.events.make_contiguous().sort_by_key(|event| !begins(event));
        // However many there are: each that is reaped makes the arbiter ask for the next.
        self.events.extend(deaths.first().copied().map(Event::Signal));
        let now = self.started.elapsed();
        if self.arbiter.next_deadline().is_some_and(|due| due <= now) {
            let ages = self.ages();
            self.events.push_back(Event::Tick { ages });
        }
    }

    /// An edit is an order to reload.
    fn look_at_files(&mut self) {
        match self.watcher.as_mut().and_then(Watcher::look) {
            Some(Change::File(path)) => {
                Line::Changed { path }.write();
                self.events.push_back(Event::Signal(Signal::Hup));
            }
            // To start it is for whoever has started this one: its process is another.
            Some(Change::Program(path)) => Line::ProgramChanged { path }.write(),
            None => {}
        }
    }

    /// What a worker has written into its row since it was last looked at, latest last.
    fn news_of(&mut self, slot: Slot) -> Vec<Event> {
        let state = self.board.state(slot);
        let Some(seen) = self.seen.get_mut(&slot) else { return Vec::new() };
        let before = std::mem::replace(&mut seen.state, state);
        match (before, state) {
            _ if before == state => Vec::new(),
            (State::Booting, State::Weary) => vec![Event::Ready { slot }, Event::Weary { slot }],
            (_, State::Ready) => vec![Event::Ready { slot }],
            (_, State::Weary) => vec![Event::Weary { slot }],
            (_, State::Draining) => vec![Event::Draining { slot }],
            (_, State::Free | State::Booting) => Vec::new(),
        }
    }

    fn ages(&self) -> Vec<(Slot, Duration)> {
        let now = sys::coarse_millis();
        let age = |heartbeat| Duration::from_millis(now.saturating_sub(heartbeat));
        let rows = self.board.rows();
        rows.map(|(slot, row)| (slot, age(row.heartbeat))).collect()
    }

    fn perform(&mut self, action: Action) -> ControlFlow<Role> {
        match action {
            Action::Spawn { slot, generation } => return self.spawn(slot, generation),
            Action::Unspawn { slot } => self.unspawn(slot),
            Action::Kill { pid, signal } => {
                if let Ok(signal) = nix::sys::signal::Signal::try_from(signal.number()) {
                    // The only error left is that it has just ended: then it will be reaped.
                    let _ = nix::sys::signal::kill(pid, signal);
                }
            }
            Action::ShowInFlight { slot } => self.show_in_flight(slot),
            Action::Release { slot } => {
                self.tables.remove(&slot);
                self.seen.remove(&slot);
                self.board.release(slot);
            }
            Action::Reap => self.reap(),
            Action::LoadConfig => self.load(),
            Action::AdoptConfig { generation } => self.adopt(generation),
            Action::DropConfig { generation } => {
                self.plans.remove(&generation);
                self.brood.dismiss_generation(self.started.elapsed(), generation);
                self.close_unwanted();
                self.follow_config();
                self.show_title();
            }
            Action::Upgrade => {
                self.tell_upgrade();
                self.upgrade();
            }
            Action::ForgetSuccessor => self.forget_successor(),
            Action::TellReady => self.tell_ready(),
            Action::TellLeaving => self.tell_leaving(),
            Action::Promote => self.on_promotion(),
            Action::StopSoon => self.board.stop_soon(),
            Action::EndServer => {
                self.sockets.refuse_new();
                self.board.end_server();
                self.sockets.close_when_empty();
            }
            Action::LookAtQueues => {
                let queues = self.sockets.close_when_empty();
                self.events.push_back(Event::QueuesSeen(queues));
            }
            Action::ReopenLogs => (self.reopen_logs)(),
            Action::Log(line) => line.write(),
            Action::Exit { code } => {
                self.herald.leaving(code);
                self.tell_exit();
                self.brood.end();
                self.sockets.close();
                self.sockets.remove_files();
                return ControlFlow::Break(Role::Master(ExitCode::from(code)));
            }
        }
        ControlFlow::Continue(())
    }

    fn spawn(&mut self, slot: Slot, generation: Generation) -> ControlFlow<Role> {
        let Some(plan) = self.plans.get(&generation) else {
            let reason = format!("generation {} is gone", generation.0);
            self.events.push_back(Event::SpawnFailed { slot, reason });
            return ControlFlow::Continue(());
        };
        if let Some(host) = plan.host.clone() {
            self.spawn_hosted(slot, generation, &host);
            return ControlFlow::Continue(());
        }
        let table = match InFlightTable::new(&plan.config) {
            Ok(table) => table,
            Err(error) => {
                let reason = format!("memory for its requests: {error}");
                self.events.push_back(Event::SpawnFailed { slot, reason });
                return ControlFlow::Continue(());
            }
        };
        self.board.take(slot, generation);
        let event = match spawn::fork() {
            Ok(Forked::Child) => {
                return ControlFlow::Break(Role::Worker(slot, plan.clone(), table));
            }
            Ok(Forked::Master(pid)) => {
                self.tables.insert(slot, table);
                let state = State::Booting;
                self.seen.insert(slot, Seen { pid, state });
                Event::Spawned { slot, pid }
            }
            Err(error) => {
                let reason = error.to_string();
                Event::SpawnFailed { slot, reason }
            }
        };
        self.events.push_back(event);
        ControlFlow::Continue(())
    }

    fn show_in_flight(&self, slot: Slot) {
        if let Some(table) = self.tables.get(&slot) {
            in_flight::report(table, self.board.row(slot).in_flight, Extent::All(&[]));
        }
    }

    /// Collects one child. What it wrote last is told before its end, and both before anything else:
    /// its pid may be another's from now on.
    fn reap(&mut self) {
        let (pid, how) = loop {
            let Some((pid, how)) = spawn::reap() else {
                return;
            };
            // The start of a worker may not have been heard of yet: it was told before it could end.
            self.hear_zygotes();
            if self.bury(pid, how).is_none() {
                break (pid, how);
            }
        };
        let slot = self.seen.iter().find(|(_, seen)| seen.pid == pid);
        let slot = slot.map(|(&slot, _)| slot);
        slot.into_iter().for_each(|slot| self.tell_end(slot, pid));
        let killed = slot.is_some() && how == Ending::Signal(libc::SIGKILL);
        let how = match killed.then(|| self.oom_kills.risen()) {
            Some(Risen::Yes) => Ending::OutOfMemory,
            Some(Risen::No) | None => how,
        };
        // Its start may not have been told yet, either.
        let start = |event: &Event| match event {
            Event::Spawned { pid: started, .. } | Event::Upgraded { pid: started } => {
                *started == pid
            }
            _ => false,
        };
        let started = self.events.iter().position(start).and_then(|at| self.events.remove(at));
        self.events.push_front(Event::Exited { pid, how });
        let successor = self.lineage.successor.as_ref().is_some_and(|it| it.pid == pid);
        let news = match successor {
            true => self.lineage.hear(),
            false => slot.map(|slot| self.news_of(slot)).unwrap_or_default(),
        };
        for earlier in news.into_iter().rev().chain(started) {
            self.events.push_front(earlier);
        }
    }
}

fn announce_class(plan: &Plan) {
    let class = plan.worker.names().first().copied().unwrap_or_default();
    tracing::info!("Using worker: {class}");
}
