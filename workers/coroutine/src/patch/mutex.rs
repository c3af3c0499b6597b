//! pthread_mutex_lock(3) and its like: the locks of C code, where the C library waits in a way that
//! nobody can get between. A mutex whose holder the kernel must know (robust, with a priority, or
//! shared with another process) has the thread's number as ever.

use std::ffi::c_int;

use libc::{clockid_t, pthread_mutex_t, timespec};

use super::acquire::{LONG_AGO, acquire};
use super::inside::inside;
use super::owner::as_itself;
use super::queue::ANY;
use super::real::{self, Call};
use super::table;
use super::until::{Until, until};
use crate::hub::Hub;

/// Bits of a mutex's kind (glibc, sysdeps/nptl/pthreadP.h): robust, with an inherited priority, with a
/// ceiling, shared between processes. Static initialisers hold the kind, so its place cannot change.
const KNOWN_TO_OTHERS: c_int = 16 | 32 | 64 | 128;
const KIND: usize = 16;

/// Calls a function that looks who the holder is.
///
/// # Safety
/// A valid mutex.
#[inline(always)]
pub(super) unsafe fn own<T>(mutex: *mut pthread_mutex_t, code: impl FnOnce() -> T) -> T {
    // SAFETY: as the caller promises.
    match unsafe { mutex.byte_add(KIND).cast::<c_int>().read() } & KNOWN_TO_OTHERS {
        0 => as_itself(code),
        _ => code(),
    }
}

/// Locks it without blocking the thread; `None`: it may block.
///
/// # Safety
/// A valid mutex.
pub(super) unsafe fn lock_in(
    hub: &'static Hub,
    call: Call,
    mutex: *mut pthread_mutex_t,
    until: Until,
) -> Option<c_int> {
    // SAFETY: as the caller promises.
    let once = || unsafe { own(mutex, || real::pthread_mutex_trylock(mutex)) };
    let first = once();
    if first != libc::EBUSY {
        return Some(first);
    }
    let until = until.ok()?;
    if !hub.gives_way(call) {
        return None;
    }
    // SAFETY: as the caller promises.
    let verdict = || unsafe { own(mutex, || real::pthread_mutex_timedlock(mutex, &LONG_AGO)) };
    Some(acquire(hub, mutex as usize, ANY, until, verdict, once))
}

/// pthread_mutex_lock(3).
///
/// # Safety
/// As pthread_mutex_lock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { own(mutex, || real::pthread_mutex_lock(mutex)) };
    let Some(hub) = inside() else { return block() };
    // SAFETY: as for the caller.
    let done = unsafe { lock_in(hub, Call::PthreadMutexLock, mutex, Ok(None)) };
    done.unwrap_or_else(|| hub.block(Call::PthreadMutexLock, block))
}

/// pthread_mutex_trylock(3).
///
/// # Safety
/// As pthread_mutex_trylock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: as for the caller.
    unsafe { own(mutex, || real::pthread_mutex_trylock(mutex)) }
}

/// pthread_mutex_timedlock(3).
///
/// # Safety
/// As pthread_mutex_timedlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_mutex_timedlock(
    mutex: *mut pthread_mutex_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { own(mutex, || real::pthread_mutex_timedlock(mutex, time)) };
    let Some(hub) = inside() else { return block() };
    // SAFETY: as for the caller.
    let done = unsafe {
        let until = until(libc::CLOCK_REALTIME, time);
        lock_in(hub, Call::PthreadMutexTimedlock, mutex, until)
    };
    done.unwrap_or_else(|| hub.block(Call::PthreadMutexTimedlock, block))
}

/// pthread_mutex_clocklock(3).
///
/// # Safety
/// As pthread_mutex_clocklock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_mutex_clocklock(
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { own(mutex, || real::pthread_mutex_clocklock(mutex, clock, time)) };
    let Some(hub) = inside() else { return block() };
    // SAFETY: as for the caller.
    let done = unsafe { lock_in(hub, Call::PthreadMutexClocklock, mutex, until(clock, time)) };
    done.unwrap_or_else(|| hub.block(Call::PthreadMutexClocklock, block))
}

/// pthread_mutex_unlock(3): whoever waits for it in a coroutine is woken.
///
/// # Safety
/// As pthread_mutex_unlock(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: as for the caller.
    let done = unsafe { unlock_alone(mutex) };
    wake_next(mutex);
    done
}

/// Unlocks it, and tells no coroutine.
///
/// # Safety
/// As pthread_mutex_unlock(3).
#[inline(always)]
pub(super) unsafe fn unlock_alone(mutex: *mut pthread_mutex_t) -> c_int {
    // SAFETY: as the caller promises.
    unsafe { own(mutex, || real::pthread_mutex_unlock(mutex)) }
}

/// Tells a coroutine that waits for it. (The mutex may be gone: its address is a number.)
#[inline(always)]
pub(super) fn wake_next(mutex: *mut pthread_mutex_t) {
    table::wake(mutex as usize, 1, ANY);
}
