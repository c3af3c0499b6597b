//! recvmsg(2) and sendmsg(2), and the one way in which everything is sent: all of it, as a socket that
//! blocks does, if it takes parts (a stream).

use std::ffi::c_int;

use libc::{msghdr, ssize_t};
use oxicorn_core::wait::Interest;

use super::attempt::{Then, may_wait, patience};
use super::errno;
use super::inside::inside;
use super::real::{self, Call};
use super::vectors::{Rest, given};
use crate::hub::Hub;

/// Sends the pieces, the first of them with what else `head` says: an address, descriptors.
///
/// # Safety
/// Everything can be read.
pub(super) unsafe fn send_all(
    hub: &Hub,
    call: Call,
    fd: c_int,
    head: &msghdr,
    pieces: &mut Rest<'_>,
    flags: c_int,
    block: impl FnOnce() -> ssize_t,
) -> ssize_t {
    let mut until = None;
    let before = errno::get();
    loop {
        let mut message = *head;
        if pieces.done() > 0 {
            // They went with the first part.
            (message.msg_control, message.msg_controllen) = (std::ptr::null_mut(), 0);
        }
        let left = pieces.left();
        (message.msg_iov, message.msg_iovlen) = (left.as_ptr().cast_mut(), left.len());
        // SAFETY: as the caller promises.
        let done = unsafe { real::sendmsg(fd, &raw const message, flags | libc::MSG_DONTWAIT) };
        if done > 0 {
            pieces.advance(done as usize);
            if !pieces.is_empty() && may_wait(fd) {
                continue;
            }
            errno::set(before);
            return pieces.done();
        }
        if done == 0 || !errno::would_block() || !may_wait(fd) {
            return pieces.done_or(done);
        }
        let until = *until.get_or_insert_with(|| patience(fd, Interest::Write));
        match hub.until_ready(call, fd, Interest::Write, until) {
            Then::Again => {}
            Then::Block if pieces.done() == 0 => {
                errno::set(before);
                return hub.block(call, block);
            }
            Then::Block => return pieces.done(),
            Then::Fail(error) => {
                errno::set(error);
                return pieces.done_or(-1);
            }
        }
    }
}

/// recvmsg(2).
///
/// # Safety
/// As recvmsg(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::recvmsg(fd, message, flags) };
    let waits = flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE | libc::MSG_WAITALL) == 0;
    let Some(hub) = inside().filter(|_| waits) else { return block() };
    // SAFETY: a call that would have waited has written nothing to the message.
    let once = || unsafe { real::recvmsg(fd, message, flags | libc::MSG_DONTWAIT) };
    hub.attempt(Call::Recvmsg, fd, Interest::Read, once, block)
}

/// sendmsg(2).
///
/// # Safety
/// As sendmsg(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendmsg(
    fd: c_int,
    message: *const msghdr,
    flags: c_int,
) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::sendmsg(fd, message, flags) };
    let waits = flags & libc::MSG_DONTWAIT == 0 && !message.is_null();
    let Some(hub) = inside().filter(|_| waits) else { return block() };
    // SAFETY: a valid message, as the caller promises.
    let head = unsafe { &*message };
    // SAFETY: so many pieces it has.
    match unsafe { given(head.msg_iov, head.msg_iovlen) } {
        Some(pieces) => {
            let mut rest = Rest::new(pieces);
            // SAFETY: as the caller promises.
            unsafe { send_all(hub, Call::Sendmsg, fd, head, &mut rest, flags, block) }
        }
        None => {
            // SAFETY: as above.
            let once = || unsafe { real::sendmsg(fd, message, flags | libc::MSG_DONTWAIT) };
            hub.attempt(Call::Sendmsg, fd, Interest::Write, once, block)
        }
    }
}
