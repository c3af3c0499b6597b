//! The zygotes of the generations in use: which of them is asked for a worker, and what becomes an
//! event of what they say. The configuration of a reload has its zygote before it has a number: it
//! is in force only when that one has loaded the application, so that a broken one changes nothing.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::unistd::Pid;
use oxicorn_core::in_flight::InFlightTable;
use oxicorn_core::scoreboard::{Generation, Slot, State};

use super::hooked::{Ages, say_all};
use super::{Driver, Seen};
use crate::event::{Ending, Event, Settings};
use crate::line::{BootFailure, Line};
use crate::master::Plan;
use crate::zygote::nursery::{Failure, News, Order, Zygote};
use crate::zygote::words::Stage;
use crate::zygote::{Host, Reader, Unread};

/// Whether somebody has asked for another reload since the one that is going on was begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Again {
    #[default]
    No,
    Yes,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Brood {
    /// The scoreboard, for those who are to map it.
    board: Option<OwnedFd>,
    zygotes: BTreeMap<Generation, Zygote>,
    /// It executes the configuration file of a reload.
    pub(super) reading: Option<Zygote>,
    /// Which file that is.
    pub(super) file: String,
    /// It has executed that of the start.
    reader: Option<Zygote>,
    /// A configuration that was read, and the zygote that loads its application.
    loading: Option<(Plan, Zygote)>,
    again: Again,
    /// Those that end, until they are reaped.
    former: Vec<Zygote>,
    /// What the next letter for the generation in force says.
    stage: Option<Stage>,
    pub(super) ages: Ages,
}

impl Brood {
    pub(crate) fn new(reader: Option<Reader>, board: Option<OwnedFd>) -> Brood {
        let reader = reader.map(|Reader(zygote)| zygote);
        Brood { board, reader, stage: Some(Stage::Start), ..Brood::default() }
    }

    fn all(&self) -> impl Iterator<Item = &Zygote> {
        let loading = self.loading.iter().map(|(_, zygote)| zygote);
        let readers = self.reading.iter().chain(&self.reader);
        self.zygotes.values().chain(loading).chain(readers).chain(&self.former)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Zygote> {
        let loading = self.loading.iter_mut().map(|(_, zygote)| zygote);
        let readers = self.reading.iter_mut().chain(&mut self.reader);
        self.zygotes.values_mut().chain(loading).chain(readers).chain(&mut self.former)
    }

    /// Those that workers were made by.
    pub(super) fn hosts(&mut self) -> impl Iterator<Item = &mut Zygote> {
        self.zygotes.values_mut().chain(&mut self.former)
    }

    /// That of the configuration in force.
    pub(super) fn newest(&self) -> Option<&Zygote> {
        self.zygotes.values().next_back()
    }

    /// Readable when one of them has something to say.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.all().filter_map(Zygote::fd)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.all().filter_map(Zygote::deadline).min()
    }

    /// Whether a reload is going on of which the arbiter has not heard yet.
    pub(super) fn is_loading(&self) -> bool {
        self.loading.is_some() || self.reading.is_some()
    }

    /// The configuration of that reload.
    pub(super) fn loading(&self) -> Option<&Plan> {
        self.loading.as_ref().map(|(plan, _)| plan)
    }

    /// The generation has a number now.
    pub(super) fn adopt(&mut self, generation: Generation, zygote: Zygote) {
        self.zygotes.insert(generation, zygote);
    }

    /// It is not needed any more.
    pub(super) fn dismiss(&mut self, mut zygote: Zygote) {
        zygote.end();
        self.former.push(zygote);
    }

    /// None of its workers is left.
    pub(super) fn dismiss_generation(&mut self, now: Duration, generation: Generation) {
        if let Some(mut zygote) = self.zygotes.remove(&generation) {
            zygote.retire(now);
            self.former.push(zygote);
        }
    }

    /// The master ends: nobody is left to be asked.
    pub(super) fn end(&mut self) {
        self.all_mut().for_each(Zygote::end);
    }

