//! What the driver does about a configuration: it is loaded, opened, given a number, and left.

use oxicorn_core::listener::Terms;
use oxicorn_core::scoreboard::Generation;

use super::{Driver, announce_class};
use crate::event::{Event, Settings};
use crate::master::{Plan, Reloaded};
use crate::observer::Observer;
use crate::watch::{Code, Watcher};
use crate::zygote::nursery::Zygote;

impl Driver {
    pub(super) fn load(&mut self) {
        self.herald.reloading();
        if self.brood.is_loading() {
            return self.load_again();
        }
        match (self.reload)(None) {
            Ok(Reloaded::Plan(plan)) => self.take_plan(*plan, None),
            Ok(Reloaded::Program { host, file }) => self.begin_read(&host, &file),
            Err(error) => self.events.push_back(Event::ConfigLoaded(Err(error.to_string()))),
        }
    }

    /// `reader` has executed the configuration file that it was made of.
    pub(super) fn take_plan(&mut self, plan: Plan, reader: Option<Zygote>) {
        let answer = match self.open(&plan) {
            Ok(()) if let Some(host) = plan.host.clone() => {
                return self.begin_load(plan, &host, reader);
            }
            Ok(()) => {
                let settings = Settings::from(&*plan.config);
                self.loaded.push_back((plan, None));
                Ok(settings)
            }
            Err(reason) => Err(reason),
        };
        reader.into_iter().for_each(|reader| self.brood.dismiss(reader));
        self.events.push_back(Event::ConfigLoaded(answer));
    }

    /// What a configuration needs of the system.
    fn open(&mut self, plan: &Plan) -> Result<(), String> {
        self.lineage.check_pidfile(&plan.config)?;
        let terms = Terms::of(&plan.config).map_err(|error| error.to_string())?;
        let added = self.sockets.add(&plan.config.bind, &terms);
        added.map_err(|error| error.to_string())
    }

    pub(super) fn adopt(&mut self, generation: Generation) {
        let Some((plan, zygote)) = self.loaded.pop_front() else {
            return;
        };
        zygote.into_iter().for_each(|zygote| self.brood.adopt(generation, zygote));
        self.brood.ages.forget_target();
        self.observer = Observer::new(&plan.config);
        let code = code(&plan, &self.code);
        self.watcher = Watcher::of(&plan.config, code, self.watcher.take());
        let before = self.plans.last_key_value().map(|(_, plan)| plan);
        if before.is_none_or(|before| before.config.bind != plan.config.bind) {
            self.announce_addresses(&plan);
        }
        if before.is_none_or(|before| before.worker.names() != plan.worker.names()) {
            announce_class(&plan);
        }
        self.plans.insert(generation, plan);
        self.follow_config();
        self.show_title();
    }

    /// Sees to what the configuration in force says of the master itself.
    pub(super) fn follow_config(&mut self) {
        if let Some(plan) = self.plans.get(&self.arbiter.generation()) {
            self.lineage.move_pidfile(&plan.config);
        }
    }

    /// Closes the sockets that no configuration in use names.
    pub(super) fn close_unwanted(&mut self) {
        let loaded = self.loaded.iter().map(|(plan, _)| plan);
        let plans = self.plans.values().chain(loaded).chain(self.brood.loading());
        let plans: Vec<&Plan> = plans.collect();
        self.sockets.retain(|spec| plans.iter().any(|plan| plan.config.bind.contains(spec)));
    }
}

/// Where the code of a plan is.
pub(super) fn code(plan: &Plan, own: &Code) -> Code {
    match plan.host {
        Some(_) => Code::Hosted,
        None => own.clone(),
    }
}
