//! Metrics for statsd and dogstatsd, with gunicorn's names. Requests are counted where their line in
//! the access log is written, thread by thread, and one thread of the worker sends the sums once a
//! second: so a request costs an addition, and a daemon that is not there costs nothing. What concerns
//! the whole server is known to the master, which sends it itself ([`Gauges`]). Without `statsd_host`
//! none of this exists.
//!
//! A counter is sent as the sum of the second. Of the times of a second at most a thousand are sent,
//! picked at random, with the rate that says how many they stand for.

mod gauges;
mod tally;
mod wire;

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::config::Config;
use crate::log::counts::Complaints;
use crate::post::{Lookups, Place, Post};
pub use gauges::{Gauges, Vitals};
pub(crate) use tally::Sample;
use tally::Tally;
use wire::{Names, Parcel};

/// How often sums are sent.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a datagram may wait for room at the daemon's.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long a worker that leaves waits for its last sums to be sent.
const FAREWELL: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    is_closed: bool,
}

/// What the threads of a worker have counted and the reporter has not sent.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one thread has counted in the present turn of its loop.
#[derive(Debug)]
pub(crate) struct Meter {
    tally: Tally,
    shared: Arc<Shared>,
}

impl Meter {
    /// A request has ended.
    pub(crate) fn count(&mut self, sample: Sample) {
        self.tally.count(sample);
    }

    /// Whether [`Meter::flush`] has nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.tally.is_empty()
    }

    /// Adds what was counted to what the reporter will send.
    pub(crate) fn flush(&mut self) {
        if !self.tally.is_empty() {
            self.shared.state().tally.take_from(&mut self.tally);
        }
    }
}

/// The thread that sends; dropping this ends it.
#[derive(Debug)]
pub(crate) struct Reporter {
    shared: Arc<Shared>,
    end: Receiver<()>,
}

impl Reporter {
    /// None: the settings name no daemon. In a worker only: it starts a thread.
    ///
    /// # Errors
    /// Out of threads.
    pub(crate) fn start(config: &Config) -> io::Result<Option<Reporter>> {
        let Some(host) = &config.statsd_host else { return Ok(None) };
        let shared = Arc::<Shared>::default();
        let (running, end) = bounded(0);
        let (place, names, counting) = (Place::from(host), Names::of(config), shared.clone());
        let complaints = Complaints::now();
        Builder::new().name("statsd".to_owned()).spawn(move || {
            run(&counting, Post::new(place, Lookups::Always), &names, complaints);
            drop(running);
        })?;
        Ok(Some(Reporter { shared, end }))
    }

    /// A meter for one thread.
    pub(crate) fn meter(&self) -> Meter {
        Meter { tally: Tally::default(), shared: self.shared.clone() }
    }

    /// Sends what there is, and no more after that.
    pub(crate) fn end(&self) {
        self.shared.state().is_closed = true;
        self.shared.wake.notify_one();
        let _ = self.end.recv_timeout(FAREWELL);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(shared: &Shared, mut post: Post, names: &Names, mut complaints: Complaints) {
    let mut tally = Tally::default();
    loop {
        let mut state = shared.state();
        if !state.is_closed {
            let woken = shared.wake.wait_timeout(state, INTERVAL);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        let is_last = state.is_closed;
        std::mem::swap(&mut state.tally, &mut tally);
        drop(state);
        let mut parcel = Parcel::default();
        tally.write(&mut parcel, names);
        let now = Complaints::now();
        wire::complaints(&mut parcel, names, &now, &complaints);
        complaints = now;
        parcel.post(&mut post, PATIENCE);
        tally.clear();
        if is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
