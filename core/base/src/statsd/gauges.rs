//! What the master tells statsd: how many workers there are, how much they have in hand, who waits
//! in front of the door, and what the master itself has complained of. Once a second, in a datagram
//! that the kernel takes at once or not at all.

use std::time::{Duration, Instant};

use super::wire::{self, Names, Parcel};
use crate::config::Config;
use crate::log::counts::Complaints;
use crate::post::{Lookups, Place, Post};
use crate::sys::tcp::AcceptQueue;

/// The state of the whole server at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Worker processes.
    pub workers: u64,
    /// Requests that an application has in hand.
    pub in_flight: u64,
    /// The queues of all listening TCP sockets together; `None`: there is none that can be asked.
    pub queue: Option<AcceptQueue>,
}

/// See the module.
#[derive(Debug)]
pub struct Gauges {
    post: Post,
    names: Names,
    complaints: Complaints,
    due: Instant,
}

impl Gauges {
    /// None: the settings name no daemon. A name is looked up here, and never again.
    pub fn from_settings(config: &Config, now: Instant) -> Option<Gauges> {
        let place = Place::from(config.statsd_host.as_ref()?);
        Some(Gauges {
            post: Post::new(place, Lookups::First),
            names: Names::of(config),
            complaints: Complaints::now(),
            due: now,
        })
    }

    /// How long it is until the next report.
    pub fn due_in(&self, now: Instant) -> Duration {
        self.due.saturating_duration_since(now)
    }

    /// Reports, if it is time to. `look` is asked only then.
    pub fn report(&mut self, now: Instant, look: impl FnOnce() -> Vitals) {
        if now < self.due {
            return;
        }
        self.due = now + super::INTERVAL;
        let (vitals, mut parcel) = (look(), Parcel::default());
        let mut gauge = |name, value| self.names.gauge(&mut parcel, name, value);
        gauge("gunicorn.workers", vitals.workers);
        gauge("gunicorn.request.in_flight", vitals.in_flight);
        if let Some(queue) = vitals.queue {
            gauge("gunicorn.backlog", queue.waiting);
            gauge("gunicorn.backlog.limit", queue.limit);
        }
        let now = Complaints::now();
        wire::complaints(&mut parcel, &self.names, &now, &self.complaints);
        self.complaints = now;
        parcel.post(&mut self.post, Duration::ZERO);
    }
}
