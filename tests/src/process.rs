//! What the system knows about a process, read from /proc: the suite's only view of the server from
//! inside. Everything answers `None` or nothing for a process that has gone, since processes leave
//! whenever they like.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(i32);

impl Process {
    /// The process with this number.
    pub fn new(pid: i32) -> Process {
        Process(pid)
    }

    /// Its number.
    pub fn pid(self) -> i32 {
        self.0
    }

    fn path(self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.0))
    }

    /// The fields of its `stat` from the state on; the name before it may contain anything.
    fn stat(self) -> Option<Vec<String>> {
        let text = fs::read_to_string(self.path("stat")).ok()?;
        let (_, fields) = text.rsplit_once(") ")?;
        Some(fields.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// Whether it still runs: one that has ended and only waits for its parent does not.
    pub fn runs(self) -> bool {
        self.stat().is_some_and(|fields| !matches!(fields[0].as_str(), "Z" | "X"))
    }

    /// Its running children, lowest number first.
    pub fn children(self) -> Vec<Process> {
        let parent = self.0.to_string();
        let mut children: Vec<Process> = all()
            .filter(|child| {
                child.stat().is_some_and(|f| f[0] != "Z" && f[0] != "X" && f[1] == parent)
            })
            .collect();
        children.sort();
        children
    }

    /// How many descriptors it has open.
    pub fn descriptors(self) -> Option<usize> {
        Some(fs::read_dir(self.path("fd")).ok()?.count())
    }

    /// How many of them are sockets: connections, and what it listens at.
    pub fn sockets(self) -> usize {
        self.describe_descriptors().iter().filter(|line| line.contains("-> socket:")).count()
    }

    /// What its descriptors are, one line each, for a message about a leak.
    pub fn describe_descriptors(self) -> Vec<String> {
        let entries = fs::read_dir(self.path("fd")).into_iter().flatten().flatten();
        let links = entries.filter_map(|entry| {
            let link = fs::read_link(entry.path()).ok()?;
            Some(format!("{} -> {}", entry.file_name().to_string_lossy(), link.display()))
        });
        links.collect()
    }

    /// The most memory that it has ever had resident, in bytes.
    pub fn peak_memory(self) -> Option<u64> {
        let status = fs::read_to_string(self.path("status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        let kibibytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// The processor time that it has used, in its own code and in the kernel's, as coarse as the
    /// kernel's tick.
    pub fn processor_time(self) -> Option<Duration> {
        // proc_pid_stat(5): utime and stime, in hundredths of a second on every Linux of today.
        let fields = self.stat()?;
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
    }

    /// Its title, as ps shows it.
    pub fn title(self) -> Option<String> {
        let bytes = fs::read(self.path("cmdline")).ok()?;
        let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
        Some(text.trim_end().to_owned())
    }

    /// Sends it a signal. One that has gone already gets none.
    pub fn signal(self, signal: Signal) {
        let _ = kill(Pid::from_raw(self.0), signal);
    }
}

/// Every process that has `file` (a link as in `/proc/PID/fd`) as one of its standard outputs.
pub(crate) fn holders(file: &str) -> Vec<Process> {
    all()
        .filter(|process| {
            ["fd/1", "fd/2"].iter().any(|fd| {
                fs::read_link(process.path(fd)).is_ok_and(|link| link.as_os_str() == file)
            })
        })
        .collect()
}

fn all() -> impl Iterator<Item = Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(Process))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_child_is_seen_and_its_end_too() {
        let me = Process::new(i32::try_from(std::process::id()).unwrap());
        let mut command = Command::new("cat");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let process = Process::new(i32::try_from(child.id()).unwrap());
        assert!(process.runs());
        assert!(me.children().contains(&process));
        assert!(process.descriptors().unwrap() >= 3);
        assert!(process.peak_memory().unwrap() > 0);
        process.signal(Signal::SIGKILL);
        child.wait().unwrap();
        assert!(!process.runs());
        assert_eq!(process.descriptors(), None);
        assert!(!me.children().contains(&process));
    }
}
