//! When a wait is to end that is given an absolute time.

use std::ffi::c_int;
use std::time::Instant;

use libc::timespec;

use super::sleep::{after, duration, left_on};

/// That is no time, or no clock: the C library's function says what it thinks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

/// `None`: it need not end.
pub(super) type Until = Result<Option<Instant>, Nonsense>;

/// # Safety
/// A valid time or null.
pub(super) unsafe fn until(clock: c_int, time: *const timespec) -> Until {
    // SAFETY: as the caller promises.
    let given = unsafe { time.as_ref() }.and_then(duration).ok_or(Nonsense)?;
    let left = left_on(clock, given).ok_or(Nonsense)?;
    Ok(Some(after(left)))
}
