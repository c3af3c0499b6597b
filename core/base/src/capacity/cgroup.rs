//! The limits of this process' cgroup, in version 2 of the hierarchy or in version 1 (cgroups(7)).
//! Each of the groups above has limits, too, and the smallest counts. In a container the path that
//! /proc tells may be the host's, which is not there: then the root of what is mounted is ours.

use std::fs;
use std::path::{Path, PathBuf};

use super::Quota;

/// What the cgroups allow; none: no limit, or none that can be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) cpuset: Option<u64>,
    pub(super) quota: Option<Quota>,
    pub(super) memory: Option<u64>,
}

/// Version 1 has no word for "no limit" but a number that no machine reaches.
const NO_LIMIT: u64 = 1 << 60;

impl Limits {
    pub(super) fn read(root: &Path) -> Limits {
        let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
        let mut limits = Limits::default();
        for line in groups.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else {
                continue;
            };
            let mount = root.join("sys/fs/cgroup");
            match controllers {
                "" => {
                    limits.add_unified(&mount, group);
                    // Both versions may be there at once; then version 2 has a folder of its own.
                    limits.add_unified(&mount.join("unified"), group);
                }
                controllers => {
                    for name in controllers.split(',') {
                        // The folder has the name of one of them, or of all.
                        limits.add_controller(&mount.join(name), name, group);
                        limits.add_controller(&mount.join(controllers), name, group);
                    }
                }
            }
        }
        limits
    }

    fn add_unified(&mut self, mount: &Path, group: &str) {
        for folder in folders(mount, group) {
            self.limit_cpus(cpus(&folder.join("cpuset.cpus.effective")));
            self.limit_quota(words(&folder.join("cpu.max")).and_then(|words| {
                let [time, period] = words.try_into().ok()?;
                quota(time.parse().ok()?, period.parse().ok()?)
            }));
            self.limit_memory(number(&folder.join("memory.max")));
        }
    }

    fn add_controller(&mut self, mount: &Path, name: &str, group: &str) {
        for folder in folders(mount, group) {
            match name {
                "cpuset" => {
                    let effective = cpus(&folder.join("cpuset.effective_cpus"));
                    self.limit_cpus(effective.or_else(|| cpus(&folder.join("cpuset.cpus"))));
                }
                "cpu" => {
                    // A quota of -1 is none, and no number without a sign.
                    let time = number(&folder.join("cpu.cfs_quota_us"));
                    let period = number(&folder.join("cpu.cfs_period_us"));
                    self.limit_quota(time.zip(period).and_then(|(t, p)| quota(t, p)));
                }
                "memory" => self.limit_memory(number(&folder.join("memory.limit_in_bytes"))),
                _ => {}
            }
        }
    }

    fn limit_cpus(&mut self, cpus: Option<u64>) {
        self.cpuset = self.cpuset.into_iter().chain(cpus).min();
    }

    fn limit_quota(&mut self, quota: Option<Quota>) {
        if let Some(quota) = quota
            && self.quota.is_none_or(|before| quota.less(before))
        {
            self.quota = Some(quota);
        }
    }

    fn limit_memory(&mut self, bytes: Option<u64>) {
        let bytes = bytes.filter(|&bytes| bytes < NO_LIMIT);
        self.memory = self.memory.into_iter().chain(bytes).min();
    }
}

/// The folder of the group and of those above it.
fn folders(mount: &Path, group: &str) -> Vec<PathBuf> {
    let group = Path::new(group.trim_start_matches('/'));
    group.ancestors().map(|group| mount.join(group)).collect()
}

fn words(file: &Path) -> Option<Vec<String>> {
    let text = fs::read_to_string(file).ok()?;
    Some(text.split_ascii_whitespace().map(str::to_owned).collect())
}

fn number(file: &Path) -> Option<u64> {
    words(file)?.first()?.parse().ok()
}

fn quota(time: u64, period: u64) -> Option<Quota> {
    (time > 0 && period > 0).then_some(Quota { time, period })
}

/// How many CPUs a list such as `0-3,7` has.
fn cpus(file: &Path) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let counts = text.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        Some(last.checked_sub(first)? + 1)
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(files: &[(&str, &str)]) -> Limits {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Limits::read(root.path())
    }

    const MIB: u64 = 1 << 20;

    #[test]
    fn version_2_with_limits_on_the_way() {
        let found = limits(&[
            ("proc/self/cgroup", "0::/pods/mine\n"),
            ("sys/fs/cgroup/pods/mine/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/pods/mine/memory.max", "536870912\n"),
            ("sys/fs/cgroup/pods/mine/cpuset.cpus.effective", "0-3,7\n"),
            ("sys/fs/cgroup/pods/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/pods/memory.max", "max\n"),
            ("sys/fs/cgroup/cpuset.cpus.effective", "0-15\n"),
        ]);
        let quota = Some(Quota { time: 150_000, period: 100_000 });
        assert_eq!(found, Limits { cpuset: Some(5), quota, memory: Some(512 * MIB) });
    }

    #[test]
    fn version_1_and_what_it_calls_no_limit() {
        let found = limits(&[
            ("proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/a\n2:cpuset:/\n1:name=systemd:/\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpuset/cpuset.cpus", "0,2\n"),
        ]);
        let quota = Some(Quota { time: 50_000, period: 100_000 });
        assert_eq!(found, Limits { cpuset: Some(2), quota, memory: None });
    }

    #[test]
    fn in_a_container_the_path_is_the_hosts() {
        let found = limits(&[
            ("proc/self/cgroup", "3:memory:/docker/0123\n0::/docker/0123\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "67108864\n"),
            ("sys/fs/cgroup/unified/cpu.max", "200000 100000\n"),
        ]);
        let quota = Some(Quota { time: 200_000, period: 100_000 });
        assert_eq!(found, Limits { cpuset: None, quota, memory: Some(64 * MIB) });
    }

    #[test]
    fn what_cannot_be_read_is_no_limit() {
        assert_eq!(limits(&[]), Limits::default());
        let nonsense = limits(&[
            ("proc/self/cgroup", "0::/\nnonsense\n1:cpu\n"),
            ("sys/fs/cgroup/cpu.max", "lots\n"),
            ("sys/fs/cgroup/memory.max", "\n"),
            ("sys/fs/cgroup/cpuset.cpus.effective", "3-1\n"),
        ]);
        assert_eq!(nonsense, Limits::default());
    }
}
