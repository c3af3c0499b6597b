//! How often the server has complained, level by level: what statsd is told. Counted always, since
//! a line of the error log is dear and a count is not.

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
}

static COUNTS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

impl Complaint {
    pub(super) fn of(level: LogLevel) -> Option<Complaint> {
        match level {
            LogLevel::Critical => Some(Complaint::Critical),
            LogLevel::Error => Some(Complaint::Error),
            LogLevel::Warning => Some(Complaint::Warning),
            LogLevel::Info | LogLevel::Debug => None,
        }
    }

    pub(super) fn count(self) {
        COUNTS[self as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Its word in the names of metrics, which are gunicorn's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Complaint::Critical => "critical",
            Complaint::Error => "error",
            Complaint::Warning => "warning",
            Complaint::Exception => "exception",
        }
    }
}

/// The counts at one moment. A forked process begins with those of its parent: what matters is the
/// difference to an earlier moment of the same process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaints {
    counts: [u64; 4],
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
        use Complaint::{Critical, Error, Exception, Warning};
        let (now, then) = (self.counts, earlier.counts);
        [Critical, Error, Warning, Exception]
            .into_iter()
            .map(move |what| (what, now[what as usize].saturating_sub(then[what as usize])))
            .filter(|&(_, count)| count > 0)
    }
}
