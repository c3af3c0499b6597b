//! What is done to the server: a table, so that a new kind of event is one row.

use super::stage::Stage;

/// A kind of event. It is sent, and taken up by the master, when `act` returns; whether its end is
/// waited for is up to chance.
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) act: fn(&mut Stage),
}

/// Each of them is in every round once, in an order of the dice's. (As each reload goes back to the
/// number of workers at the start, those that TTIN adds cannot become many.)
pub(super) static EVENTS: &[Event] = &[
    Event { name: "hup", act: Stage::reload },
    Event { name: "hup", act: Stage::reload },
    Event { name: "ttin", act: Stage::one_more },
    Event { name: "ttin", act: Stage::one_more },
    Event { name: "ttou", act: Stage::one_fewer },
    Event { name: "ttou", act: Stage::one_fewer },
    Event { name: "hup-broken", act: Stage::reload_what_is_broken },
    Event { name: "usr2", act: Stage::upgrade },
    Event { name: "usr2-back", act: Stage::upgrade_and_back },
    Event { name: "usr1", act: Stage::reopen_logs },
    Event { name: "worker-term", act: Stage::tell_a_worker_to_leave },
    Event { name: "kill", act: Stage::kill_an_idle_worker },
];
