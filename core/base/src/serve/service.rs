//! What all connections of a worker process share.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use oxicorn_http1::{Limits, MissingHost};

use crate::access_log::AccessLog;
use crate::app::Application;
use crate::config::Config;
use crate::in_flight::{EntryId, Holder, Ledger};
use crate::lifeline::Bell;
use crate::proxy::Trust;
use crate::scoreboard::{Change, SlotHandle, State, Writers};
use crate::serve::Pace;
use crate::serve::blocked::Blocked;
use crate::serve::wear::{Wear, Weariness};
use crate::worker::WorkerContext;

/// When a connection outlives its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepPolicy {
    /// Whenever the client allows it.
    Always,
    /// Only while the application's mean answering time is below this. A worker that serves one
    /// request at a time must not hold connections whose next request another worker could take.
    WhileFasterThan(Duration),
}

/// How many requests a worker of the class can have in hand at once. It accepts only what it can
/// serve now; the rest waits in the queue that all workers share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity(pub u64);

/// Whether the worker stays or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posture {
    /// It serves.
    Serving,
    /// It finishes what it has and leaves, since then.
    Leaving(Instant),
}

/// See the module.
#[derive(Debug)]
pub struct Service {
    config: Arc<Config>,
    app: Application,
    slot: SlotHandle,
    access_log: Option<AccessLog>,
    limits: Limits,
    trust: Trust,
    keep: KeepPolicy,
    capacity: Capacity,
    pace: Pace,
    wear: Wear,
    bell: Bell,
    leaving: OnceLock<Instant>,
    ledger: Ledger,
    pub(super) blocked: Blocked,
    pub(super) strays: AtomicU64,
    /// When the whole table was last shown, in milliseconds.
    pub(super) table_shown: AtomicU64,
}

impl Service {
    /// For the class' traits, in the worker process.
    pub fn new(
        cx: &WorkerContext,
        capacity: Capacity,
        keep: KeepPolicy,
        writers: Writers,
    ) -> Arc<Service> {
        let config = cx.config.clone();
        let missing_host = match config.permit_missing_host {
            true => MissingHost::Permit,
            false => MissingHost::Refuse,
        };
        let limits = Limits {
            line: config.limit_request_line as usize,
            fields: config.limit_request_fields as usize,
            field_size: config.limit_request_field_size as usize,
            missing_host,
        };
        Arc::new(Service {
            app: cx.app.clone(),
            slot: cx.slot.with_writers(writers),
            trust: Trust::new(&config),
            wear: Wear::new(&config),
            bell: cx.lifeline.bell(),
            blocked: Blocked::new(&config),
            config,
            access_log: cx.access_log.clone(),
            limits,
            keep,
            capacity,
            pace: Pace::default(),
            leaving: OnceLock::new(),
            ledger: Ledger::new(cx.in_flight.clone()),
            strays: AtomicU64::new(0),
            table_shown: AtomicU64::new(0),
        })
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The application.
    pub fn app(&self) -> &Application {
        &self.app
    }

    /// The worker's row of the scoreboard.
    pub fn slot(&self) -> &SlotHandle {
        &self.slot
    }

    /// The access log, unless it is off.
    pub fn access_log(&self) -> Option<&AccessLog> {
        self.access_log.as_ref()
    }

    /// How many requests may be in hand at once.
    pub fn capacity(&self) -> u64 {
        self.capacity.0
    }

    /// The requests in flight by name.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The application's mean answering time.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// How often the main loop gives a sign of life at least.
    pub fn beat_interval(&self) -> Duration {
        const MOST: Duration = Duration::from_secs(1);
        self.config.timeout.get().map_or(MOST, |timeout| MOST.min(timeout / 4))
    }

    /// A sign of life from the main loop, which also looks whether the worker has done its share.
    pub fn beat(&self) {
        self.slot.beat();
        if let Some(why) = self.wear.look(self.slot.requests()) {
            self.ask_for_replacement(why);
        }
    }

    /// Asks the master for a worker in the place of this one, which serves on until it is told to
    /// leave. Only the first call does something; any thread may call.
    pub fn ask_for_replacement(&self, why: Weariness) {
        if self.slot.become_weary() == Change::Done {
            tracing::info!("Asking for a replacement: {why}");
            self.bell.ring();
        }
    }

    /// Whom to believe about the client.
    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// From now on each response is the last of its connection.
    pub fn leave(&self) {
        self.leaving.get_or_init(Instant::now);
        self.slot.state(State::Draining);
    }

    /// Whether the worker stays or leaves.
    pub fn posture(&self) -> Posture {
        self.leaving.get().map_or(Posture::Serving, |&since| Posture::Leaving(since))
    }

    /// Whether a connection may live on after its present response, as far as the server is
    /// concerned.
    pub(crate) fn keeps_connections(&self) -> bool {
        self.stays_open()
            && match self.keep {
                KeepPolicy::Always => true,
                KeepPolicy::WhileFasterThan(limit) => self.pace.is_under(limit),
            }
    }

    /// Whether connections live on in this worker at all.
    pub(crate) fn stays_open(&self) -> bool {
        self.posture() == Posture::Serving && self.config.keepalive.get().is_some()
    }

    /// For how long after an accept nobody else is to be accepted, unless the request has come. A
    /// worker that serves one slow request at a time must not have two of them: the second could not
    /// begin although another worker may be free. A client usually sends at once, so this is short.
    pub(crate) fn waits_for_one(&self) -> Option<Duration> {
        const USUALLY_THERE: Duration = Duration::from_millis(5);
        match self.keep {
            KeepPolicy::WhileFasterThan(limit) if !self.pace.is_under(limit) => Some(USUALLY_THERE),
            KeepPolicy::WhileFasterThan(_) | KeepPolicy::Always => None,
        }
    }

    /// How long a connection may stay silent before a request.
    pub(crate) fn patience(&self, first: FirstRequest) -> Option<Duration> {
        match first {
            FirstRequest::Yes => self.config.header_timeout.get(),
            FirstRequest::No => self.config.keepalive.get(),
        }
    }

    /// How long a leaving worker lets an idle connection bring its next request.
    pub(crate) fn grace(&self) -> Duration {
        self.config.keepalive_grace.get().unwrap_or(Duration::ZERO)
    }

    /// Opens the log files again by name.
    pub fn reopen_logs(&self) {
        crate::log::reopen();
        if let Some(log) = &self.access_log {
            log.reopen();
        }
    }
}

/// Whether a connection has yet to bring its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstRequest {
    Yes,
    No,
}

