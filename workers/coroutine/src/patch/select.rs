//! select(2) and pselect(2), by way of poll(2).

use std::ffi::c_int;
use std::time::{Duration, Instant};

use libc::{fd_set, pollfd, sigset_t, timespec, timeval};

use super::errno;
use super::inside::inside;
use super::poll::poll_until;
use super::real::{self, Call};
use super::sleep::{after, duration};
use crate::hub::Hub;

type Sets = [*mut fd_set; 3];

const EVENTS: [i16; 3] = [libc::POLLIN, libc::POLLOUT, libc::POLLPRI];

/// What the sets ask for.
///
/// # Safety
/// Each set is valid or null.
unsafe fn asked(count: c_int, sets: Sets) -> Vec<pollfd> {
    let count = count.clamp(0, libc::FD_SETSIZE as c_int);
    let wanted = |fd: c_int| {
        let events = sets.iter().zip(EVENTS).filter(|(set, _)| {
            // SAFETY: as the caller promises; the descriptor is in a set's range.
            !set.is_null() && unsafe { libc::FD_ISSET(fd, **set) }
        });
        let events = events.fold(0, |all, (_, event)| all | event);
        (events != 0).then_some(pollfd { fd, events, revents: 0 })
    };
    (0..count).filter_map(wanted).collect()
}

/// Waits until one is ready and has the kernel say which, without waiting; `None`: it is to block.
///
/// # Safety
/// As select(2).
unsafe fn select_until(
    hub: &Hub,
    call: Call,
    count: c_int,
    sets: Sets,
    until: Option<Instant>,
) -> Option<c_int> {
    let before = errno::get();
    // SAFETY: as the caller promises.
    let mut asked = unsafe { asked(count, sets) };
    if poll_until(hub, call, &mut asked, until)? < 0 {
        return Some(-1);
    }
    errno::set(before);
    let [read, write, error] = sets;
    let mut none = timeval { tv_sec: 0, tv_usec: 0 };
    // SAFETY: as the caller promises.
    Some(unsafe { real::select(count, read, write, error, &raw mut none) })
}

/// select(2).
///
/// # Safety
/// As select(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn select(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    error: *mut fd_set,
    timeout: *mut timeval,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::select(count, read, write, error, timeout) };
    let Some(hub) = inside() else { return block() };
    // SAFETY: a valid time or none, as the caller promises.
    let time = unsafe { timeout.as_mut() };
    let whole = |time: &timeval| {
        let seconds = Duration::from_secs(u64::try_from(time.tv_sec).ok()?);
        Some(seconds + Duration::from_micros(u64::try_from(time.tv_usec).ok()?))
    };
    let until = match time.as_deref().map(whole) {
        None => None,
        Some(Some(time)) if !time.is_zero() => Some(after(time)),
        Some(_) => return block(),
    };
    // SAFETY: as the caller promises.
    let done = unsafe { select_until(hub, Call::Select, count, [read, write, error], until) };
    // As Linux does, and as some programs expect: what is left of the time.
    if let (Some(time), Some(until), Some(_)) = (time, until, done) {
        let left = until.saturating_duration_since(Instant::now());
        time.tv_sec = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
        time.tv_usec = left.subsec_micros().into();
    }
    done.unwrap_or_else(|| hub.block(Call::Select, block))
}

/// pselect(2). One that changes the signals that are blocked meanwhile blocks itself.
///
/// # Safety
/// As pselect(2).
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    error: *mut fd_set,
    timeout: *const timespec,
    mask: *const sigset_t,
) -> c_int {
    // SAFETY: as for the caller.
    let block = || unsafe { real::pselect(count, read, write, error, timeout, mask) };
    let Some(hub) = inside().filter(|_| mask.is_null()) else { return block() };
    // SAFETY: a valid time or none, as the caller promises.
    let until = match unsafe { timeout.as_ref() }.map(duration) {
        None => None,
        Some(Some(time)) if !time.is_zero() => Some(after(time)),
        Some(_) => return block(),
    };
    // SAFETY: as the caller promises.
    let done = unsafe { select_until(hub, Call::Pselect, count, [read, write, error], until) };
    done.unwrap_or_else(|| hub.block(Call::Pselect, block))
}
