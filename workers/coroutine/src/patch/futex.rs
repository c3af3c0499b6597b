//! Locks. The standard library's (and those of most crates) are words in memory, and only who has to
//! wait for one asks the kernel, by futex(2), through the function `syscall`. A coroutine that waits is
//! put into a table here, by the address of the word, and whoever wakes that address, on any thread, is
//! told of it: a coroutine may yield while it holds a lock that another one wants.
//!
//! A wake reaches the threads in the kernel first and coroutines afterwards. The hub's own thread may be
//! one of them, and a coroutine that had the wake in its stead would never run.
//!
//! A table of the process, since whoever wakes knows of no hub. What waits is on the waiter's own stack,
//! linked while it waits, so nothing is allocated; the locks of the table spin, for a lock of any other
//! kind would end up here.

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_long};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};
use std::time::Instant;

use libc::timespec;

use super::errno;
use super::inside::inside;
use super::raw;
use super::real::Call;
use super::sleep::{after, duration, left_on};
use crate::hub::{Armed, Hub, Outcome};
use crate::mailbox::Mailbox;

const BUCKETS: usize = 256;
/// FUTEX_BITSET_MATCH_ANY
const ANY: u32 = u32::MAX;

/// One who waits.
struct Waiter {
    address: usize,
    mask: u32,
    mailbox: *const Mailbox,
    /// Of its present wait in the hub.
    key: u64,
    state: State,
    previous: *mut Waiter,
    next: *mut Waiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Woken,
}

/// A list of those whose addresses have the same hash.
struct Bucket {
    locked: AtomicBool,
    list: UnsafeCell<List>,
}

struct List {
    first: *mut Waiter,
    last: *mut Waiter,
}

// SAFETY: the list is touched only under the lock, and so are the waiters in it.
unsafe impl Sync for Bucket {}

static TABLE: [Bucket; BUCKETS] = [const { Bucket::new() }; BUCKETS];
/// In the whole table: mostly nobody waits, and who wakes need not look.
static WAITERS: AtomicUsize = AtomicUsize::new(0);

impl Bucket {
    const fn new() -> Bucket {
        let list = List { first: ptr::null_mut(), last: ptr::null_mut() };
        Bucket { locked: AtomicBool::new(false), list: UnsafeCell::new(list) }
    }

    fn of(address: usize) -> &'static Bucket {
        // Words lie in the same places of objects of the same size: the middle bits differ most.
        &TABLE[(address >> 2 ^ address >> 10 ^ address >> 18) % BUCKETS]
    }

    fn with<T>(&self, code: impl FnOnce(&mut List) -> T) -> T {
        while self.locked.swap(true, Ordering::Acquire) {
            // SAFETY: sched_yield(2) takes nothing.
            unsafe { raw::call(libc::SYS_sched_yield, [0; 6]) };
        }
        // SAFETY: the lock is held, and nothing in here takes it again.
        let value = code(unsafe { &mut *self.list.get() });
        self.locked.store(false, Ordering::Release);
        value
    }
}

impl List {
    /// # Safety
    /// The waiter stays where it is until it was unlinked.
    unsafe fn link(&mut self, waiter: *mut Waiter) {
        // SAFETY: as the caller promises; all linked waiters are alive.
        unsafe {
            (*waiter).previous = self.last;
            (*waiter).next = ptr::null_mut();
            match self.last.as_mut() {
                Some(last) => last.next = waiter,
                None => self.first = waiter,
            }
        }
        self.last = waiter;
    }

    /// # Safety
    /// The waiter is in this list.
    unsafe fn unlink(&mut self, waiter: *mut Waiter) {
        // SAFETY: as the caller promises.
        unsafe {
            let (previous, next) = ((*waiter).previous, (*waiter).next);
            match previous.as_mut() {
                Some(previous) => previous.next = next,
                None => self.first = next,
            }
            match next.as_mut() {
                Some(next) => next.previous = previous,
                None => self.last = previous,
            }
        }
    }

    /// Takes the first one out that waits for the address, and says how to reach it.
    fn wake(&mut self, address: usize, mask: u32) -> Option<(*const Mailbox, u64)> {
        let mut at = self.first;
        // SAFETY: all linked waiters are alive.
        while let Some(waiter) = unsafe { at.as_mut() } {
            if waiter.address == address && waiter.mask & mask != 0 {
                waiter.state = State::Woken;
                let found = (waiter.mailbox, waiter.key);
                // SAFETY: it is in this list.
                unsafe { self.unlink(at) };
                return Some(found);
            }
            at = waiter.next;
        }
        None
    }
}

