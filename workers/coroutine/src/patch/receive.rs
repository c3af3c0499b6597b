//! recv(2), recvfrom(2), read(2).

use std::ffi::{c_int, c_void};
use std::ptr;

use libc::{iovec, size_t, sockaddr, socklen_t, ssize_t};
use oxicorn_core::wait::Interest;

use super::attempt::option;
use super::errno;
use super::inside::inside;
use super::real::{self, Call};
use super::vectors::read_pieces;
use crate::hub::Hub;

/// Flags with which the call does not wait, or not in a way that is known here.
const OWN: c_int = libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE;

/// # Safety
/// As recvfrom(2), which `block` is.
unsafe fn receive(
    hub: &Hub,
    call: Call,
    fd: c_int,
    (buffer, length): (*mut c_void, size_t),
    flags: c_int,
    (from, from_length): (*mut sockaddr, *mut socklen_t),
    block: impl Fn() -> ssize_t,
) -> ssize_t {
    let attempt = |at: usize| {
        let once = || {
            let buffer = buffer.cast::<u8>().wrapping_add(at).cast();
            let flags = flags | libc::MSG_DONTWAIT;
            // SAFETY: as the caller promises; `at` is within the buffer.
            unsafe { real::recvfrom(fd, buffer, length - at, flags, from, from_length) }
        };
        hub.attempt(call, fd, Interest::Read, once, &block)
    };
    let first = attempt(0);
    let all = flags & (libc::MSG_WAITALL | libc::MSG_PEEK) == libc::MSG_WAITALL;
    let mut done = match usize::try_from(first) {
        Ok(done @ 1..) if all && done < length => done,
        _ => return first,
    };
    if option::<c_int>(fd, libc::SO_TYPE) != Some(libc::SOCK_STREAM) {
        return first;
    }
    while done < length {
        match usize::try_from(attempt(done)) {
            Ok(more @ 1..) => done += more,
            Ok(0) | Err(_) => break,
        }
    }
    ssize_t::try_from(done).unwrap_or(ssize_t::MAX)
}

/// recv(2).
///
/// # Safety
/// As recv(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recv(
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::recv(fd, buffer, length, flags) };
    let Some(hub) = inside().filter(|_| flags & OWN == 0) else { return block() };
    let from = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: as for the caller.
    unsafe { receive(hub, Call::Recv, fd, (buffer, length), flags, from, block) }
}

/// recvfrom(2).
///
/// # Safety
/// As recvfrom(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn recvfrom(
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    flags: c_int,
    from: *mut sockaddr,
    from_length: *mut socklen_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::recvfrom(fd, buffer, length, flags, from, from_length) };
    let Some(hub) = inside().filter(|_| flags & OWN == 0) else { return block() };
    // SAFETY: as for the caller.
    unsafe { receive(hub, Call::Recvfrom, fd, (buffer, length), flags, (from, from_length), block) }
}

/// read(2).
///
/// # Safety
/// As read(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn read(fd: c_int, buffer: *mut c_void, length: size_t) -> ssize_t {
    // SAFETY: as for the caller.
    let block = || unsafe { real::read(fd, buffer, length) };
    if inside().is_none() || length == 0 {
        return block();
    }
    let before = errno::get();
    let piece = iovec { iov_base: buffer, iov_len: length };
    // SAFETY: the piece is the caller's buffer.
    let done = unsafe { read_pieces(Call::Read, fd, &[piece], block) };
    if done >= 0 {
        errno::set(before);
    }
    done
}
