//! How often the server has complained, level by level, and what else an operator is to hear of: what
//! statsd is told. Counted always, since a line of the error log is dear and a count is not.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::LogLevel;

/// What is counted; the order is that of [`Complaints::counts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    Critical,
    Error,
    Warning,
    /// An error that stands for a failure of the application.
    Exception,
    /// A handler that has held the worker's only thread for too long. Few of them have a line.
    Blocked,
}

const KINDS: usize = 5;

static COUNTS: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];

impl Complaint {
    pub(super) fn of(level: LogLevel) -> Option<Complaint> {
        match level {
            LogLevel::Critical => Some(Complaint::Critical),
            LogLevel::Error => Some(Complaint::Error),
            LogLevel::Warning => Some(Complaint::Warning),
            LogLevel::Info | LogLevel::Debug => None,
        }
    }

    pub(crate) fn count(self) {
        COUNTS[self as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Its metric. Those of the log are gunicorn's.
    pub(crate) fn metric(self) -> &'static str {
        match self {
            Complaint::Critical => "gunicorn.log.critical",
            Complaint::Error => "gunicorn.log.error",
            Complaint::Warning => "gunicorn.log.warning",
            Complaint::Exception => "gunicorn.log.exception",
            Complaint::Blocked => "gunicorn.handler.blocked",
        }
    }
}

/// The counts at one moment. A forked process begins with those of its parent: what matters is the
/// difference to an earlier moment of the same process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaints {
    counts: [u64; KINDS],
}

impl Complaints {
    /// Those of this process.
    pub(crate) fn now() -> Complaints {
        Complaints { counts: std::array::from_fn(|at| COUNTS[at].load(Ordering::Relaxed)) }
    }

    /// What has been added since `earlier`, nothing left out that is not zero.
    pub(crate) fn since(
        &self,
        earlier: &Complaints,
    ) -> impl Iterator<Item = (Complaint, u64)> + use<> {
        use Complaint::{Blocked, Critical, Error, Exception, Warning};
        let (now, then) = (self.counts, earlier.counts);
        [Critical, Error, Warning, Exception, Blocked]
            .into_iter()
            .map(move |what| (what, now[what as usize].saturating_sub(then[what as usize])))
            .filter(|&(_, count)| count > 0)
    }
}
