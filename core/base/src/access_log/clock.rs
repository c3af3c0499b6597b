//! The present moment as it stands in a line. Most lines of a busy server are of the same second, so
//! that is written once. Whoever writes has looked at the monotonic clock for the request's duration:
//! the clock on the wall is asked once a second, and counted on from there.

use std::time::{Duration, Instant};

use super::format::{Atom, Format, Style};
use crate::log::stamp;
use crate::sys;

/// See the module.
#[derive(Debug)]
pub(super) struct Clock {
    face: Face,
    second: u64,
    text: Vec<u8>,
    /// Two moments that were the same.
    met: Option<(Instant, Duration)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    /// gunicorn's: local time, in seconds.
    Local,
    /// RFC 3339: UTC, in microseconds.
    Utc,
}

/// For how long the clock on the wall is believed to go as the other one.
const TRUST: Duration = Duration::from_secs(1);

/// The length of `2026-11-23T07:32:17`.
const SECONDS: usize = 19;

impl Clock {
    /// None: these lines show no moment.
    pub(super) fn of(format: &Format) -> Option<Clock> {
        let face = match format.style {
            Style::Pieces => format.has(Atom::Time).then_some(Face::Local)?,
            Style::Object(_) => Face::Utc,
        };
        Some(Clock { face, second: 0, text: Vec::new(), met: None })
    }

    /// The time since 1970 at `now`.
    fn on_the_wall(&mut self, now: Instant) -> Duration {
        if let Some((then, wall)) = self.met
            && let Some(since) = now.checked_duration_since(then)
            && since < TRUST
        {
            return wall + since;
        }
        let wall = stamp::since_1970();
        self.met = Some((now, wall));
        wall
    }

    /// Makes it the present moment, which is `now`.
    pub(super) fn tick(&mut self, now: Instant) {
        match self.face {
            Face::Local => {
                let now = sys::unix_seconds();
                if now != self.second || self.text.is_empty() {
                    self.second = now;
                    self.text.clear();
                    stamp::access_log(&mut self.text, &sys::local_time(now));
                }
            }
            Face::Utc => {
                let now = self.on_the_wall(now);
                if now.as_secs() != self.second || self.text.is_empty() {
                    self.second = now.as_secs();
                    self.text.clear();
                    stamp::utc_second(&mut self.text, self.second);
                }
                self.text.truncate(SECONDS);
                stamp::micros_and_zone(&mut self.text, now.subsec_micros());
            }
        }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }
}
