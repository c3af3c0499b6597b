//! When a worker has done its share. An application that leaks, or whose memory falls to pieces, is
//! kept alive by replacing its processes now and then. A worker that reaches one of its limits asks
//! the master for a replacement and goes on serving until it is told to leave, so nobody notices.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::Config;
use crate::sys;

/// Milliseconds between two looks at the memory: each reads a file of /proc.
const BETWEEN_LOOKS: u64 = 1000;

/// Why a worker wants to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weariness {
    /// `max_requests`.
    Requests {
        /// Answered.
        answered: u64,
        /// How many may be answered, with the jitter.
        limit: u64,
    },
    /// `max_lifetime`.
    Lifetime {
        /// Since it began.
        lived: Duration,
        /// How long it may live, with the jitter.
        limit: Duration,
    },
    /// `max_rss`.
    Memory {
        /// Bytes that are resident.
        resident: u64,
        /// How many may be, with the jitter.
        limit: u64,
    },
    /// Handlers that have taken longer than `timeout` still have their threads, or their coroutines.
    Stuck {
        /// So many of them.
        handlers: u64,
        /// Of so many.
        of: u64,
    },
}

impl fmt::Display for Weariness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Weariness::Requests { answered, limit } => {
                write!(f, "{answered} requests answered, max_requests is {limit} here")
            }
            Weariness::Lifetime { lived, limit } => write!(
                f,
                "{:.1} s lived, max_lifetime is {:.1} s here",
                lived.as_secs_f64(),
                limit.as_secs_f64()
            ),
            Weariness::Memory { resident, limit } => {
                write!(f, "{resident} bytes are resident, max_rss is {limit} here")
            }
            Weariness::Stuck { handlers, of } => write!(f, "{handlers} of {of} handlers are stuck"),
        }
    }
}

/// The limits of one worker, and since when it lives.
#[derive(Debug)]
pub(crate) struct Wear {
    requests: Option<u64>,
    /// In milliseconds.
    lifetime: Option<u64>,
    memory: Option<u64>,
    /// [`sys::coarse_millis`].
    born: u64,
    /// When the memory is to be looked at: [`sys::coarse_millis`].
    next_look: AtomicU64,
}

/// A different number in each process: the splitmix64 step of its pid and the time.
fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut z = u64::from(std::process::id()) << 32 ^ u64::from(now.subsec_nanos()) ^ now.as_secs();
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// `limit` and up to `most` more, both ends included.
fn jittered(limit: u64, most: u64, seed: u64) -> u64 {
    let more = most.checked_add(1).map_or(seed, |ends| seed % ends);
    limit.saturating_add(more)
}

/// `limit` and up to a tenth more, so that workers that were started together do not end together.
fn tenth(limit: u64, seed: u64) -> u64 {
    jittered(limit, limit / 10, seed)
}

impl Wear {
    /// In the worker: its limits differ from the others'.
    pub(crate) fn new(config: &Config) -> Wear {
        let seed = seed();
        let born = sys::coarse_millis();
        let jitter = config.max_requests_jitter.into();
        let requests = (config.max_requests > 0).then_some(u64::from(config.max_requests));
        let lifetime = config.max_lifetime.get().map(|time| time.as_millis().max(1));
        let lifetime = lifetime.map(|millis| u64::try_from(millis).unwrap_or(u64::MAX));
        Wear {
            requests: requests.map(|limit| jittered(limit, jitter, seed)),
            lifetime: lifetime.map(|limit| tenth(limit, seed)),
            memory: config.max_rss.limit().map(|limit| tenth(limit, seed)),
            born,
            next_look: AtomicU64::new(born),
        }
    }

    /// Which limit has been reached, if any.
    pub(crate) fn look(&self, answered: u64) -> Option<Weariness> {
        if let Some(limit) = self.requests.filter(|&limit| answered >= limit) {
            return Some(Weariness::Requests { answered, limit });
        }
        if self.lifetime.is_none() && self.memory.is_none() {
            return None;
        }
        let now = sys::coarse_millis();
        let lived = now.saturating_sub(self.born);
        if let Some(limit) = self.lifetime.filter(|&limit| lived >= limit) {
            let (lived, limit) = (Duration::from_millis(lived), Duration::from_millis(limit));
            return Some(Weariness::Lifetime { lived, limit });
        }
        let limit = self.memory.filter(|_| now >= self.next_look.load(Ordering::Relaxed))?;
        self.next_look.store(now + BETWEEN_LOOKS, Ordering::Relaxed);
        let resident = resident().filter(|&resident| resident >= limit)?;
        Some(Weariness::Memory { resident, limit })
    }
}

/// Bytes of this process' memory that are resident: the second field of /proc/self/statm, which
/// counts pages (proc_pid_statm(5)). None where there is no /proc.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(sys::page_size()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ByteSize, Timeout};

    #[test]
    fn without_limits_nobody_gets_weary() {
        let wear = Wear::new(&Config::default());
        assert_eq!(wear.look(u64::MAX), None);
    }

    #[test]
    fn requests_count_from_the_limit_on() {
        let wear = Wear::new(&Config { max_requests: 10, ..Config::default() });
        assert_eq!(wear.look(9), None);
        assert_eq!(wear.look(12), Some(Weariness::Requests { answered: 12, limit: 10 }));
    }

    #[test]
    fn the_jitter_stays_within_its_bounds() {
        for seed in 0..100 {
            assert!((50..=57).contains(&jittered(50, 7, seed)));
            assert!((1000..=1100).contains(&tenth(1000, seed)));
            assert_eq!(jittered(50, 0, seed), 50);
        }
        assert_eq!(jittered(1, u64::MAX, u64::MAX), u64::MAX);
        assert!((0..100).any(|seed| jittered(50, 7, seed) == 57));
    }

    #[test]
    fn memory_is_looked_at_once_a_second_at_most() {
        let wear = Wear::new(&Config { max_rss: ByteSize(1), ..Config::default() });
        let first = wear.look(0);
        assert!(matches!(first, Some(Weariness::Memory { resident: 4096.., limit: 1 })));
        assert_eq!(wear.look(0), None, "too early to look again");
    }

    #[test]
    fn a_lifetime_ends() {
        let config =
            Config { max_lifetime: Timeout(Some(Duration::from_millis(1))), ..Config::default() };
        let wear = Wear { born: 0, ..Wear::new(&config) };
        assert!(matches!(wear.look(0), Some(Weariness::Lifetime { .. })));
    }
}
