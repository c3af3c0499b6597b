//! Who runs on which processor. A generator that shares a core with the server takes from it the
//! more, the better the server is; so it gets one of its own where there are two.

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// How the processors that this process may use are divided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Those of the servers.
    pub server: Vec<usize>,
    /// Those of the load generator and the delay server.
    pub generator: Vec<usize>,
}

impl Cores {
    /// The last one to the generator, the others to the servers; a single one to both.
    pub fn divide() -> Cores {
        let set = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
        let allowed = (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false));
        Cores::of(allowed.collect())
    }

    fn of(mut allowed: Vec<usize>) -> Cores {
        match (allowed.len(), allowed.pop()) {
            (2.., Some(last)) => Cores { server: allowed, generator: vec![last] },
            (_, last) => {
                Cores { server: last.into_iter().collect(), generator: last.into_iter().collect() }
            }
        }
    }

    /// Whether they are kept apart.
    pub fn are_apart(&self) -> bool {
        self.server != self.generator
    }
}

/// As a word on a command line.
pub(super) fn to_word(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

/// Keeps this thread, and what it starts, on the cores that `word` lists. Where that is not allowed
/// it runs where it may.
pub(super) fn pin(word: &str) {
    let mut set = CpuSet::new();
    for core in word.split(',').filter_map(|core| core.parse().ok()) {
        let _ = set.set(core);
    }
    if set != CpuSet::new() {
        let _ = sched_setaffinity(Pid::from_raw(0), &set);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_has_a_core_of_its_own_where_there_are_two() {
        let cores = Cores::of(vec![2, 5, 7]);
        assert_eq!((to_word(&cores.server), to_word(&cores.generator)), ("2,5".into(), "7".into()));
        assert!(cores.are_apart());
        let cores = Cores::of(vec![3]);
        assert_eq!(cores, Cores { server: vec![3], generator: vec![3] });
        assert!(!cores.are_apart());
        assert!(!Cores::of(Vec::new()).are_apart());
    }
}
