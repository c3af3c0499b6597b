//! Workers that are not copies of the master: whoever makes them has an application to load first, may
//! die at any moment, and takes back an order that it has not begun.

use super::*;
use crate::line::BootFailure;

/// Who makes the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Makes {
    /// The master, at once.
    Copies,
    /// Another process, when it can.
    Orders,
}

impl World {
    /// How long it takes until the process is there.
    pub(super) fn until_forked(&mut self) -> Duration {
        let longest = match self.makes {
            Makes::Copies => 5,
            Makes::Orders => one_of(&mut self.chance, &[5, 5, 200, 5_000]),
        };
        self.millis(longest)
    }

    /// The master has said that it needs this one no more.
    pub(super) fn unspawned(&mut self, slot: Slot) -> Result<(), String> {
        let answered =
            |event: &Event| matches!(event, Event::SpawnFailed { slot: s, .. } if *s == slot);
        if self.news.iter().any(answered) {
            return Ok(());
        }
        let process = self.processes.get_mut(&slot).ok_or("it was never asked for")?;
        process.forgone = true;
        let begun = process.pid.is_some();
        if self.makes == Makes::Orders && !begun && self.percent(70) {
            self.count("taken back");
            self.order_fails(slot, "it is not needed any more");
        }
        Ok(())
    }

    fn order_fails(&mut self, slot: Slot, reason: &str) {
        self.agenda.retain(|_, what| !matches!(what, Happening::Forks(s) if *s == slot));
        self.processes.remove(&slot);
        let reason = reason.to_owned();
        self.news.push_back(Event::SpawnFailed { slot, reason });
    }

    /// Whoever makes the workers dies, or has found that the application does not load.
    pub(super) fn zygote_dies(&mut self) {
        if self.makes == Makes::Copies {
            return;
        }
        let waiting = self.processes.iter().filter(|(_, process)| process.pid.is_none());
        let waiting: Vec<Slot> = waiting.map(|(&slot, _)| slot).collect();
        self.count("zygote dies");
        if !waiting.is_empty() && self.percent(30) {
            self.count("app failed");
            let reason = BootFailure::NotFound;
            self.news.push_back(Event::AppFailed { reason });
        }
        waiting.into_iter().for_each(|slot| self.order_fails(slot, "the zygote has gone"));
    }
}
