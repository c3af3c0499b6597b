//! What the driver would do, done to the world: processes that are asked for, told and collected.

use super::*;

impl World {
    /// What the driver would do.
    pub(super) fn perform(&mut self, action: &Action) -> Result<(), String> {
        match action {
            Action::Spawn { slot, generation } => {
                if self.dropped.contains(generation) || !self.configs.contains_key(generation) {
                    return Err(format!(
                        "{generation:?} is started, and its configuration is gone"
                    ));
                }
                let process = Process::new(*generation);
                if self.processes.insert(*slot, process).is_some() {
                    return Err(format!("{slot:?} was not free"));
                }
                let time = self.until_forked();
                self.later(time, Happening::Forks(*slot));
            }
            Action::Unspawn { slot } => self.unspawned(*slot)?,
            Action::Kill { pid, signal } => self.deliver(*pid, *signal)?,
            Action::ShowInFlight { slot } => {
                if !self.processes.contains_key(slot) {
                    return Err(format!(
                        "the requests of {slot:?} are shown, and nobody was in it"
                    ));
                }
            }
            Action::Release { slot } => {
                if self.processes.get(slot).is_some_and(|p| !p.reaped) {
                    return Err(format!("{slot:?} is released, and somebody is in it"));
                }
                self.processes.remove(slot);
            }
            Action::Reap => {
                let mut dead = self.processes.values_mut().filter(|p| !p.reaped);
                let ended = dead.find_map(|p| Some((p.pid?, p.ended?, p)));
                if let Some((pid, how, process)) = ended {
                    process.reaped = true;
                    self.news.push_front(Event::Exited { pid, how });
                } else if let Some((pid, how)) = self.kin.reap() {
                    self.news.push_front(Event::Exited { pid, how });
                }
            }
            Action::LoadConfig => {
                let bad = self.mood == Mood::Noisy && self.percent(20);
                // One that is tired makes for many steps, so there are few of them.
                let tired = self.mood == Mood::Noisy && self.percent(8);
                let natures = [Nature::Good, Nature::Good, Nature::Flaky, Nature::Bad];
                let nature = match self.mood {
                    Mood::Noisy if tired => Nature::Tired,
                    Mood::Noisy => one_of(&mut self.chance, &natures),
                    Mood::Quiet => Nature::Good,
                };
                let settings = World::some_settings(&mut self.chance);
                self.count(if bad { "refused config" } else { "loaded config" });
                self.answers.push_back(match bad {
                    true => Err("nonsense".to_owned()),
                    false => Ok((settings, nature)),
                });
                let time = self.millis(5);
                self.later(time, Happening::Loads);
            }
            Action::AdoptConfig { generation } => {
                let config = self.loaded.pop_front().ok_or("nothing was loaded")?;
                self.configs.insert(*generation, config);
                // The new configuration is given its own chance.
                self.recycled.clear();
            }
            Action::DropConfig { generation } => {
                if !self.dropped.insert(*generation) {
                    return Err(format!("{generation:?} is dropped twice"));
                }
            }
            Action::Exit { code } => {
                if self.exit.replace(*code).is_some() {
                    return Err("two exits".to_owned());
                }
            }
            Action::Upgrade => self.asked_to_upgrade()?,
            Action::LookAtQueues => self.look_at_queues(),
            Action::StopSoon
            | Action::EndServer
            | Action::ForgetSuccessor
            | Action::TellReady
            | Action::TellLeaving
            | Action::Promote
            | Action::ReopenLogs
            | Action::Log(_) => {}
        }
        Ok(())
    }

    fn deliver(&mut self, pid: Pid, signal: Signal) -> Result<(), String> {
        if self.kin.is_successor(pid) {
            return self.deliver_to_successor(signal);
        }
        let found = self.processes.iter().find(|(_, p)| p.pid == Some(pid) && !p.reaped);
        let Some((&slot, process)) = found else {
            return Err(format!("{signal:?} for {pid}, which is no worker"));
        };
        let obstinate = process.temper == Temper::Obstinate || process.silent_since.is_some();
        let graceful = self.settings().graceful_timeout.unwrap_or(Duration::from_secs(20));
        let soon = |how| (!obstinate).then_some(how);
        // They have nothing to do, and leave as fast as they have come.
        let tired = self.configs[&process.generation].1 == Nature::Tired;
        let (time, how) = match signal {
            Signal::Term if tired => (self.millis(5), soon(Ending::Code(0))),
            Signal::Term => (self.within(graceful * 5 / 4), soon(Ending::Code(0))),
            Signal::Quit => (self.millis(300), soon(Ending::Code(0))),
            Signal::Abrt => {
                let dies = self.percent(80).then_some(Ending::Signal(libc::SIGABRT));
                (self.millis(200), dies)
            }
            Signal::Kill => (self.millis(50), Some(Ending::Signal(libc::SIGKILL))),
            _ => return Ok(()),
        };
        // Without a limit, only its own end makes a silent worker leave.
        let unlimited = obstinate && self.settings().graceful_timeout.is_none();
        let how = how.or(unlimited.then_some(Ending::Code(0)));
        self.rules_for(slot, signal)?;
        if let Some(how) = how {
            self.later(time, Happening::Ends(slot, pid, how));
        }
        Ok(())
    }
}
