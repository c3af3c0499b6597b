//! Whether a SIGKILL may have been the kernel's, for want of memory. gunicorn guesses so at every
//! SIGKILL; the cgroup's own count of processes killed says whether there is a reason to.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The cgroup's counter, as it was when last looked at.
#[derive(Debug)]
pub(crate) struct OomKills {
    /// None: this system does not count, or not where we can see it.
    file: Option<File>,
    seen: u64,
}

/// Where the counter is: in version 2 of the hierarchy, or in version 1.
fn path(cgroups: &str) -> Option<PathBuf> {
    let lines = || cgroups.lines().filter_map(|line| line.split_once(':'));
    let unified = lines().find_map(|(_, rest)| {
        let group = rest.strip_prefix(':')?;
        Some(format!("/sys/fs/cgroup{group}/memory.events"))
    });
    let memory = lines().find_map(|(_, rest)| {
        let (controllers, group) = rest.split_once(':')?;
        let mut controllers = controllers.split(',');
        let memory = controllers.any(|name| name == "memory");
        memory.then(|| format!("/sys/fs/cgroup/memory{group}/memory.oom_control"))
    });
    memory.or(unified).map(PathBuf::from)
}

fn count(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

impl OomKills {
    /// Finds the counter of this process' cgroup.
    pub(crate) fn watch() -> OomKills {
        let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let file = path(&cgroups).and_then(|path| File::open(path).ok());
        let mut kills = OomKills { file, seen: 0 };
        kills.seen = kills.count().unwrap_or(0);
        kills
    }

    fn count(&self) -> Option<u64> {
        let mut buffer = [0; 512];
        let length = self.file.as_ref()?.read_at(&mut buffer, 0).ok()?;
        count(std::str::from_utf8(&buffer[..length]).ok()?)
    }

    /// Whether the count has risen since it was last asked for.
    pub(crate) fn risen(&mut self) -> Risen {
        let now = self.count().unwrap_or(self.seen);
        let risen = now > self.seen;
        self.seen = now;
        if risen { Risen::Yes } else { Risen::No }
    }
}

/// An answer of [`OomKills::risen`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risen {
    Yes,
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_in_both_hierarchies() {
        let v2 = "0::/system.slice/app.service\n";
        assert_eq!(
            path(v2).unwrap().to_str().unwrap(),
            "/sys/fs/cgroup/system.slice/app.service/memory.events"
        );
        let v1 = "12:cpu,cpuacct:/a\n4:memory:/b\n0::/c\n";
        assert_eq!(
            path(v1).unwrap().to_str().unwrap(),
            "/sys/fs/cgroup/memory/b/memory.oom_control"
        );
        assert_eq!(path(""), None);
    }

    #[test]
    fn the_count_is_a_line_of_its_own() {
        assert_eq!(count("low 0\noom 3\noom_kill 2\noom_group_kill 9\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), Some(7));
        assert_eq!(count(""), None);
        assert_eq!(OomKills::watch().risen(), Risen::No);
    }
}
