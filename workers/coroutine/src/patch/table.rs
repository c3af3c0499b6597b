//! Who waits for which address: a word of memory, or a lock of the C library. A table of the process,
//! since whoever wakes knows of no hub. What waits is on the waiter's own stack, linked while it waits,
//! so nothing is allocated; the locks of the table spin, for a lock of any other kind would end up here.

use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::errno;
use super::raw;
use crate::mailbox::Mailbox;

const BUCKETS: usize = 256;

/// One who waits.
pub(super) struct Waiter {
    pub(super) address: usize,
    pub(super) mask: u32,
    pub(super) mailbox: *const Mailbox,
    /// Of its present wait in the hub.
    pub(super) key: u64,
    pub(super) state: State,
    pub(super) previous: *mut Waiter,
    pub(super) next: *mut Waiter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Woken,
}

/// A list of those whose addresses have the same hash.
pub(super) struct Bucket {
    locked: AtomicBool,
    list: UnsafeCell<List>,
}

pub(super) struct List {
    first: *mut Waiter,
    last: *mut Waiter,
}

// SAFETY: the list is touched only under the lock, and so are the waiters in it.
unsafe impl Sync for Bucket {}

static TABLE: [Bucket; BUCKETS] = [const { Bucket::new() }; BUCKETS];
/// In the whole table: mostly nobody waits, and who wakes need not look.
pub(super) static WAITERS: AtomicUsize = AtomicUsize::new(0);

impl Bucket {
    const fn new() -> Bucket {
        let list = List { first: ptr::null_mut(), last: ptr::null_mut() };
        Bucket { locked: AtomicBool::new(false), list: UnsafeCell::new(list) }
    }

    pub(super) fn of(address: usize) -> &'static Bucket {
        // Words lie in the same places of objects of the same size: the middle bits differ most.
        &TABLE[(address >> 2 ^ address >> 10 ^ address >> 18) % BUCKETS]
    }

    pub(super) fn with<T>(&self, code: impl FnOnce(&mut List) -> T) -> T {
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
    pub(super) unsafe fn link(&mut self, waiter: *mut Waiter) {
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
    pub(super) unsafe fn unlink(&mut self, waiter: *mut Waiter) {
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

/// Wakes up to `most` coroutines that wait for the address (which is a number: what it was of may be
/// gone), and leaves errno as it is.
#[inline(always)]
pub(super) fn wake(address: usize, most: usize, mask: u32) -> usize {
    match WAITERS.load(Ordering::SeqCst) {
        0 => 0,
        _ => wake_waiters(address, most, mask),
    }
}

#[cold]
fn wake_waiters(address: usize, most: usize, mask: u32) -> usize {
    let before = errno::get();
    let mut woken = 0;
    while woken < most {
        let Some((mailbox, key)) = Bucket::of(address).with(|list| list.wake(address, mask)) else {
            break;
        };
        // SAFETY: a hub's mailbox, which lives as long as the process.
        unsafe { &*mailbox }.end(key);
        woken += 1;
    }
    errno::set(before);
    woken
}

#[cfg(test)]
mod tests {
    use super::super::queue::ANY;
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
}
