//! One wait of a coroutine in the [`table`](super::table): it begins only if it has to, which is looked
//! at where nobody can come between, and it tells how it has ended.

use std::ptr;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use super::table::{Bucket, List, State, WAITERS, Waiter};
use crate::hub::{Armed, Hub, Outcome};

/// Whoever wakes the address wakes this one (futex(2): FUTEX_BITSET_MATCH_ANY).
pub(super) const ANY: u32 = u32::MAX;

/// How a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// It need not be.
    NotAtAll,
    Woken,
    TimedOut,
    /// The request's time is over.
    Otherwise,
}

/// Waits for a wake of `address` that has a bit of `mask`, if it `blocks`; `linked` is run when every
/// wake from now on will be noticed.
pub(super) fn wait(
    hub: &'static Hub,
    address: usize,
    mask: u32,
    until: Option<Instant>,
    blocks: impl FnOnce() -> bool,
    linked: impl FnOnce(),
) -> Waited {
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
        let armed = bucket.with(|list| {
            if !blocks() {
                return Armed::No;
            }
            // SAFETY: the waiter is on this stack, which is not left before it is unlinked.
            unsafe {
                (*waiter).key = key;
                list.link(waiter);
            }
            Armed::Yes
        });
        if armed == Armed::Yes {
            linked();
        }
        armed
    };
    let ended = hub.wait_for_mail(until, arm);
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
    let waited = match ended.map(|ended| (bucket.with(leave), ended)) {
        None => Waited::NotAtAll,
        Some((State::Woken, _)) => Waited::Woken,
        Some((State::Waiting, Outcome::TimedOut)) => Waited::TimedOut,
        Some((State::Waiting, _)) => Waited::Otherwise,
    };
    WAITERS.fetch_sub(1, Ordering::SeqCst);
    waited
}