/// Wakes up to `most` coroutines that wait for the address.
fn wake(address: usize, most: usize, mask: u32) -> usize {
    let mut woken = 0;
    while woken < most {
        let Some((mailbox, key)) = Bucket::of(address).with(|list| list.wake(address, mask)) else {
            break;
        };
        // SAFETY: a hub's mailbox, which lives as long as the process.
        unsafe { &*mailbox }.end(key);
        woken += 1;
    }
    woken
}

/// The end of the time that is given to a wait.
enum Until {
    Never,
    At(Instant),
    Nonsense,
}

/// # Safety
/// A valid time or null.
unsafe fn until(operation: c_int, time: *const timespec) -> Until {
    // SAFETY: as the caller promises.
    let Some(time) = (unsafe { time.as_ref() }) else { return Until::Never };
    let Some(given) = duration(time) else { return Until::Nonsense };
    let left = match operation & libc::FUTEX_CMD_MASK {
        libc::FUTEX_WAIT => Some(given),
        _ if operation & libc::FUTEX_CLOCK_REALTIME != 0 => left_on(libc::CLOCK_REALTIME, given),
        _ => left_on(libc::CLOCK_MONOTONIC, given),
    };
    left.map_or(Until::Nonsense, |left| Until::At(after(left)))
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
    let address = word as usize;
    let bucket = Bucket::of(address);
    let mut waiter = Waiter {
        address,
        mask,
        mailbox: &raw const *hub.mailbox,
        key: 0,
        state: State::Waiting,
        previous: ptr::null_mut(),
        next: ptr::null_mut(),
    };
    let waiter = &raw mut waiter;
    WAITERS.fetch_add(1, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    let arm = |key| {
        bucket.with(|list| {
            // SAFETY: the word can be read, and whoever changes it asks for the lock afterwards.
            // The waiter is on this stack, which is not left before it is unlinked.
            unsafe {
                (*waiter).key = key;
                if (*word).load(Ordering::SeqCst) != expected {
                    return Armed::No;
                }
                list.link(waiter);
            }
            Armed::Yes
        })
    };
    let mut outcome = hub.wait_for_mail(until, arm);
    let error = loop {
        let Some(ended) = outcome else { break libc::EAGAIN };
        let leave = |list: &mut List| {
            // SAFETY: alive, and linked as long as it is not woken.
            unsafe {
                if (*waiter).state == State::Waiting {
                    list.unlink(waiter);
                }
                (*waiter).state
            }
        };
        // Looked at under the lock: from then on nobody touches it.
        match (bucket.with(leave), ended) {
            (State::Woken, _) => break 0,
            (State::Waiting, Outcome::TimedOut) => break libc::ETIMEDOUT,
            // The request's time is over, which is nothing that a lock could say.
            (State::Waiting, _) => outcome = hub.wait_for_mail(until, arm),
        }
    };
    WAITERS.fetch_sub(1, Ordering::SeqCst);
    error
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
    let until = match unsafe { until(operation, time as *const timespec) } {
        Until::Never => None,
        Until::At(until) => Some(until),
        Until::Nonsense => return None,
    };
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
    if WAITERS.load(Ordering::SeqCst) == 0 || operation & libc::FUTEX_PRIVATE_FLAG == 0 {
        return from_kernel(result);
    }
    let before = errno::get();
    let woken = in_kernel + wake(word, most.saturating_sub(in_kernel), mask);
    errno::set(before);
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

    fn waiter(address: usize, key: u64) -> Waiter {
        let (mailbox, state) = (ptr::null(), State::Waiting);
        let (previous, next) = (ptr::null_mut(), ptr::null_mut());
        Waiter { address, mask: ANY, mailbox, key, state, previous, next }
    }

    #[test]
    fn the_first_who_waits_for_an_address_is_woken_first() {
        let bucket = Bucket::new();
        let mut all = [waiter(8, 1), waiter(4, 2), waiter(8, 3), waiter(8, 4)];
        let keys = |address| {
            let woken = std::iter::from_fn(|| bucket.with(|list| list.wake(address, ANY)));
            woken.map(|(_, key)| key).collect::<Vec<_>>()
        };
        // SAFETY: they stay where they are; the third is in the list when it is unlinked.
        unsafe {
            let first = all.as_mut_ptr();
            (0..4).for_each(|n| bucket.with(|list| list.link(first.add(n))));
            bucket.with(|list| list.unlink(first.add(2)));
        }
        assert_eq!(bucket.with(|list| list.wake(8, 0)), None, "no bit in common");
        assert_eq!((keys(8), keys(4), keys(8)), (vec![1, 4], vec![2], vec![]));
        assert_eq!(all[1].state, State::Woken);
        assert!(bucket.with(|list| list.first.is_null() && list.last.is_null()));
    }

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
        assert_eq!(pid, std::process::id().into());
    }
}
