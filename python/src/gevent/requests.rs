//! The requests in hand, by the greenlet that serves each: what has to be known of one that waits, and
//! what has to be put back when it goes on.

use std::collections::HashMap;
use std::time::Instant;

use oxicorn_core::connection::Connection;
use oxicorn_core::in_flight::EntryId;
use oxicorn_core::serve::{Place, Running};
use pyo3::prelude::*;

use super::overdue::{Time, Verdict, Watch};

/// A greenlet, by its address: it cannot be another one's as long as the greenlet is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(usize);

impl Address {
    pub(super) fn of(greenlet: &Bound<'_, PyAny>) -> Address {
        Address(greenlet.as_ptr() as usize)
    }
}

/// A request in hand.
pub(super) struct Request {
    greenlet: Py<PyAny>,
    started: Option<Instant>,
    entry: Option<EntryId>,
    time: Time,
    place: Place,
    /// What the service is to be told when the greenlet goes on.
    pub(super) running: Running,
}

/// All of them.
#[derive(Default)]
pub(super) struct Requests(HashMap<Address, Request>);

/// Those whose time is over.
#[derive(Default)]
pub(super) struct Late {
    /// To be reported.
    pub(super) entries: Vec<EntryId>,
    /// To be thrown an exception.
    pub(super) greenlets: Vec<Py<PyAny>>,
    /// When to look again.
    pub(super) next: Option<Instant>,
}

impl Requests {
    pub(super) fn begin(&mut self, greenlet: &Bound<'_, PyAny>, connection: &Connection) {
        let request = Request {
            greenlet: greenlet.clone().unbind(),
            started: connection.started(),
            entry: connection.entry(),
            time: Time::Left,
            place: connection.place(),
            running: Running::NONE,
        };
        self.0.insert(Address::of(greenlet), request);
    }

    pub(super) fn end(&mut self, greenlet: Address) -> Option<Request> {
        self.0.remove(&greenlet)
    }

    pub(super) fn get_mut(&mut self, greenlet: Address) -> Option<&mut Request> {
        self.0.get_mut(&greenlet)
    }

    /// Whether this is a greenlet that serves a request, and what it has of its time.
    pub(super) fn time(&self, greenlet: Address) -> Option<Time> {
        self.0.get(&greenlet).map(|request| request.time)
    }

    /// Where a greenlet is, for the log.
    pub(super) fn place(&self, greenlet: Address) -> String {
        let place = self.0.get(&greenlet).map(|request| request.place.to_string());
        place.unwrap_or_else(|| "a greenlet that the application has spawned".to_owned())
    }

    /// The alarm has come.
    pub(super) fn look(&mut self, py: Python<'_>, watch: &mut Watch) -> Late {
        let now = Instant::now();
        let mut late = Late::default();
        for request in self.0.values_mut() {
            match watch.judge(request.started, request.time, now, &mut late.next) {
                Verdict::Fine => continue,
                Verdict::Overdue => late.entries.extend(request.entry),
                Verdict::Stubborn => {}
            }
            request.time = Time::Over;
            late.greenlets.push(request.greenlet.clone_ref(py));
        }
        watch.looked(late.next);
        late
    }
}
