//! The descriptors that somebody waits for, so that one that is closed meanwhile ends the wait. Epoll
//! would only forget it, and its number would soon be another file's, which the waiter would take for
//! its own. Whoever closes may be any thread, and asks at each close, so the common answer, that nobody
//! waits, is one look at a bit.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::patch::plainly;

/// Descriptors with a bit of their own: more than a process may usually have open.
const BITS: usize = 1 << 16;

/// Set for a descriptor that somebody waits for.
static AWAITED: [AtomicU64; BITS / 64] = [const { AtomicU64::new(0) }; BITS / 64];
/// There was a descriptor that shares its bit with lower ones: from now on bits are not cleared.
static SHARED: AtomicBool = AtomicBool::new(false);

/// The keys of the waits for one descriptor.
#[derive(Debug, Default)]
struct Keys {
    first: Option<u64>,
    more: Vec<u64>,
}

/// Whether somebody waits for the descriptor already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    Alone,
    InCompany,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Mutex<HashMap<RawFd, Keys>>);

fn bit(fd: RawFd) -> (&'static AtomicU64, u64) {
    let fd = fd.cast_unsigned() as usize % BITS;
    (&AWAITED[fd / 64], 1 << (fd % 64))
}

/// Whether somebody may wait for `fd`: `false` means nobody.
#[inline]
pub(crate) fn may_be(fd: RawFd) -> bool {
    let (word, bit) = bit(fd);
    word.load(Ordering::Acquire) & bit != 0
}

impl Awaited {
    fn with<T>(&self, code: impl FnOnce(MutexGuard<'_, HashMap<RawFd, Keys>>) -> T) -> T {
        plainly(|| code(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// The wait with this key begins.
    pub(crate) fn begin(&self, fd: RawFd, key: u64) -> Company {
        let (word, bit) = bit(fd);
        self.with(|mut all| {
            word.fetch_or(bit, Ordering::AcqRel);
            if fd.cast_unsigned() as usize >= BITS {
                SHARED.store(true, Ordering::Relaxed);
            }
            let keys = all.entry(fd).or_default();
            if keys.first.is_none() && keys.more.is_empty() {
                keys.first = Some(key);
                return Company::Alone;
            }
            keys.more.push(key);
            Company::InCompany
        })
    }

    /// It has ended.
    pub(crate) fn end(&self, fd: RawFd, key: u64) {
        let (word, bit) = bit(fd);
        self.with(|mut all| {
            let Some(keys) = all.get_mut(&fd) else { return };
            keys.first = keys.first.filter(|first| *first != key);
            keys.more.retain(|other| *other != key);
            if keys.first.is_none() && keys.more.is_empty() {
                all.remove(&fd);
                if !SHARED.load(Ordering::Relaxed) {
                    word.fetch_and(!bit, Ordering::AcqRel);
                }
            }
        });
    }

    /// The keys of all waits for `fd`.
    pub(crate) fn waits(&self, fd: RawFd) -> Vec<u64> {
        let keys = |keys: &Keys| keys.first.iter().chain(&keys.more).copied().collect();
        self.with(|all| all.get(&fd).map(keys).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_known_from_its_beginning_to_its_end() {
        // A number of this test's own: the bits are the process'.
        const FD: RawFd = 60_007;
        let awaited = Awaited::default();
        assert!(!may_be(FD) && awaited.waits(FD).is_empty());
        assert_eq!(awaited.begin(FD, 1), Company::Alone);
        assert_eq!(awaited.begin(FD, 2), Company::InCompany);
        assert_eq!(awaited.waits(FD), [1, 2]);
        awaited.end(FD, 1);
        assert_eq!(awaited.begin(FD, 3), Company::InCompany, "the second one waits still");
        assert!(may_be(FD));
        awaited.end(FD, 2);
        awaited.end(FD, 3);
        assert!(!may_be(FD) && awaited.waits(FD).is_empty());

        // In the same test and last: a process that has seen such a number clears no bit any more.
        const HIGH: RawFd = 60_008 + BITS as RawFd;
        awaited.begin(HIGH, 1);
        awaited.begin(HIGH - BITS as RawFd, 2);
        awaited.end(HIGH, 1);
        assert!(may_be(HIGH - BITS as RawFd), "high numbers do not make it forgotten");
    }
}
