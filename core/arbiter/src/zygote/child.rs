//! For the program that is a zygote: what this crate knows about being a child of the master.

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::Path;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;
use oxicorn_core::config::Config;
use oxicorn_core::sys;

use crate::{identity, signals};

/// The socket to the master, whose number the program was started with.
///
/// # Errors
/// It is not open.
pub fn socket(number: RawFd) -> io::Result<OwnedFd> {
    let socket = sys::adopt(number)?;
    let flags = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
    nix::fcntl::fcntl(socket.as_fd(), flags)?;
    Ok(socket)
}

/// Makes a zygote that was started before there were settings what they say: the user (and with it, once
/// more, the end with the master, which a change of user undoes), the folder, the umask.
///
/// # Errors
/// The system does not let us.
pub fn settle_in(config: &Config, folder: &Path) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::env::set_current_dir(folder).map_err(cannot)?;
    umask(Mode::from_bits_truncate(config.umask.0));
    identity::assume(config).map_err(|error| error.to_string())?;
    set_pdeathsig(Signal::SIGKILL).map_err(|errno| format!("prctl: {errno}"))
}

/// In a worker where Python has a handler for SIGABRT, which says where it was: has the client be answered
/// first, as in any worker.
///
/// # Errors
/// Those of sigaction(2).
pub fn answer_before_abort() -> io::Result<()> {
    signals::speak_first_on_abort()
}

/// In a worker that was told to abort, and has done what it wanted to do first: does what it would have
/// done without. Does not come back.
///
/// # Errors
/// Those of sigaction(2) and kill(2).
pub fn abort() -> io::Result<()> {
    signals::speak_on_abort()?;
    // Not raise(3): the handler tells the end of a worker from its own failure by the sender.
    Ok(kill(Pid::this(), Signal::SIGABRT)?)
}

/// Has the zygote take no notice of the signals that are meant for the master, also when somebody
/// sends them to all processes of the server; and lets the others through, which were blocked from
/// before the fork.
///
/// # Errors
/// Those of sigaction(2).
pub fn heed_nobody() -> io::Result<()> {
    signals::handle_as_zygote()
}

/// Blocks every signal: before a worker is forked, which is to have no handlers of the zygote's.
pub fn block_signals() {
    signals::block();
}

/// In the zygote, when the fork is done.
pub fn unblock_signals() {
    signals::unblock();
}
