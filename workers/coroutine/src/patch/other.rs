//! Reading and writing what is no socket. A pipe, a FIFO or a terminal is read and written as a socket
//! is, by preadv2(2) with RWF_NOWAIT in the place of MSG_DONTWAIT. What the kernel has no such form for
//! (an eventfd, a timer, an older kernel's pipe) is awaited first and read then. A file of a disk is
//! never awaited: the kernel has no way to, so it blocks, as everywhere.

use std::ffi::c_int;
use std::mem::MaybeUninit;

use libc::{iovec, ssize_t};
use oxicorn_core::wait::Interest;

use super::attempt::{Then, may_wait};
use super::errno;
use super::real::Call;
use crate::hub::Hub;

/// What the file is like that a descriptor refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is always ready.
    Disk,
    /// It becomes ready.
    Stream,
}

fn kind(fd: c_int) -> Kind {
    let mut stat = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: fstat(2) fills the structure, which is made of integers.
    let mode = unsafe {
        match libc::fstat(fd, stat.as_mut_ptr()) {
            0 => stat.assume_init().st_mode,
            _ => libc::S_IFREG,
        }
    };
    match mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFDIR | libc::S_IFBLK => Kind::Disk,
        _ => Kind::Stream,
    }
}

/// Whether the last call has failed because there is no such form of it.
fn is_unknown() -> bool {
    matches!(errno::get(), libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL | libc::ESPIPE)
}

/// How much was transferred when not all of it was.
enum Progress {
    Done(ssize_t),
    /// It would have waited, or there is no way to try.
    Stuck(Trial),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    WouldBlock,
    Unknown,
}

fn tried(done: ssize_t) -> Progress {
    match done {
        0.. => Progress::Done(done),
        _ if errno::would_block() => Progress::Stuck(Trial::WouldBlock),
        _ if is_unknown() => Progress::Stuck(Trial::Unknown),
        _ => Progress::Done(done),
    }
}

/// Reads into `piece`; `block` is the call itself.
///
/// # Safety
/// The piece can be written to.
pub(super) unsafe fn read(
    hub: &Hub,
    call: Call,
    fd: c_int,
    pieces: &[iovec],
    block: impl FnOnce() -> ssize_t,
) -> ssize_t {
    if kind(fd) == Kind::Disk {
        return hub.block(call, block);
    }
    let before = errno::get();
    loop {
        // SAFETY: as the caller promises. -1: where the file is at.
        let done = unsafe {
            libc::preadv2(fd, pieces.as_ptr(), pieces.len() as c_int, -1, libc::RWF_NOWAIT)
        };
        let trial = match tried(done) {
            Progress::Done(done) => return done,
            Progress::Stuck(trial) => trial,
        };
        if !may_wait(fd) {
            errno::set(before);
            return block();
        }
        match (hub.until_ready(call, fd, Interest::Read, None), trial) {
            (Then::Again, Trial::WouldBlock) => errno::set(before),
            (Then::Again, Trial::Unknown) => {
                errno::set(before);
                return block();
            }
            (Then::Fail(error), _) => return errno::fail(error),
            (Then::Block, _) => return hub.block(call, block),
        }
    }
}

/// Writes all of the pieces; `block` is the call itself.
///
/// # Safety
/// The pieces can be read.
pub(super) unsafe fn write(
    hub: &Hub,
    call: Call,
    fd: c_int,
    pieces: &mut super::vectors::Rest<'_>,
    block: impl FnOnce() -> ssize_t,
) -> ssize_t {
    // The program's own output and errors: whoever writes them may hold a lock that the hub needs.
    if fd <= libc::STDERR_FILENO || kind(fd) == Kind::Disk || !may_wait(fd) {
        return hub.block(call, block);
    }
    let before = errno::get();
    loop {
        let left = pieces.left();
        // SAFETY: as the caller promises.
        let done =
            unsafe { libc::pwritev2(fd, left.as_ptr(), left.len() as c_int, -1, libc::RWF_NOWAIT) };
        let trial = match tried(done) {
            Progress::Done(done @ 1..) => {
                pieces.advance(done as usize);
                if pieces.is_empty() {
                    errno::set(before);
                    return pieces.done();
                }
                continue;
            }
            Progress::Done(done) => return pieces.done_or(done),
            Progress::Stuck(trial) => trial,
        };
        let nothing_yet = pieces.done() == 0;
        match (hub.until_ready(call, fd, Interest::Write, None), trial) {
            (Then::Again, Trial::WouldBlock) => {}
            (Then::Again | Then::Block, _) if nothing_yet => {
                errno::set(before);
                return hub.block(call, block);
            }
            (Then::Fail(error), _) => {
                errno::set(error);
                return pieces.done_or(-1);
            }
            (Then::Again | Then::Block, _) => return pieces.done(),
        }
    }
}
