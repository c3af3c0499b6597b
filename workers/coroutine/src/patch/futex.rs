//! Locks. The standard library's (and those of most crates) are words in memory, and only who has to
//! wait for one asks the kernel, by futex(2), through the function `syscall`. A coroutine that waits is
//! put into a table here, by the address of the word, and whoever wakes that address, on any thread, is
//! told of it: a coroutine may yield while it holds a lock that another one wants.
//!
//! A wake reaches the threads in the kernel first and coroutines afterwards. The hub's own thread may be
//! one of them, and a coroutine that had the wake in its stead would never run.

use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicU32, Ordering, fence};
use std::time::Instant;

use libc::timespec;

use super::errno;
use super::inside::inside;
use super::queue::{self, ANY, Waited};
use super::raw;
use super::real::Call;
use super::sleep::{after, duration};
use super::table::wake;
use super::until::{self, Nonsense, Until};
use crate::hub::Hub;

/// # Safety
/// A valid time or null.
unsafe fn until(operation: c_int, time: *const timespec) -> Until {
    // SAFETY: as the caller promises.
    let Some(relative) = (unsafe { time.as_ref() }) else { return Ok(None) };
    let clock = match operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAIT => return Ok(Some(after(duration(relative).ok_or(Nonsense)?))),
        _ if operation & libc::FUTEX_CLOCK_REALTIME != 0 => libc::CLOCK_REALTIME,
        _ => libc::CLOCK_MONOTONIC,
    };
    // SAFETY: as the caller promises.
    unsafe { until::until(clock, time) }
}

/// Waits for a wake of the address while its word is `expected`. Gives 0, or an error.
///
/// # Safety
/// The word can be read.
unsafe fn wait(
    hub: &'static Hub,
    word: *const AtomicU32,
    expected: u32,
    until: Option<Instant>,
    mask: u32,
) -> c_int {
    // SAFETY: the word can be read. Whoever changes it asks for the table's lock afterwards.
    let is_same = || unsafe { (*word).load(Ordering::SeqCst) == expected };
    loop {
        match queue::wait(hub, word as usize, mask, until, is_same, || {}) {
            Waited::NotAtAll => return libc::EAGAIN,
            Waited::Woken => return 0,
            Waited::TimedOut => return libc::ETIMEDOUT,
            // The request's time is over, which is nothing that a lock could say.
            Waited::Otherwise => {}
        }
    }
}

fn failed(error: c_int) -> c_long {
    match error {
        0 => 0,
        error => {
            errno::set(error);
            -1
        }
    }
}

/// What the kernel has given, as the C library says it.
fn from_kernel(result: isize) -> c_long {
    const MOST_ERRORS: isize = 4095;
    match result {
        error if (-MOST_ERRORS..0).contains(&error) => {
            errno::set(-error as c_int);
            -1
        }
        value => value as c_long,
    }
}

/// A futex(2) that waits, within this process; `None`: it is the kernel's.
///
/// # Safety
/// As futex(2).
unsafe fn try_wait(arguments: [usize; 6]) -> Option<c_long> {
    let hub = inside()?;
    let [word, operation, expected, time, _, mask] = arguments;
    let operation = operation as c_int;
    let mask = match operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAIT => ANY,
        libc::FUTEX_WAIT_BITSET if mask as u32 != 0 => mask as u32,
        _ => return None,
    };
    if operation & libc::FUTEX_PRIVATE_FLAG == 0 || word == 0 || word % 4 != 0 {
        return None;
    }
    let word = word as *const AtomicU32;
    // SAFETY: the word is the caller's lock.
    if unsafe { (*word).load(Ordering::SeqCst) } != expected as u32 {
        return Some(failed(libc::EAGAIN));
    }
    if !hub.gives_way(Call::Futex) {
        return None;
    }
    // SAFETY: as the caller promises.
    let until = unsafe { until(operation, time as *const timespec) }.ok()?;
    let before = errno::get();
    // SAFETY: as above.
    let error = unsafe { wait(hub, word, expected as u32, until, mask) };
    errno::set(before);
    Some(failed(error))
}

/// A futex(2) that wakes, within this process.
///
/// # Safety
/// As futex(2).
unsafe fn wake_all(arguments: [usize; 6]) -> c_long {
    // SAFETY: as for the caller.
    let result = unsafe { raw::call(libc::SYS_futex, arguments) };
    // What was written to the word comes before the look at the table, as the waiter's number before
    // its look at the word.
    fence(Ordering::SeqCst);
    let [word, operation, most, _, _, mask] = arguments;
    let operation = operation as c_int;
    let mask = match operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAKE => ANY,
        libc::FUTEX_WAKE_BITSET => mask as u32,
        _ => return from_kernel(result),
    };
    let (Ok(in_kernel), Ok(most)) = (usize::try_from(result), usize::try_from(most as c_int))
    else {
        return from_kernel(result);
    };
    if operation & libc::FUTEX_PRIVATE_FLAG == 0 {
        return from_kernel(result);
    }
    let woken = in_kernel + wake(word, most.saturating_sub(in_kernel), mask);
    c_long::try_from(woken).unwrap_or(c_long::MAX)
}

/// syscall(2). It is declared with as many arguments as there may be: those that were not passed are
/// whatever is in their registers, which the kernel does not look at either. (In C it has a variable
/// number; on this platform they are passed in the same way.)
///
/// # Safety
/// As the system call.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn syscall(
    number: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    let arguments = [a, b, c, d, e, f];
    if number == libc::SYS_futex {
        // SAFETY: as for the caller.
        return unsafe {
            match b as c_int & libc::FUTEX_CMD_MASK {
                libc::FUTEX_WAKE | libc::FUTEX_WAKE_BITSET => wake_all(arguments),
                _ => match try_wait(arguments) {
                    Some(done) => done,
                    None => from_kernel(raw::call(number, arguments)),
                },
            }
        };
    }
    // SAFETY: as for the caller.
    from_kernel(unsafe { raw::call(number, arguments) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_coroutine_it_is_the_kernels() {
        let word = AtomicU32::new(7);
        let call = |operation: c_int, value: usize, time: &timespec| {
            let place = &raw const word as usize;
            // SAFETY: a word and a time of this test's own.
            let done = unsafe {
                syscall(
                    libc::SYS_futex,
                    place,
                    operation as usize,
                    value,
                    &raw const *time as usize,
                    0,
                    0,
                )
            };
            (done, errno::get())
        };
        let soon = timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        let wait = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        assert_eq!(call(wait, 6, &soon), (-1, libc::EAGAIN));
        assert_eq!(call(wait, 7, &soon), (-1, libc::ETIMEDOUT));
        assert_eq!(call(libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1, &soon).0, 0);
        // SAFETY: a call without arguments.
        let pid = unsafe { syscall(libc::SYS_getpid, 0, 0, 0, 0, 0, 0) };
        assert_eq!(pid, i64::from(std::process::id()));
    }
}
