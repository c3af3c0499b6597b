//! `workers = auto`: how many workers this machine, or this container, is good for. What counts is
//! what the process may use, not what the machine has: a container of half a CPU and 256 MiB on a
//! host of 64 CPUs is no place for 129 workers.
//!
//! The facts are read from the system ([`Capacity::read`]), below a folder, so that a test can bring
//! its own; the number is computed from them by a pure function ([`Capacity::workers`]).

use std::fmt;
use std::path::Path;

use crate::config::value::workers::MOST;
use crate::config::{Config, Workers};

mod cgroup;

/// How many workers share a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Density {
    /// A worker that waits occupies itself: twice as many as CPUs, and one more.
    OneRequestEach,
    /// A worker goes on with others while one request waits: as many as CPUs.
    ManyRequestsEach,
}

/// Processor time in a period, both in microseconds: `cpu.max` of a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    time: u64,
    period: u64,
}

impl Quota {
    /// Whole CPUs, rounded up.
    fn cpus(self) -> u64 {
        self.time.div_ceil(self.period.max(1))
    }

    /// Which of two is more, without division.
    fn less(self, other: Quota) -> bool {
        u128::from(self.time) * u128::from(other.period)
            < u128::from(other.time) * u128::from(self.period)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (u128::from(self.time) * 100).div_ceil(u128::from(self.period.max(1)));
        match (hundredths / 100, hundredths % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}"),
        }
    }
}

/// What this process may use. A limit of `None`: there is none, or it cannot be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// CPUs that it may run on: sched_getaffinity(2).
    affinity: u64,
    /// CPUs of its cgroup.
    cpuset: Option<u64>,
    /// Processor time of its cgroup.
    quota: Option<Quota>,
    /// Bytes of memory of its cgroup.
    memory: Option<u64>,
}

/// Bytes that a worker needs at least, with its application: a guess that is meant to be low.
const WORKER: u64 = 32 << 20;

impl Capacity {
    /// Of this process; the files of the system are read below `root`: `/`.
    pub fn read(root: &Path) -> Capacity {
        let limits = cgroup::Limits::read(root);
        let affinity = crate::sys::affinity();
        let (cpuset, quota, memory) = (limits.cpuset, limits.quota, limits.memory);
        Capacity { affinity, cpuset, quota, memory }
    }

    fn cpus(&self) -> u64 {
        let limits = [self.cpuset, self.quota.map(Quota::cpus)];
        limits.into_iter().flatten().fold(self.affinity, u64::min).max(1)
    }

    /// How many workers; at least one.
    pub fn workers(&self, density: Density) -> u32 {
        let wanted = match density {
            Density::OneRequestEach => self.cpus().saturating_mul(2).saturating_add(1),
            Density::ManyRequestsEach => self.cpus(),
        };
        let fit = self.memory.map_or(u64::MAX, |bytes| bytes / WORKER);
        let number = wanted.min(fit).clamp(1, u64::from(MOST));
        u32::try_from(number).unwrap_or(MOST)
    }

    /// The number, and how it came about: `5 (auto: 2 CPUs by affinity, quota 1.5, ...)`.
    pub fn explain(&self, density: Density) -> String {
        let cpus = |number: u64, by: &str| match number {
            1 => format!("1 CPU by {by}"),
            number => format!("{number} CPUs by {by}"),
        };
        let rule = match density {
            Density::OneRequestEach => "2 for a CPU and 1",
            Density::ManyRequestsEach => "1 for a CPU",
        };
        let facts = [
            Some(cpus(self.affinity, "affinity")),
            self.cpuset.map(|number| cpus(number, "cpuset")),
            self.quota.map(|quota| format!("quota {quota}")),
            self.memory.map(|bytes| format!("memory {} MiB", bytes >> 20)),
        ];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        format!("{} (auto: {}; {rule})", self.workers(density), facts.join(", "))
    }
}

impl Config {
    /// What `auto` comes to for these settings, and how: none where the number is given.
    pub fn automatic_workers(&self) -> Option<(Workers, String)> {
        if self.workers != Workers::Auto {
            return None;
        }
        let capacity = Capacity::read(Path::new("/"));
        let density = self.density();
        Some((Workers::Count(capacity.workers(density)), capacity.explain(density)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Capacity = Capacity { affinity: 1, cpuset: None, quota: None, memory: None };
    const MIB: u64 = 1 << 20;

    fn quota(time: u64) -> Option<Quota> {
        Some(Quota { time, period: 100_000 })
    }

    #[test]
    fn the_number_follows_from_the_facts() {
        use Density::{ManyRequestsEach as Many, OneRequestEach as One};
        for (capacity, one, many) in [
            (NONE, 3, 1),
            (Capacity { affinity: 4, ..NONE }, 9, 4),
            (Capacity { affinity: 64, quota: quota(150_000), ..NONE }, 5, 2),
            (Capacity { affinity: 64, quota: quota(50_000), ..NONE }, 3, 1),
            (Capacity { affinity: 64, quota: quota(200_000), ..NONE }, 5, 2),
            (Capacity { affinity: 2, quota: quota(800_000), ..NONE }, 5, 2),
            (Capacity { affinity: 8, cpuset: Some(3), ..NONE }, 7, 3),
            (Capacity { affinity: 8, memory: Some(512 * MIB), ..NONE }, 16, 8),
            (Capacity { affinity: 8, memory: Some(100 * MIB), ..NONE }, 3, 3),
            (Capacity { affinity: 8, memory: Some(MIB), ..NONE }, 1, 1),
            (Capacity { affinity: 400, ..NONE }, 512, 400),
            (Capacity { affinity: 0, cpuset: Some(0), quota: quota(0), ..NONE }, 3, 1),
        ] {
            let numbers = (capacity.workers(One), capacity.workers(Many));
            assert_eq!(numbers, (one, many), "{capacity:?}");
        }
    }

    #[test]
    fn it_is_explained() {
        let all = Capacity {
            affinity: 2,
            cpuset: Some(1),
            quota: quota(150_000),
            memory: Some(512 * MIB),
        };
        assert_eq!(
            all.explain(Density::OneRequestEach),
            "3 (auto: 2 CPUs by affinity, 1 CPU by cpuset, quota 1.5, memory 512 MiB; \
             2 for a CPU and 1)"
        );
        assert_eq!(
            Capacity { affinity: 4, ..NONE }.explain(Density::ManyRequestsEach),
            "4 (auto: 4 CPUs by affinity; 1 for a CPU)"
        );
        for (time, text) in [(25_000, "0.25"), (100_000, "1"), (1, "0.01"), (110_000, "1.1")] {
            assert_eq!(quota(time).unwrap().to_string(), text);
        }
    }
}
