//! errno(3), which says why a call has failed, and which a call that succeeds leaves alone.

use std::ffi::c_int;

pub(super) fn get() -> c_int {
    // SAFETY: the place is the calling thread's, always valid.
    unsafe { *libc::__errno_location() }
}

pub(super) fn set(error: c_int) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = error }
}

/// What a call that fails with `error` gives.
pub(super) fn fail<T: From<i8>>(error: c_int) -> T {
    set(error);
    T::from(-1)
}

/// Whether the last call has failed because it would have waited.
pub(super) fn would_block() -> bool {
    let error = get();
    error == libc::EAGAIN || error == libc::EWOULDBLOCK
}
