//! Functions that let time pass. They may end early: when the request's time is over, as if it had all
//! passed. Nothing else ends them, so what is left of the time (their last argument) is never written.

use std::ffi::{c_int, c_uint};
use std::time::{Duration, Instant};

use libc::{timespec, useconds_t};

use super::inside::inside;
use super::real::{self, Call};
use crate::hub::Hub;

/// Beyond this the clock's arithmetic could overflow.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// The time that a timespec says, if it is a time.
pub(super) fn duration(time: &timespec) -> Option<Duration> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(seconds, nanos).min(LONGEST))
}

/// When `time` from now will have passed.
pub(super) fn after(time: Duration) -> Instant {
    Instant::now() + time.min(LONGEST)
}

/// What is left until `time` on a clock.
pub(super) fn left_on(clock: c_int, time: Duration) -> Option<Duration> {
    let mut now = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock's time is written to a variable of the right type.
    if unsafe { libc::clock_gettime(clock, &raw mut now) } != 0 {
        return None;
    }
    Some(time.saturating_sub(duration(&now)?))
}

/// `None`: the calling function is to do it itself.
fn rest(call: Call, time: Option<Duration>) -> Option<&'static Hub> {
    let hub = inside()?;
    time.filter(|time| !time.is_zero() && hub.gives_way(call)).map(|time| {
        hub.sleep_quietly(after(time));
        hub
    })
}

/// nanosleep(2).
///
/// # Safety
/// As nanosleep(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn nanosleep(time: *const timespec, left: *mut timespec) -> c_int {
    // SAFETY: a valid pointer or none, as the caller promises.
    let wanted = || unsafe { time.as_ref() }.and_then(duration);
    if inside().is_some() && rest(Call::Nanosleep, wanted()).is_some() {
        return 0;
    }
    // SAFETY: as for the caller.
    unsafe { real::nanosleep(time, left) }
}

/// clock_nanosleep(2).
///
/// # Safety
/// As clock_nanosleep(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn clock_nanosleep(
    clock: c_int,
    flags: c_int,
    time: *const timespec,
    left: *mut timespec,
) -> c_int {
    if inside().is_some() && matches!(clock, libc::CLOCK_REALTIME | libc::CLOCK_MONOTONIC) {
        // SAFETY: as above.
        let wanted = unsafe { time.as_ref() }.and_then(duration);
        let wanted = match flags & libc::TIMER_ABSTIME {
            0 => wanted,
            _ => wanted.and_then(|time| left_on(clock, time)),
        };
        if rest(Call::ClockNanosleep, wanted).is_some() {
            return 0;
        }
    }
    // SAFETY: as for the caller.
    unsafe { real::clock_nanosleep(clock, flags, time, left) }
}

/// usleep(3).
///
/// # Safety
/// None: it is unsafe only as all of the C library's are.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn usleep(time: useconds_t) -> c_int {
    match rest(Call::Usleep, Some(Duration::from_micros(time.into()))) {
        Some(_) => 0,
        // SAFETY: as for the caller.
        None => unsafe { real::usleep(time) },
    }
}

/// sleep(3).
///
/// # Safety
/// As [`usleep`].
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sleep(time: c_uint) -> c_uint {
    match rest(Call::Sleep, Some(Duration::from_secs(time.into()))) {
        Some(_) => 0,
        // SAFETY: as for the caller.
        None => unsafe { real::sleep(time) },
    }
}
