//! What a process and all its descendants use, by the kernel's books.
//!
//! Processor time of a living process is its CPU-time clock (clock_getcpuclockid(3)), which counts
//! nanoseconds where /proc/PID/stat has ticks of 10 ms: of a short run those are several per cent.
//! What has ended and was waited for is in the ticks of its parent (cutime, cstime).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// One moment of a tree of processes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor time so far by process; the first process that was started among them.
    pub processes: BTreeMap<u32, Duration>,
    /// Of the children that have ended.
    pub ended: Duration,
    /// Resident pages of all processes, shared ones counted each time, in bytes.
    pub rss: u64,
    /// Resident pages, shared ones divided among those who share them, in bytes.
    pub pss: u64,
}

impl Usage {
    /// Of the process `root` and everything below it, now.
    pub fn of(root: u32) -> Usage {
        let mut usage = Usage::default();
        for pid in std::iter::once(root).chain(descendants(root)) {
            if let Some(time) = processor_time(pid) {
                usage.processes.insert(pid, time);
            }
            usage.ended += Stat::of(pid).map_or(Duration::ZERO, |stat| stat.children_time);
            let (rss, pss) = memory(pid).unwrap_or_default();
            usage.rss += rss;
            usage.pss += pss;
        }
        usage
    }

    /// Processor time since `before`.
    pub fn time_since(&self, before: &Usage) -> Duration {
        let living: Duration =
            self.by_process_since(before).into_iter().map(|(_, time)| time).sum();
        // A child that ended in between was in `before` as a living one.
        let gone = before.processes.iter().filter(|(pid, _)| !self.processes.contains_key(pid));
        let counted: Duration = gone.map(|(_, time)| *time).sum();
        living + self.ended.saturating_sub(before.ended).saturating_sub(counted)
    }

    /// Processor time since `before` of each living process, by its number.
    pub fn by_process_since(&self, before: &Usage) -> Vec<(u32, Duration)> {
        let since = |(pid, now): (&u32, &Duration)| {
            let then = before.processes.get(pid).copied().unwrap_or_default();
            (*pid, now.saturating_sub(then))
        };
        self.processes.iter().map(since).collect()
    }
}

fn processor_time(pid: u32) -> Option<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid.cast_signed())).ok()?;
    clock_gettime(clock).ok().map(Duration::from)
}

/// From /proc/PID/smaps_rollup: (rss, pss).
fn memory(pid: u32) -> Option<(u64, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_ascii_whitespace().next()?.parse::<u64>().ok()? * 1024)
    };
    Some((bytes("Rss:")?, bytes("Pss:")?))
}

struct Stat {
    parent: u32,
    children_time: Duration,
}

impl Stat {
    /// proc_pid_stat(5); the name before the fields may contain anything.
    fn of(pid: u32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
        // A tick is 10 ms on every Linux of today (USER_HZ).
        let children_time = Duration::from_millis((ticks(13)? + ticks(14)?) * 10);
        Some(Stat { parent: fields.get(1)?.parse().ok()?, children_time })
    }
}

/// Children of `root`, and theirs, without itself: parents before their children.
pub(super) fn descendants(root: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in pids {
        if let Some(stat) = Stat::of(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(children.remove(&parent).unwrap_or_default());
        at += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    #[test]
    fn a_tree_is_seen_with_what_it_has_used() {
        // A shell with a child that computes, says so, and waits; then a grandchild that has ended.
        let script = "(i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; true); \
                      sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo there; read x'; true";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let before = Usage::default();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let usage = Usage::of(child.id());
        assert_eq!(usage.processes.len(), 2, "{usage:?}");
        assert!(usage.pss > 0 && usage.rss >= usage.pss);
        let shares = usage.by_process_since(&before);
        let living: Duration = shares.iter().map(|(_, time)| *time).sum();
        assert!(living > Duration::from_millis(1), "{usage:?}");
        assert_eq!(usage.time_since(&before), living + usage.ended);
        assert_eq!(usage.time_since(&usage), Duration::ZERO);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(Usage::of(child.id()), Usage::default());
    }
}