    fn remove(&mut self, pid: Pid) -> Option<Zygote> {
        if let Some(zygote) = self.reader.take_if(|zygote| zygote.pid() == pid) {
            return Some(zygote);
        }
        if let Some(at) = self.former.iter().position(|zygote| zygote.pid() == pid) {
            return Some(self.former.swap_remove(at));
        }
        let found = self.zygotes.iter().find(|(_, zygote)| zygote.pid() == pid);
        let generation = found.map(|(&generation, _)| generation)?;
        self.zygotes.remove(&generation)
    }
}

impl Driver {
    /// Has one load the application: the one that has executed the configuration file, or a new one.
    fn start_zygote(
        &mut self,
        plan: &Plan,
        host: &Host,
        stage: Stage,
        reader: Option<Zygote>,
    ) -> Result<Zygote, String> {
        let reader = reader.and_then(|reader| match reader.lives() {
            true => Some(reader),
            false => {
                self.brood.dismiss(reader);
                None
            }
        });
        let Some(board) = &self.brood.board else {
            return Err("this master was not started for an application in another language".into());
        };
        let letter = plan.letter(host, stage);
        let [life, bell] = self.lifeline.ends();
        let descriptors = [board.as_fd(), life, bell];
        let now = self.started.elapsed();
        match reader {
            Some(mut reader) => match reader.load(now, &plan.config, letter, &descriptors) {
                Ok(()) => Ok(reader),
                Err(error) => {
                    self.brood.dismiss(reader);
                    Err(error.to_string())
                }
            },
            None => Zygote::start(now, host, &plan.config, letter, &descriptors)
                .map_err(|error| error.to_string()),
        }
    }

    /// Asks for a worker. What comes of it comes as an event, at once only if it cannot be asked.
    pub(super) fn spawn_hosted(&mut self, slot: Slot, generation: Generation, host: &Host) {
        if let Err(reason) = self.ask_for(slot, generation, host) {
            self.events.push_back(Event::SpawnFailed { slot, reason });
        }
    }

    fn ask_for(&mut self, slot: Slot, generation: Generation, host: &Host) -> Result<(), String> {
        let plan = self.plans.get(&generation).ok_or("its generation is gone")?.clone();
        let (table, file) = InFlightTable::in_file(&plan.config)
            .map_err(|error| format!("memory for its requests: {error}"))?;
        let listeners = self.sockets.copies(&plan.config.bind);
        let listeners = listeners.map_err(|error| format!("its sockets: {error}"))?;
        let able = self.brood.zygotes.get(&generation).is_some_and(Zygote::lives);
        if !able {
            let now = self.started.elapsed();
            self.brood.dismiss_generation(now, generation);
            let (reader, stage) = (self.brood.reader.take(), self.brood.stage.take());
            let zygote = self.start_zygote(&plan, host, stage.unwrap_or(Stage::Again), reader)?;
            self.brood.adopt(generation, zygote);
        }
        self.board.take(slot, generation);
        self.tables.insert(slot, table);
        let now = self.started.elapsed();
        let zygote = self.brood.zygotes.get_mut(&generation);
        let age = self.brood.ages.next(slot);
        let order = Order { slot, age, table: file, listeners };
        let news = zygote.map(|zygote| zygote.ask(now, order)).unwrap_or_default();
        self.take_in(news);
        Ok(())
    }

    /// A worker that was asked for is not needed any more.
    pub(super) fn unspawn(&mut self, slot: Slot) {
        let news: Vec<News> =
            self.brood.all_mut().filter_map(|zygote| zygote.take_back(slot)).collect();
        self.take_in(news);
    }

    /// Makes events of what they have said, and gives up those who owe an answer for too long.
    pub(super) fn hear_zygotes(&mut self) {
        let now = self.started.elapsed();
        let listened = |zygote: &mut Zygote| {
            let mut news = zygote.hear(now);
            news.extend(zygote.expire(now));
            news
        };
        let reading = self.brood.reading.as_mut().map(listened).unwrap_or_default();
        self.take_in_reading(reading);
        if let Some((_, zygote)) = &mut self.brood.loading {
            let news = listened(zygote);
            self.take_in_loading(news);
        }
        let others = self.brood.zygotes.values_mut().chain(&mut self.brood.former);
        let news: Vec<News> = others.flat_map(listened).collect();
        self.take_in(news);
    }

