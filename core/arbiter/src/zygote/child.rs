//! For the program that is a zygote: what this crate knows about being a child of the master.

use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};

use oxicorn_core::sys;

use crate::signals;

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
