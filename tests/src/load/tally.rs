//! What became of the requests.

use crate::client::ClientError;

/// Counts of outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Whole responses with the status 200.
    pub ok: u64,
    /// Whole responses with another status.
    pub not_200: u64,
    /// Connections that were refused.
    pub connect_errors: u64,
    /// Connections that were reset.
    pub resets: u64,
    /// Responses that were cut short, or never began on a connection that was new.
    pub short: u64,
    /// Responses that did not come in time.
    pub timeouts: u64,
    /// Responses that were no HTTP, and anything else.
    pub malformed: u64,
    /// Kept connections that were closed cleanly, without an announcement, before the next
    /// response began. No request is lost to HTTP by that, but the server promises better.
    pub stale: u64,
    /// Connections made.
    pub connections: u64,
    /// The first few failures in words.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 5;

impl Tally {
    /// How many requests failed in a way that HTTP does not allow for.
    pub fn lost(&self) -> u64 {
        self.not_200
            + self.connect_errors
            + self.resets
            + self.short
            + self.timeouts
            + self.malformed
    }

    /// # Panics
    /// When a request was lost, or a kept connection was closed without an announcement.
    #[track_caller]
    pub fn assert_nothing_lost(&self) {
        assert!(
            self.lost() == 0 && self.stale == 0 && self.ok > 0,
            "requests were lost: {self:#?}"
        );
    }

    pub(super) fn failed(&mut self, error: &ClientError) {
        let count = match error {
            ClientError::Connect(_) => &mut self.connect_errors,
            ClientError::Reset => &mut self.resets,
            ClientError::Closed | ClientError::Short(_) => &mut self.short,
            ClientError::TimedOut => &mut self.timeouts,
            ClientError::Malformed(_) | ClientError::Io(_) => &mut self.malformed,
        };
        *count += 1;
        self.example(error.to_string());
    }

    pub(super) fn example(&mut self, text: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text);
        }
    }

    pub(super) fn add(&mut self, other: Tally) {
        self.ok += other.ok;
        self.not_200 += other.not_200;
        self.connect_errors += other.connect_errors;
        self.resets += other.resets;
        self.short += other.short;
        self.timeouts += other.timeouts;
        self.malformed += other.malformed;
        self.stale += other.stale;
        self.connections += other.connections;
        for example in other.examples {
            self.example(example);
        }
    }
}
