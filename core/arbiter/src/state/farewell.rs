//! The time between the order to stop and the stop (`drain_delay`). A load balancer needs a moment
//! to learn that this server will be gone; until then everything is as before, so whatever was being
//! done (a reload, the replacement of a worker) simply goes on, and only the clock runs.

use std::time::Duration;

use super::Arbiter;
use crate::event::{Action, Phase, Signal, Stop};
use crate::line::Line;

impl Arbiter {
    /// SIGTERM, the first one.
    pub(super) fn stop_gracefully(&mut self, now: Duration) {
        // While nobody serves there is nothing to be sent elsewhere; and where another master serves
        // from the same queues, clients are to go on coming.
        let pointless = self.phase == Phase::Starting || !self.is_alone();
        let delay = self.settings.drain_delay.filter(|_| !pointless);
        let Some(delay) = delay else {
            return self.stop(now, Stop::Graceful);
        };
        self.leaves_at = Some(now + delay);
        self.actions.push(Action::StopSoon);
        self.log(Line::StopsIn { time: delay });
    }

    /// A signal that comes during the delay.
    pub(super) fn signal_before_stop(&mut self, now: Duration, signal: Signal) {
        match signal {
            Signal::Usr1 => self.reopen_logs(),
            Signal::Int | Signal::Quit => {
                self.log(Line::QuickShutdown);
                self.stop(now, Stop::Quick);
            }
            Signal::Hup | Signal::Ttin | Signal::Ttou | Signal::Usr2 | Signal::Winch => {
                self.log(Line::TooLate(signal));
            }
            Signal::Term | Signal::Chld | Signal::Abrt | Signal::Kill => {}
        }
    }

    /// Begins the stop when its time has come.
    pub(super) fn end_delay(&mut self, now: Duration) {
        if self.leaves_at.is_some_and(|at| at <= now) {
            self.stop(now, Stop::Graceful);
        }
    }
}
