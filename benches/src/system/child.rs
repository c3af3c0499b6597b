//! Processes that do not outlive the benchmark.
//!
//! Each is started through this program itself, which arranges what only a process can arrange for
//! itself (that it dies when its parent does, its processors) and then becomes the command:
//! prctl(2) and sched_setaffinity(2) hold across an exec. Each leads a process group, so that a
//! Ctrl-C at the terminal reaches the benchmark alone, and so that a server's workers are reached with
//! it. What leaves its group, or loses its parent, becomes the benchmark's own child (a subreaper),
//! and is found among its descendants.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::prctl;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getppid};

use super::cores;
use super::interrupt::{Interrupt, Interrupted};
use super::usage::descendants;

/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);

/// A command that will be `program` with `arguments`, on these cores.
///
/// # Errors
/// The path of this program is not known.
pub fn exec(program: OsString, arguments: Vec<OsString>, on: &[usize]) -> io::Result<Command> {
    let mut command = in_role("exec", on)?;
    command.arg(program).args(arguments);
    Ok(command)
}

/// This program in one of its inner roles, on these cores.
///
/// # Errors
/// The path of this program is not known.
pub fn in_role(role: &str, on: &[usize]) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([crate::SUBCOMMAND, &format!("{}{role}", crate::INNER)]);
    command.args([std::process::id().to_string(), cores::to_word(on)]);
    command.process_group(0);
    Ok(command)
}

/// First thing in a role: takes the two words that [`in_role`] has put before its own.
pub(crate) fn settle(arguments: &mut impl Iterator<Item = OsString>) -> io::Result<()> {
    let mut word = || arguments.next().unwrap_or_default().to_string_lossy().into_owned();
    let (parent, on) = (word(), word());
    die_with(&parent)?;
    cores::pin(&on);
    Ok(())
}

/// The rest of the role `exec`: does not return when it succeeds.
pub(crate) fn become_command(mut arguments: impl Iterator<Item = OsString>) -> io::Error {
    let program = arguments.next().unwrap_or_default();
    Command::new(&program).args(arguments).exec()
}

/// Has this process killed when `parent`, which has started it, ends.
fn die_with(parent: &str) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have ended before: then nobody would be told.
    match getppid().to_string() == parent {
        true => Ok(()),
        false => Err(io::ErrorKind::NotFound.into()),
    }
}

/// A process with all that it starts. Dropped, it is killed.
#[derive(Debug)]
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts it.
    ///
    /// # Errors
    /// Those of fork(2) and exec(2).
    pub fn start(command: &mut Command) -> io::Result<Group> {
        Ok(Group { child: command.spawn()? })
    }

    /// The process that was started.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, gracefully, and kills what is there after a while.
    ///
    /// # Errors
    /// The user wants an end: then it is killed at once.
    pub fn stop(mut self, interrupt: &Interrupt) -> Result<(), Interrupted> {
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        let until = Instant::now() + PATIENCE;
        while self.runs() && Instant::now() < until {
            interrupt.sleep(Duration::from_millis(5))?;
        }
        Ok(())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes this process the parent of what its children leave behind.
pub(crate) fn adopt_orphans() {
    let _ = prctl::set_child_subreaper(true);
}

/// Kills everything that this process has started and that is still there.
pub fn kill_descendants() {
    for _ in 0..10 {
        let left = descendants(std::process::id());
        if left.is_empty() {
            return;
        }
        for pid in left {
            let pid = Pid::from_raw(pid.cast_signed());
            let _ = kill(pid, Signal::SIGKILL);
            // Those that are not our children yet are after their parents' death.
            let _ = waitpid(pid, Some(WaitPidFlag::empty()));
        }
    }
}