/// A request that the application has in hand, in the scoreboard and in the table of requests as long
/// as this lives.
#[derive(Debug)]
pub(crate) struct InFlight {
    service: Arc<Service>,
    pub(crate) started: Instant,
    /// `None`: the table was full.
    pub(crate) entry: Option<EntryId>,
    count: Count,
}

/// Whether a request is counted in the scoreboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Counted,
    Over,
}

impl InFlight {
    /// `enter` makes its entry in the table.
    pub(crate) fn begin(
        service: &Arc<Service>,
        now: Instant,
        enter: impl FnOnce(&Ledger) -> Option<EntryId>,
    ) -> InFlight {
        service.slot.request_started();
        let entry = enter(&service.ledger);
        InFlight { service: service.clone(), started: now, entry, count: Count::Counted }
    }

    /// The response is about to begin. `Nobody`: there is no one to respond to.
    pub(crate) fn answer(&self) -> Holder {
        self.entry.map_or(Holder::Handler, |entry| self.service.ledger.answer(entry))
    }

    /// The response has been handed over, `now`.
    pub(crate) fn finish(mut self, bytes: u64, now: Instant) -> (Duration, Holder) {
        self.service.slot.request_answered(bytes);
        (now.saturating_duration_since(self.started), self.leave())
    }

    fn leave(&mut self) -> Holder {
        if std::mem::replace(&mut self.count, Count::Over) == Count::Over {
            return Holder::Handler;
        }
        let holder = self.entry.map_or(Holder::Handler, |entry| self.service.ledger.end(entry));
        match holder {
            Holder::Handler => self.service.slot.request_left(),
            Holder::Nobody => self.service.stray_is_back(),
        }
        holder
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let _ = self.leave();
    }
}

/// Bytes from a client, for a log line.
pub(crate) fn printable(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{}", byte.escape_ascii());
        text
    })
}
