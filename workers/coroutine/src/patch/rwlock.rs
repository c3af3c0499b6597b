//! pthread_rwlock_rdlock(3) and its like: the locks of OpenSSL, among others.

use std::ffi::c_int;

use libc::{clockid_t, pthread_rwlock_t, timespec};

use super::acquire::{LONG_AGO, acquire};
use super::inside::inside;
use super::owner::as_itself;
use super::real::{self, Call};
use super::table;
use super::until::{Until, until};

/// Who waits to read is woken with all of them, who waits to write alone.
const READS: u32 = 1;
const WRITES: u32 = 2;

/// The functions of the C library by which a lock is taken in one of the two ways.
#[derive(Clone, Copy)]
struct Side {
    attempt: unsafe fn(*mut pthread_rwlock_t) -> c_int,
    /// Says what there is to say about a lock that is the caller's already, and waits.
    timed: unsafe fn(*mut pthread_rwlock_t, *const timespec) -> c_int,
    mask: u32,
}

const READER: Side = Side {
    attempt: real::pthread_rwlock_tryrdlock,
    timed: real::pthread_rwlock_timedrdlock,
    mask: READS,
};
const WRITER: Side = Side {
    attempt: real::pthread_rwlock_trywrlock,
    timed: real::pthread_rwlock_timedwrlock,
    mask: WRITES,
};

/// Takes it, in a coroutine without blocking the thread; `block` is the function itself.
///
/// # Safety
/// A valid lock.
unsafe fn take(
    call: Call,
    side: Side,
    lock: *mut pthread_rwlock_t,
    until: impl FnOnce() -> Until,
    block: impl FnOnce() -> c_int,
) -> c_int {
    let block = || as_itself(block);
    let Some(hub) = inside() else { return block() };
    // SAFETY: as the caller promises.
    let once = || as_itself(|| unsafe { (side.attempt)(lock) });
    let first = once();
    if first != libc::EBUSY {
        return first;
    }
    let Ok(until) = until() else { return block() };
    if !hub.gives_way(call) {
        return hub.block(call, block);
    }
    // SAFETY: as the caller promises.
    let verdict = || as_itself(|| unsafe { (side.timed)(lock, &LONG_AGO) });
    acquire(hub, lock as usize, side.mask, until, verdict, once)
}

/// pthread_rwlock_rdlock(3).
///
/// # Safety
/// As pthread_rwlock_rdlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_rdlock(lock) }
    };
    // SAFETY: as for the caller.
    unsafe { take(Call::PthreadRwlockRdlock, READER, lock, || Ok(None), block) }
}

/// pthread_rwlock_wrlock(3).
///
/// # Safety
/// As pthread_rwlock_wrlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_wrlock(lock) }
    };
    // SAFETY: as for the caller.
    unsafe { take(Call::PthreadRwlockWrlock, WRITER, lock, || Ok(None), block) }
}

/// pthread_rwlock_tryrdlock(3).
///
/// # Safety
/// As pthread_rwlock_tryrdlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: as for the caller.
    as_itself(|| unsafe { real::pthread_rwlock_tryrdlock(lock) })
}

/// pthread_rwlock_trywrlock(3).
///
/// # Safety
/// As pthread_rwlock_trywrlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: as for the caller.
    as_itself(|| unsafe { real::pthread_rwlock_trywrlock(lock) })
}

/// pthread_rwlock_timedrdlock(3).
///
/// # Safety
/// As pthread_rwlock_timedrdlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_timedrdlock(
    lock: *mut pthread_rwlock_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_timedrdlock(lock, time) }
    };
    // SAFETY: as for the caller.
    unsafe {
        let until = || until(libc::CLOCK_REALTIME, time);
        take(Call::PthreadRwlockTimedrdlock, READER, lock, until, block)
    }
}

/// pthread_rwlock_timedwrlock(3).
///
/// # Safety
/// As pthread_rwlock_timedwrlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_timedwrlock(
    lock: *mut pthread_rwlock_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_timedwrlock(lock, time) }
    };
    // SAFETY: as for the caller.
    unsafe {
        let until = || until(libc::CLOCK_REALTIME, time);
        take(Call::PthreadRwlockTimedwrlock, WRITER, lock, until, block)
    }
}

/// pthread_rwlock_clockrdlock(3).
///
/// # Safety
/// As pthread_rwlock_clockrdlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_clockrdlock(
    lock: *mut pthread_rwlock_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_clockrdlock(lock, clock, time) }
    };
    // SAFETY: as for the caller.
    unsafe {
        let until = || until(clock, time);
        take(Call::PthreadRwlockClockrdlock, READER, lock, until, block)
    }
}

/// pthread_rwlock_clockwrlock(3).
///
/// # Safety
/// As pthread_rwlock_clockwrlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_clockwrlock(
    lock: *mut pthread_rwlock_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::pthread_rwlock_clockwrlock(lock, clock, time) }
    };
    // SAFETY: as for the caller.
    unsafe {
        let until = || until(clock, time);
        take(Call::PthreadRwlockClockwrlock, WRITER, lock, until, block)
    }
}

/// pthread_rwlock_unlock(3): whoever waits for it in a coroutine is woken.
///
/// # Safety
/// As pthread_rwlock_unlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int {
    // SAFETY: as for the caller.
    let done = as_itself(|| unsafe { real::pthread_rwlock_unlock(lock) });
    table::wake(lock as usize, usize::MAX, READS);
    table::wake(lock as usize, 1, WRITES);
    done
}
