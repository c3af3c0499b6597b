//! What the functions are called in C code that was compiled with `_FORTIFY_SOURCE`, as distributions
//! compile theirs: the same, told how large the buffer is. A call that would write beyond it ends the
//! process, which is left to the C library.

use std::ffi::{c_int, c_void};

use libc::{nfds_t, pollfd, sigset_t, size_t, sockaddr, socklen_t, ssize_t, timespec};

use super::{poll, real, receive};

fn fits(fds: nfds_t, size: size_t) -> bool {
    usize::try_from(fds).is_ok_and(|fds| fds <= size / size_of::<pollfd>())
}

/// read(2), into a buffer of `size` bytes.
///
/// # Safety
/// As read(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __read_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    size: size_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe {
        match length <= size {
            true => receive::read(fd, buffer, length),
            false => real::__read_chk(fd, buffer, length, size),
        }
    }
}

/// recv(2), into a buffer of `size` bytes.
///
/// # Safety
/// As recv(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __recv_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    size: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe {
        match length <= size {
            true => receive::recv(fd, buffer, length, flags),
            false => real::__recv_chk(fd, buffer, length, size, flags),
        }
    }
}

/// recvfrom(2), into a buffer of `size` bytes.
///
/// # Safety
/// As recvfrom(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __recvfrom_chk(
    fd: c_int,
    buffer: *mut c_void,
    length: size_t,
    size: size_t,
    flags: c_int,
    from: *mut sockaddr,
    from_length: *mut socklen_t,
) -> ssize_t {
    // SAFETY: as for the caller.
    unsafe {
        match length <= size {
            true => receive::recvfrom(fd, buffer, length, flags, from, from_length),
            false => real::__recvfrom_chk(fd, buffer, length, size, flags, from, from_length),
        }
    }
}

/// poll(2), for an array of `size` bytes.
///
/// # Safety
/// As poll(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __poll_chk(
    fds: *mut pollfd,
    count: nfds_t,
    timeout: c_int,
    size: size_t,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        match fits(count, size) {
            true => poll::poll(fds, count, timeout),
            false => real::__poll_chk(fds, count, timeout, size),
        }
    }
}

/// ppoll(2), for an array of `size` bytes.
///
/// # Safety
/// As ppoll(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn __ppoll_chk(
    fds: *mut pollfd,
    count: nfds_t,
    timeout: *const timespec,
    mask: *const sigset_t,
    size: size_t,
) -> c_int {
    // SAFETY: as for the caller.
    unsafe {
        match fits(count, size) {
            true => poll::ppoll(fds, count, timeout, mask),
            false => real::__ppoll_chk(fds, count, timeout, mask, size),
        }
    }
}
