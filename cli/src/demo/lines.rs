//! `/stream`: lines that are sent one by one, with time in between. This is the order and the pace;
//! each form of the application waits for itself.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use oxicorn_core::app::IntoResponse;
use oxicorn_core::{Body, Response};

/// How many lines there are when nobody says.
pub(super) const DEFAULT: u64 = 10;
/// How many there are at most.
pub(super) const MOST: u64 = 1_000_000;
/// How many milliseconds lie between two lines when nobody says.
pub(super) const PACE: u64 = 100;

pub(super) struct Lines {
    sent: u64,
    count: u64,
    pace: Duration,
}

impl Lines {
    pub(super) fn new(count: u64, pace: Duration) -> Lines {
        let sent = 0;
        Lines { sent, count, pace }
    }

    /// How long to wait before the next line: not before the first, so that a client can tell a
    /// response that streams from one that was gathered, and not when nothing more comes.
    pub(super) fn pause(&self) -> Option<Duration> {
        let between = 0 < self.sent && self.sent < self.count;
        (between && !self.pace.is_zero()).then_some(self.pace)
    }

    /// The response; `body` is the lines in the form that is wanted.
    pub(super) fn response(body: Body) -> Response {
        let mut response = "".into_response();
        *response.body_mut() = body;
        response
    }
}

impl Iterator for Lines {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<io::Result<Bytes>> {
        if self.sent == self.count {
            return None;
        }
        self.sent += 1;
        Some(Ok(format!("line {}\n", self.sent).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_pause_between_lines_and_nowhere_else() {
        let pace = Duration::from_millis(7);
        let mut lines = Lines::new(2, pace);
        assert_eq!(lines.pause(), None);
        assert_eq!(lines.next().unwrap().unwrap(), "line 1\n");
        assert_eq!(lines.pause(), Some(pace));
        assert_eq!(lines.next().unwrap().unwrap(), "line 2\n");
        assert_eq!(lines.pause(), None);
        assert!(lines.next().is_none());
    }
}
