//! send(2), sendto(2), write(2).

use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{iovec, msghdr, size_t, sockaddr, socklen_t, ssize_t};
use oxicorn_core::wait::Interest;

use super::inside::inside;
use super::messages::send_all;
use super::real::{self, Call};
use super::vectors::{Rest, write_pieces};
use crate::hub::Hub;

/// # Safety
/// As sendto(2), which `block` is.
unsafe fn transmit(
    hub: &Hub,
    call: Call,
    fd: c_int,
    (buffer, length): (*const c_void, size_t),
    flags: c_int,
    (to, to_length): (*const sockaddr, socklen_t),
    block: impl FnOnce() -> ssize_t,
) -> ssize_t {
    if length == 0 {
        let flags = flags | libc::MSG_DONTWAIT;
        // SAFETY: as the caller promises.
        let once = || unsafe { real::sendto(fd, buffer, length, flags, to, to_length) };
        return hub.attempt(call, fd, Interest::Write, once, block);
    }
    let pieces = [iovec { iov_base: buffer.cast_mut(), iov_len: length }];
    // SAFETY: a structure of integers and pointers.
    let mut head: msghdr = unsafe { std::mem::zeroed() };
    if !to.is_null() {
        (head.msg_name, head.msg_namelen) = (to.cast_mut().cast(), to_length);
    }
    let mut rest = Rest::new(&pieces);
    // SAFETY: as the caller promises.
    unsafe { send_all(hub, call, fd, &head, &mut rest, flags, block) }
}

/// send(2).
///
/// # Safety
/// As send(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn send(
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::send(fd, buffer, length, flags) };
    let Some(hub) = inside().filter(|_| flags & libc::MSG_DONTWAIT == 0) else { return block() };
    // SAFETY: as for the caller.
    unsafe { transmit(hub, Call::Send, fd, (buffer, length), flags, (ptr::null(), 0), block) }
}

/// sendto(2).
///
/// # Safety
/// As sendto(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendto(
    fd: c_int,
    buffer: *const c_void,
    length: size_t,
    flags: c_int,
    to: *const sockaddr,
    to_length: socklen_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::sendto(fd, buffer, length, flags, to, to_length) };
    let Some(hub) = inside().filter(|_| flags & libc::MSG_DONTWAIT == 0) else { return block() };
    // SAFETY: as for the caller.
    unsafe { transmit(hub, Call::Sendto, fd, (buffer, length), flags, (to, to_length), block) }
}

/// write(2).
///
/// # Safety
/// As write(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn write(fd: c_int, buffer: *const c_void, length: size_t) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::write(fd, buffer, length) };
    if inside().is_none() || length == 0 {
        return block();
    }
    let piece = iovec { iov_base: buffer.cast_mut(), iov_len: length };
    // SAFETY: the piece is the caller's buffer.
    unsafe { write_pieces(Call::Write, fd, &[piece], block) }
}
