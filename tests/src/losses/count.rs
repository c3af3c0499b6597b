//! What became of the requests.

use std::collections::BTreeMap;
use std::fmt;

use crate::client::ClientError;

/// The ways in which a request is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// No connection.
    Connect,
    /// Closed or reset on a new connection, before the response began.
    Unanswered,
    /// Closed or reset on a kept connection although no response had announced it.
    Stale,
    /// Cut in the middle of the response.
    Short,
    /// No response in time.
    Timeout,
    /// No HTTP.
    Malformed,
    /// A status other than 200.
    Status,
    /// A whole response with a wrong body.
    Content,
    /// The end of a connection that was announced came as a reset, or not at all.
    Goodbye,
}

/// Whether a request went out on a connection that had already had one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Fresh,
    Kept,
}

impl Failure {
    pub(super) fn of(error: &ClientError, usage: Use) -> Failure {
        match (error, usage) {
            (ClientError::Connect(_), _) => Failure::Connect,
            (ClientError::Closed | ClientError::Reset, Use::Fresh) => Failure::Unanswered,
            (ClientError::Closed | ClientError::Reset, Use::Kept) => Failure::Stale,
            (ClientError::Short(_), _) => Failure::Short,
            (ClientError::TimedOut, _) => Failure::Timeout,
            (ClientError::Malformed(_) | ClientError::Io(_), _) => Failure::Malformed,
        }
    }
}

const EXAMPLES: usize = 10;

/// Counts, and the first few failures in words.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    pub(super) answered: u64,
    pub(super) connections: u64,
    /// Kept connections that ended with a worker that was killed while nobody asked it for anything.
    pub(super) ended_by_kill: u64,
    pub(super) failures: BTreeMap<Failure, u64>,
    examples: Vec<String>,
}

impl Count {
    pub(super) fn failed(&mut self, how: Failure, example: String) {
        *self.failures.entry(how).or_default() += 1;
        self.examples.push(example);
        self.examples.truncate(EXAMPLES);
    }

    pub(super) fn add(&mut self, other: Count) {
        self.answered += other.answered;
        self.connections += other.connections;
        self.ended_by_kill += other.ended_by_kill;
        for (failure, number) in other.failures {
            *self.failures.entry(failure).or_default() += number;
        }
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }

    pub(super) fn lost(&self) -> u64 {
        self.failures.values().sum()
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count { answered, connections, ended_by_kill, failures, examples } = self;
        write!(f, "{answered} answered on {connections} connections, ")?;
        write!(f, "{ended_by_kill} of them ended by a kill; failures: {failures:?}")?;
        examples.iter().try_for_each(|example| write!(f, "\n  {example}"))
    }
}
