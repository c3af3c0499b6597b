//! Shared memory that can be given back. The scoreboard lives as long as its master; what belongs to
//! one worker must not outlive it, or a master that replaces workers for a year runs out of address
//! space.

use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::sys::mman::munmap;

use super::{map_shared, shared_words};

/// Words that begin as zero and that this process shares with every process it forks afterwards;
/// each process unmaps its own view by dropping this.
#[derive(Debug)]
pub struct SharedWords(&'static [AtomicU64]);

impl SharedWords {
    /// So many words.
    ///
    /// # Errors
    /// Those of mmap(2).
    pub fn new(count: NonZeroUsize) -> io::Result<SharedWords> {
        shared_words(count).map(SharedWords)
    }

    /// Those of a file in memory, see [`super::shared_file`].
    ///
    /// # Errors
    /// Those of [`map_shared`].
    pub fn of(file: BorrowedFd<'_>) -> io::Result<SharedWords> {
        map_shared(file).map(SharedWords)
    }
}

impl Deref for SharedWords {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        self.0
    }
}

impl Drop for SharedWords {
    fn drop(&mut self) {
        let start = NonNull::from(self.0).cast();
        // SAFETY: the mapping is this value's own, of exactly this length, and nobody can hold a
        // reference into it: `deref` lends no longer than this value lives.
        let unmapped = unsafe { munmap(start, size_of_val(self.0)) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn words_are_written_and_unmapped() {
        let mapped = || {
            let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
            maps.lines().filter(|line| line.contains("/dev/zero")).count()
        };
        let words = SharedWords::new(NonZeroUsize::new(4096).unwrap()).unwrap();
        words[4095].store(7, Ordering::Relaxed);
        assert_eq!(words[4095].load(Ordering::Relaxed), 7);
        let start = words.as_ptr() as usize;
        let line = format!("{start:x}-");
        let maps = || std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(mapped() > 0 && maps().contains(&line));
        drop(words);
        assert!(!maps().lines().any(|mapping| mapping.starts_with(&line)));
    }
}
