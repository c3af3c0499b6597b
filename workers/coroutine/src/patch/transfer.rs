//! sendfile(2) and splice(2), with which `std::io::copy` moves bytes inside of the kernel. On a socket
//! that blocks they block, and have no form that does not. Both may say that they cannot do it with
//! these files (`EINVAL`), and every caller has another way then: reads and writes, which give way.

use std::ffi::{c_int, c_uint};

use libc::{off_t, size_t, ssize_t};

use super::attempt::may_wait;
use super::errno;
use super::inside::inside;
use super::real::{self, Call};

/// Whether the call would block the thread, on one of these.
fn would_block(call: Call, fds: &[c_int]) -> bool {
    let before = errno::get();
    let waits = |hub: &crate::hub::Hub| fds.iter().any(|fd| may_wait(*fd)) && hub.gives_way(call);
    let would = inside().is_some_and(waits);
    errno::set(before);
    would
}

/// sendfile(2).
///
/// # Safety
/// As sendfile(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendfile(
    to: c_int,
    from: c_int,
    offset: *mut off_t,
    length: size_t,
) -> ssize_t {
    if would_block(Call::Sendfile, &[to]) {
        return errno::fail(libc::EINVAL);
    }
    // SAFETY: as for the caller.
    unsafe { real::sendfile(to, from, offset, length) }
}

/// sendfile(2) under its other name.
///
/// # Safety
/// As sendfile(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sendfile64(
    to: c_int,
    from: c_int,
    offset: *mut off_t,
    length: size_t,
) -> ssize_t {
    if would_block(Call::Sendfile64, &[to]) {
        return errno::fail(libc::EINVAL);
    }
    // SAFETY: as for the caller.
    unsafe { real::sendfile64(to, from, offset, length) }
}

/// splice(2).
///
/// # Safety
/// As splice(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn splice(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    length: size_t,
    flags: c_uint,
) -> ssize_t {
    if would_block(Call::Splice, &[from, to]) {
        return errno::fail(libc::EINVAL);
    }
    // SAFETY: as for the caller.
    unsafe { real::splice(from, from_offset, to, to_offset, length, flags) }
}
