//! Shared memory that has a descriptor. What is mapped anonymously is shared with forked processes
//! only; one that was made by exec is given the descriptor, and maps the same memory by it. The file
//! is sealed, so that nobody can cut it shorter under those who have mapped it.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap};
use nix::sys::stat::fstat;
use nix::unistd::ftruncate;

/// A file in memory for so many words, which begin as zero: memfd_create(2).
///
/// # Errors
/// Those of memfd_create(2) and ftruncate(2).
pub fn shared_file(count: NonZeroUsize) -> io::Result<OwnedFd> {
    let length = count.get().checked_mul(8).and_then(|length| i64::try_from(length).ok());
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let file = memfd_create(c"oxicorn", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    ftruncate(&file, length)?;
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file)
}

/// Maps such a file. It stays mapped when the descriptor is closed, and until it is unmapped.
///
/// # Errors
/// It is none that [`shared_file`] has made; those of mmap(2).
pub fn map_shared(file: BorrowedFd<'_>) -> io::Result<&'static [AtomicU64]> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidInput);
    let seals = fcntl(file, FcntlArg::F_GET_SEALS)?;
    if !SealFlag::from_bits_truncate(seals).contains(SealFlag::F_SEAL_SHRINK) {
        return Err(invalid());
    }
    let length = usize::try_from(fstat(file)?.st_size).ok().and_then(NonZeroUsize::new);
    let length = length.filter(|length| length.get() % 8 == 0).ok_or_else(invalid)?;
    let (rights, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
    // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
    let memory: NonNull<_> = unsafe { mmap(None, length, rights, flags, file.as_fd(), 0) }?;
    let words = memory.as_ptr().cast::<AtomicU64>();
    // SAFETY: the mapping is page-aligned and of this length, which the seal keeps the file from
    // falling below; it is unmapped by nobody but `SharedWords`, when nobody can reach it any more;
    // an AtomicU64 may be written by other processes at any time.
    Ok(unsafe { std::slice::from_raw_parts(words, length.get() / 8) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[test]
    fn who_maps_the_descriptor_sees_the_same_words() {
        let file = shared_file(NonZeroUsize::new(1000).unwrap()).unwrap();
        let (one, other) = (map_shared(file.as_fd()).unwrap(), map_shared(file.as_fd()).unwrap());
        drop(file);
        assert_eq!((one.len(), other.len()), (1000, 1000));
        one[999].store(7, Ordering::Relaxed);
        assert_eq!(other[999].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn a_file_that_can_be_cut_shorter_is_refused() {
        let file = memfd_create(c"x", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).unwrap();
        ftruncate(&file, 4096).unwrap();
        assert!(map_shared(file.as_fd()).is_err());
        let other = std::fs::File::open("/dev/null").unwrap();
        assert!(map_shared(other.as_fd()).is_err());
    }
}
