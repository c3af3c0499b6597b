//! pthread_cond_wait(3) and its like. A coroutine that waits is in no list of the C library's, so
//! whoever signals does so twice, there and here; that it may wake one too many is the condition's
//! nature (POSIX allows it, and whoever waits looks again).

use std::cell::Cell;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

use libc::{clockid_t, pthread_cond_t, pthread_mutex_t, timespec};

use super::errno;
use super::inside::inside;
use super::mutex::{self, lock_in, pthread_mutex_lock};
use super::queue::{self, ANY, Waited};
use super::real::{self, Call};
use super::table;
use super::until::{Until, until};
use crate::hub::Hub;

type Bytes = [u8; size_of::<pthread_cond_t>()];

/// Waits for a signal without blocking the thread; `None`: it may block.
///
/// # Safety
/// A valid condition, and a mutex that the caller has locked.
unsafe fn wait_in(
    hub: &'static Hub,
    call: Call,
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    until: Until,
) -> Option<c_int> {
    let until = until.ok()?;
    if !hub.gives_way(call) {
        return None;
    }
    let before = errno::get();
    let unlocked = Cell::new(None);
    // Where no signal comes between: the next one finds the waiter in the table.
    let blocks = || {
        // SAFETY: as the caller promises.
        unlocked.set(Some(unsafe { mutex::unlock_alone(mutex) }));
        unlocked.get() == Some(0)
    };
    let waited =
        queue::wait(hub, condition as usize, ANY, until, blocks, || mutex::wake_next(mutex));
    match unlocked.get()? {
        0 => {}
        // It is not the caller's.
        error => return Some(error),
    }
    // SAFETY: as the caller promises.
    let locked = unsafe {
        lock_in(hub, Call::PthreadMutexLock, mutex, Ok(None))
            .unwrap_or_else(|| pthread_mutex_lock(mutex))
    };
    errno::set(before);
    Some(match (locked, waited) {
        (0, Waited::TimedOut) => libc::ETIMEDOUT,
        (locked, _) => locked,
    })
}

fn new(clock: clockid_t) -> Bytes {
    let mut attributes = MaybeUninit::<libc::pthread_condattr_t>::zeroed();
    let mut condition = MaybeUninit::<pthread_cond_t>::zeroed();
    // SAFETY: both are initialised here, and nobody ever waits for it.
    unsafe {
        libc::pthread_condattr_init(attributes.as_mut_ptr());
        libc::pthread_condattr_setclock(attributes.as_mut_ptr(), clock);
        libc::pthread_cond_init(condition.as_mut_ptr(), attributes.as_ptr());
        libc::pthread_condattr_destroy(attributes.as_mut_ptr());
        condition.as_ptr().cast::<Bytes>().read()
    }
}

/// Which clock a condition's times are of. There is no function that tells; the bit by which two
/// conditions differ that differ in nothing else does.
///
/// # Safety
/// A valid condition.
unsafe fn clock_of(condition: *const pthread_cond_t) -> clockid_t {
    static BIT: OnceLock<Option<(usize, u8)>> = OnceLock::new();
    let bit = BIT.get_or_init(|| {
        let (one, other) = (new(libc::CLOCK_REALTIME), new(libc::CLOCK_MONOTONIC));
        let differs = one.iter().zip(other).position(|(one, other)| *one != other)?;
        Some((differs, one[differs] ^ other[differs]))
    });
    // SAFETY: a byte of it, which others may change beside the one bit that is looked at.
    let is_set = |(place, bit): (usize, u8)| unsafe {
        condition.cast::<u8>().add(place).read_volatile() & bit != 0
    };
    match bit.is_some_and(is_set) {
        true => libc::CLOCK_MONOTONIC,
        false => libc::CLOCK_REALTIME,
    }
}

/// pthread_cond_wait(3).
///
/// # Safety
/// As pthread_cond_wait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_cond_wait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { mutex::own(mutex, || real::pthread_cond_wait(condition, mutex)) };
    let Some(hub) = inside() else { return block() };
    let call = Call::PthreadCondWait;
    // SAFETY: as for the caller.
    let done = unsafe { wait_in(hub, call, condition, mutex, Ok(None)) };
    done.unwrap_or_else(|| hub.block(call, block))
}

/// pthread_cond_timedwait(3).
///
/// # Safety
/// As pthread_cond_timedwait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_cond_timedwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: as for the caller.
    let block =
        || unsafe { mutex::own(mutex, || real::pthread_cond_timedwait(condition, mutex, time)) };
    let Some(hub) = inside() else { return block() };
    let call = Call::PthreadCondTimedwait;
    // SAFETY: as for the caller.
    let done = unsafe {
        let until = until(clock_of(condition), time);
        wait_in(hub, call, condition, mutex, until)
    };
    done.unwrap_or_else(|| hub.block(call, block))
}

/// pthread_cond_clockwait(3).
///
/// # Safety
/// As pthread_cond_clockwait(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_cond_clockwait(
    condition: *mut pthread_cond_t,
    mutex: *mut pthread_mutex_t,
    clock: clockid_t,
    time: *const timespec,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe {
        mutex::own(mutex, || real::pthread_cond_clockwait(condition, mutex, clock, time))
    };
    let Some(hub) = inside() else { return block() };
    let call = Call::PthreadCondClockwait;
    // SAFETY: as for the caller.
    let done = unsafe { wait_in(hub, call, condition, mutex, until(clock, time)) };
    done.unwrap_or_else(|| hub.block(call, block))
}

/// pthread_cond_signal(3).
///
/// # Safety
/// As pthread_cond_signal(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_cond_signal(condition: *mut pthread_cond_t) -> c_int {
    // SAFETY: as for the caller.
    let done = unsafe { real::pthread_cond_signal(condition) };
    table::wake(condition as usize, 1, ANY);
    done
}

/// pthread_cond_broadcast(3).
///
/// # Safety
/// As pthread_cond_broadcast(3).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pthread_cond_broadcast(condition: *mut pthread_cond_t) -> c_int {
    // SAFETY: as for the caller.
    let done = unsafe { real::pthread_cond_broadcast(condition) };
    table::wake(condition as usize, usize::MAX, ANY);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conditions_clock_is_found() {
        for clock in [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC] {
            let condition = new(clock);
            // SAFETY: the bytes of a valid one.
            assert_eq!(unsafe { clock_of(condition.as_ptr().cast()) }, clock);
        }
    }
}
