//! Handlers that hold the one thread of their worker. In the classes that serve many requests on one
//! thread a handler is to give way while it waits; one that computes, or waits in a way that the class
//! does not know of, keeps everybody else waiting, and nothing tells its author so: its own requests
//! look as fast as ever. So the time of each stretch is taken, by the clock that the heartbeat reads
//! anyway, and who has taken too long is named.
//!
//! A place in the program is what an operator wants to know; a method and a path is what the server
//! knows of it. Each is named once a minute, and of many different paths only so many: a log that
//! floods is read by nobody.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::{Running, Service, printable};
use crate::config::Config;
use crate::log::counts::Complaint;
use crate::sys;

/// Milliseconds in which a place is named at most once.
const ONCE_IN: u64 = 60_000;
/// Places that are remembered: with an identifier in the path each request may be one of its own.
const MOST_PLACES: usize = 128;

/// Since when a handler holds the thread.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Hold(u64);

/// Which handler it was, as far as the server knows.
#[derive(Clone, Debug)]
pub struct Place {
    /// The request's method.
    pub method: Method,
    /// Its target as received; what follows a question mark is not shown.
    pub target: Bytes,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, printable(without_query(&self.target)))
    }
}

fn without_query(target: &[u8]) -> &[u8] {
    &target[..memchr::memchr(b'?', target).unwrap_or(target.len())]
}

/// A place that was named.
#[derive(Debug)]
struct Named {
    /// [`sys::coarse_millis`].
    at: u64,
    /// How often it has held the thread since, and for how long at most, in milliseconds.
    again: u64,
    longest: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Blocked {
    /// Milliseconds; `None`: nobody looks.
    threshold: Option<u64>,
    places: Mutex<HashMap<String, Named>>,
}

impl Blocked {
    pub(crate) fn new(config: &Config) -> Blocked {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1);
        Blocked { threshold: config.blocked_threshold.get().map(millis), places: Mutex::default() }
    }

    /// The line that is to be written for a stretch of `held` milliseconds; `None`: the place was
    /// named within this minute, or there are too many.
    fn line(&self, place: String, held: u64, now: u64) -> Option<String> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= MOST_PLACES && !places.contains_key(&place) {
            places.retain(|_, named| now < named.at + ONCE_IN);
        }
        if places.len() >= MOST_PLACES && !places.contains_key(&place) {
            return None;
        }
        let mut line = format!("The handler of {place} has held the worker's thread for {held} ms");
        if let Some(named) = places.get_mut(&place) {
            if now < named.at + ONCE_IN {
                named.again += 1;
                named.longest = named.longest.max(held);
                return None;
            }
            if named.again > 0 {
                let Named { again, longest, .. } = named;
                line +=
                    &format!(", and {again} times since it was last named ({longest} ms at most)");
            }
        }
        places.insert(place, Named { at: now, again: 0, longest: 0 });
        Some(line)
    }
}

impl Service {
    /// A handler gets the thread: a sign of life, as [`crate::scoreboard::SlotHandle::busy`] is.
    pub fn hold_thread(&self) -> Hold {
        Hold(self.slot().busy())
    }

    /// It has given the thread back. `place` is asked when it has held it for too long.
    pub fn release_thread(&self, hold: Hold, place: impl FnOnce() -> String) {
        self.slot().idle();
        let Some(threshold) = self.blocked.threshold else { return };
        let now = sys::coarse_millis();
        let held = now.saturating_sub(hold.0);
        if held >= threshold {
            self.slot().handler_blocked();
            Complaint::Blocked.count();
            if let Some(line) = self.blocked.line(place(), held, now) {
                tracing::warn!("{line}: everybody else has waited (blocked_threshold)");
            }
        }
    }

    /// Where that is whose request is entered in the table.
    pub fn place_of(&self, running: Running) -> String {
        let named = running.entry.and_then(|entry| self.ledger().name(entry));
        named.map_or_else(|| "a request".to_owned(), |named| printable(without_query(&named.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_once_a_minute_and_says_how_often_it_has_held_the_thread() {
        let blocked = Blocked::new(&Config::default());
        assert_eq!(blocked.threshold, Some(100));
        let line = |place: &str, held, now| blocked.line(place.to_owned(), held, now);
        assert!(line("GET /a", 150, 0).unwrap().contains("GET /a has held"));
        assert_eq!(line("GET /a", 300, 10), None);
        assert_eq!(line("GET /a", 200, ONCE_IN - 1), None);
        assert!(line("GET /b", 150, ONCE_IN - 1).is_some(), "another place");
        let again = line("GET /a", 120, ONCE_IN).unwrap();
        assert!(again.contains("for 120 ms, and 2 times since"), "{again}");
        assert!(again.contains("(300 ms at most)"), "{again}");
    }

    #[test]
    fn of_endless_places_some_are_named() {
        let blocked = Blocked::new(&Config::default());
        let named = |now| {
            let lines = (0..1000).filter_map(|n| blocked.line(format!("GET /{now}/{n}"), 200, now));
            lines.count()
        };
        assert_eq!(named(0), MOST_PLACES);
        assert_eq!(named(ONCE_IN - 1), 0);
        assert_eq!(named(ONCE_IN), MOST_PLACES, "the old ones make room");
    }

    #[test]
    fn a_place_has_no_query_and_forges_no_line() {
        let place = |target: &'static str| Place { method: Method::GET, target: target.into() };
        assert_eq!(place("/a/b?token=1").to_string(), "GET /a/b");
        assert_eq!(place("/\n[1]").to_string(), r"GET /\n[1]");
    }
}
