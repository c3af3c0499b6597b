//! sem_wait(3) and its like, and pthread_once(3). Whoever raises a semaphore may be a signal handler, in
//! the middle of anything, and can tell nobody of it; so it is looked at again and again.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Instant;

use libc::{clockid_t, sem_t, timespec};

use super::errno;
use super::inside::inside;
use super::look::{Heed, look};
use super::real::{self, Call};
use super::until::{Until, until};

/// Takes one, in a coroutine without blocking the thread; `block` is the function itself.
///
/// # Safety
/// A valid semaphore.
unsafe fn take(
    call: Call,
    semaphore: *mut sem_t,
    until: impl FnOnce() -> Until,
    block: impl FnOnce() -> c_int,
) -> c_int {
    let Some(hub) = inside() else { return block() };
    let before = errno::get();
    // SAFETY: as the caller promises.
    let has_it = || unsafe { libc::sem_trywait(semaphore) } == 0;
    if has_it() {
        return 0;
    }
    errno::set(before);
    let Ok(until) = until() else { return block() };
    if !hub.gives_way(call) {
        return hub.block(call, block);
    }
    let taken = look(hub, Heed::No, || match has_it() {
        true => Some(0),
        false if until.is_some_and(|until| until <= Instant::now()) => Some(libc::ETIMEDOUT),
        false => None,
    });
    errno::set(before);
    match taken {
        Some(0) => 0,
        Some(error) => errno::fail(error),
        None => block(),
    }
}

/// sem_wait(3).
///
/// # Safety
/// As sem_wait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sem_wait(semaphore: *mut sem_t) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::sem_wait(semaphore) }
    };
    // SAFETY: as for the caller.
    unsafe { take(Call::SemWait, semaphore, || Ok(None), block) }
}

/// sem_timedwait(3).
///
/// # Safety
/// As sem_timedwait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sem_timedwait(
    semaphore: *mut sem_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::sem_timedwait(semaphore, time) }
    };
    // SAFETY: as for the caller.
    unsafe {
        let until = || until(libc::CLOCK_REALTIME, time);
        take(Call::SemTimedwait, semaphore, until, block)
    }
}

/// sem_clockwait(3).
///
/// # Safety
/// As sem_clockwait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sem_clockwait(
    semaphore: *mut sem_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    let block = || {
        // SAFETY: as for the caller.
        unsafe { real::sem_clockwait(semaphore, clock, time) }
    };
    // SAFETY: as for the caller.
    unsafe { take(Call::SemClockwait, semaphore, || until(clock, time), block) }
}

/// pthread_once(3): what another coroutine has begun and waits in is not waited for in the C library.
///
/// # Safety
/// As pthread_once(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_once(
    control: *mut c_int,
    code: Option<unsafe extern "C" fn()>,
) -> c_int {
    // glibc, nptl/pthread_once.c: above these two bits there is a count of forks.
    const STATE: c_int = 3;
    const IN_PROGRESS: c_int = 1;
    if let Some(hub) = inside() {
        // SAFETY: the caller's, for as long as there is anybody who wants it done once.
        let state = || unsafe { (*control.cast::<AtomicI32>()).load(Ordering::Acquire) } & STATE;
        if state() == IN_PROGRESS && hub.gives_way(Call::PthreadOnce) {
            let _ = look(hub, Heed::No, || (state() != IN_PROGRESS).then_some(()));
        }
    }
    // SAFETY: as for the caller.
    unsafe { real::pthread_once(control, code) }
}