    /// Whether it was a zygote that was reaped.
    pub(super) fn bury(&mut self, pid: Pid, how: Ending) -> Option<()> {
        let now = self.started.elapsed();
        if let Some(zygote) = self.brood.reading.take_if(|zygote| zygote.pid() == pid) {
            let news = zygote.bury(now, how);
            return self.read_ended(None, news);
        }
        let loading = self.brood.loading.as_ref().is_some_and(|(_, zygote)| zygote.pid() == pid);
        if loading {
            let (plan, zygote) = self.brood.loading.take()?;
            let news = zygote.bury(now, how);
            return self.load_ended(plan, None, news);
        }
        let news = self.brood.remove(pid)?.bury(now, how);
        self.take_in(news);
        Some(())
    }

    fn take_in(&mut self, news: Vec<News>) {
        for news in self.take_out_folders(news) {
            match news {
                News::Folders(_) | News::Read(_) | News::Ready => {}
                News::Failed(failure) => self.app_failed(failure),
                News::Forked(slot, pid) => {
                    self.seen.insert(slot, Seen { pid, state: State::Booting });
                    self.events.push_back(Event::Spawned { slot, pid });
                }
                News::NotForked(slot, reason) => {
                    self.events.push_back(Event::SpawnFailed { slot, reason });
                }
            }
        }
    }

    fn app_failed(&mut self, failure: Failure) {
        let reason = match failure {
            Failure::Told(blame, _) => blame.boot_failure(),
            Failure::Unreadable(reason, traceback) => {
                Line::AppFailed { reason }.write();
                say_all(&traceback);
                BootFailure::Failed
            }
            Failure::Ended(reason) => {
                Line::AppFailed { reason }.write();
                BootFailure::Failed
            }
            Failure::Passing(reason) => return Line::AppFailed { reason }.write(),
        };
        self.events.push_back(Event::AppFailed { reason });
    }

    /// A reload: the configuration was read, and its application is to be loaded. Answered by
    /// [`Event::ConfigLoaded`].
    pub(super) fn begin_load(&mut self, plan: Plan, host: &Host, reader: Option<Zygote>) {
        let stage = Stage::Reload { workers: self.arbiter.target() };
        match self.start_zygote(&plan, host, stage, reader) {
            Ok(zygote) => self.brood.loading = Some((plan, zygote)),
            Err(reason) => self.load_failed(reason),
        }
    }

    /// To be done once more, from the beginning, when this one has ended.
    pub(super) fn load_again(&mut self) {
        self.brood.again = Again::Yes;
    }

    fn take_in_loading(&mut self, news: Vec<News>) {
        let news = self.take_out_folders(news);
        if !news.is_empty()
            && let Some((plan, zygote)) = self.brood.loading.take()
        {
            self.load_ended(plan, Some(zygote), news);
        }
    }

    fn load_ended(&mut self, plan: Plan, zygote: Option<Zygote>, news: Vec<News>) -> Option<()> {
        let failure = news.into_iter().find_map(|news| match news {
            News::Failed(failure) => Some(failure),
            News::Folders(_) | News::Read(_) | News::Ready => None,
            News::Forked(..) | News::NotForked(..) => None,
        });
        match (failure, zygote) {
            (Some(failure), zygote) => {
                zygote.into_iter().for_each(|zygote| self.brood.dismiss(zygote));
                let Unread { reason, traceback } = failure.into();
                self.load_failed(reason);
                say_all(&traceback);
            }
            (None, zygote) => {
                let settings = Settings::from(&*plan.config);
                self.loaded.push_back((plan, zygote));
                self.events.push_back(Event::ConfigLoaded(Ok(settings)));
            }
        }
        self.load_over();
        Some(())
    }

    /// A reload has been answered.
    pub(super) fn load_over(&mut self) {
        if std::mem::take(&mut self.brood.again) == Again::Yes {
            self.load();
        }
    }

    /// Nothing has changed but what the reading itself did to this process.
    pub(super) fn load_failed(&mut self, reason: String) {
        if let Some(plan) = self.plans.get(&self.arbiter.generation()) {
            (self.restore)(&plan.config);
        }
        self.close_unwanted();
        self.events.push_back(Event::ConfigLoaded(Err(reason)));
    }
}
