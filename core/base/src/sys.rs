//! The system calls that have no safe form in `std`, `nix` or `socket2`, each behind a safe
//! function. This file and those in the folder beside it may hold `unsafe`, and nothing else of the
//! crate.
#![allow(unsafe_code)]

mod passed_on;
pub mod random;
mod shared;
pub mod tcp;
mod text;

pub use passed_on::{map_shared, shared_file};
pub use shared::SharedWords;
pub use text::{shed_text, shed_untouched_files};

use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use socket2::SockAddr;

mod affinity;
mod environment;

pub use affinity::affinity;
pub use environment::set_environment;

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Receives into the spare capacity of `buffer`; 0 is the end of the stream.
///
/// # Errors
/// Those of recv(2); `WouldBlock` on a non-blocking socket with nothing to read.
pub fn recv(socket: BorrowedFd<'_>, buffer: &mut BytesMut) -> io::Result<usize> {
    let spare = buffer.chunk_mut();
    // SAFETY: the pointer and the length are those of the buffer's own spare capacity.
    let count =
        unsafe { libc::recv(socket.as_raw_fd(), spare.as_mut_ptr().cast(), spare.len(), 0) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the kernel has written `count` bytes at the beginning of the spare capacity.
    unsafe { buffer.advance_mut(count) };
    Ok(count)
}

/// Accepts one connection, non-blocking and close-on-exec, with the peer's address.
///
/// # Errors
/// Those of accept4(2).
pub fn accept(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SockAddr)> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: try_init hands out storage and a length that fit each other, and the descriptor that
    // accept4 returns is new and owned by nobody else.
    unsafe {
        SockAddr::try_init(|address, length| {
            let fd = check(libc::accept4(listener.as_raw_fd(), address.cast(), length, flags))?;
            Ok(OwnedFd::from_raw_fd(fd))
        })
    }
}

/// Takes ownership of a descriptor that was passed to this process by number (`fd://3`,
/// `LISTEN_FDS`), after checking that it is open.
///
/// # Errors
/// `EBADF` when the number is not an open descriptor, or one that this process has opened itself:
/// all of those are close-on-exec, and none that was passed to it can be.
pub fn adopt(fd: c_int) -> io::Result<OwnedFd> {
    // SAFETY: fcntl with F_GETFD reads a flag and has no other effect, whatever the number.
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFD) })?;
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: the descriptor is open, and the caller names it because it was handed to this
    // process to own; each number is adopted once (see `listener`).
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes ownership of a descriptor that has just come in a message (SCM_RIGHTS, unix(7)): the kernel
/// has made it for this process, and nobody else knows its number.
pub fn received(number: c_int) -> OwnedFd {
    // SAFETY: see above; what a message brings is taken out of it once.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Milliseconds of the monotonic clock, the same in every process of the machine; as coarse as the
/// kernel's tick (1 to 10 ms) and therefore nearly free.
pub fn coarse_millis() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_MONOTONIC_COARSE)
        .map(|now| now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000)
        .unwrap_or(0)
}

/// Bytes of a page of memory.
pub fn page_size() -> u64 {
    use nix::unistd::{SysconfVar, sysconf};
    // The call cannot fail; 4096 is what nearly every machine says.
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten().unwrap_or(4096);
    u64::try_from(size).unwrap_or(4096)
}

/// Whether a filter (BPF) is attached to a socket: socket(7), `SO_ATTACH_FILTER`, which read back
/// with no room for instructions tells how many there are. A filter that cannot be read counts as
/// none.
pub fn has_filter(socket: BorrowedFd<'_>) -> bool {
    let mut instructions: libc::socklen_t = 0;
    // SAFETY: with a length of zero the kernel writes nothing but the length, a live local.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            std::ptr::null_mut(),
            &mut instructions,
        )
    };
    result == 0 && instructions > 0
}

/// Seconds since 1970, from the coarse clock.
pub fn unix_seconds() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map(|now| now.tv_sec() as u64).unwrap_or(0)
}

/// A moment as the clock on the wall shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Four digits.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 60.
    pub second: u32,
    /// East of Greenwich, in minutes.
    pub offset_minutes: i32,
}

/// The local time, by `TZ` or /etc/localtime, of a moment in seconds since 1970.
pub fn local_time(unix_seconds: u64) -> LocalTime {
    let moment = unix_seconds as libc::time_t;
    // SAFETY: libc::tm is plain data for which all zeroes is a value.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types.
    unsafe { libc::localtime_r(&moment, &mut tm) };
    LocalTime {
        year: tm.tm_year + 1900,
        month: (tm.tm_mon + 1) as u32,
        day: tm.tm_mday as u32,
        hour: tm.tm_hour as u32,
        minute: tm.tm_min as u32,
        second: tm.tm_sec as u32,
        offset_minutes: (tm.tm_gmtoff / 60) as i32,
    }
}

/// Anonymous memory that this process shares with every process it forks afterwards, as words that
/// begin as zero. It is never unmapped, unless by [`SharedWords`]: the scoreboard lives as long as its
/// master.
///
/// # Errors
/// Those of mmap(2).
pub fn shared_words(count: NonZeroUsize) -> io::Result<&'static [AtomicU64]> {
    let length = count.checked_mul(const { NonZeroUsize::new(8).unwrap() });
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let (rights, flags) = (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED);
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no other memory.
    let memory: NonNull<_> = unsafe { mmap_anonymous(None, length, rights, flags) }?;
    // SAFETY: the mapping is page-aligned, as long as `count` words, zeroed, and unmapped by nobody but
    // `SharedWords`, when nobody can reach it any more; an
    // AtomicU64 may be written by other processes at any time.
    Ok(unsafe { std::slice::from_raw_parts(memory.as_ptr().cast::<AtomicU64>(), count.get()) })
}

/// What an [`Epoll`] set reports of one descriptor.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct EpollEvent(libc::epoll_event);

impl std::fmt::Debug for EpollEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EpollEvent({:#x}: {:#x})", self.key(), self.flags())
    }
}

impl EpollEvent {
    /// An event that says nothing, to fill an array with.
    pub const EMPTY: EpollEvent = EpollEvent(libc::epoll_event { events: 0, u64: 0 });

    /// The word given when the descriptor was added.
    pub fn key(&self) -> u64 {
        self.0.u64
    }

    /// `EPOLLIN` and its kin.
    pub fn flags(&self) -> u32 {
        self.0.events
    }
}

/// What is done when a signal has interrupted a wait.
static INTERRUPTED: OnceLock<fn()> = OnceLock::new();

/// Has `hook` be called by the thread whose [`Epoll::wait`] a signal has interrupted, for a language
/// whose signal handlers run outside of those of the system. The first call counts, and holds for
/// the life of the process.
pub fn on_interrupt(hook: fn()) {
    let _ = INTERRUPTED.set(hook);
}

/// An epoll set. Itself pollable, so that it can stand in a foreign event loop.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    /// A new, empty set, close-on-exec.
    ///
    /// # Errors
    /// Those of epoll_create1(2).
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: no pointers; the result is a new descriptor owned by nobody else.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: as above.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn control(&self, what: c_int, fd: BorrowedFd<'_>, flags: u32, key: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: flags, u64: key };
        // SAFETY: the event outlives the call, which copies it.
        let done = unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd.as_raw_fd(), &mut event) };
        check(done).map(drop)
    }

    /// Watches a descriptor; `key` comes back with its events.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn add(&self, fd: BorrowedFd<'_>, flags: u32, key: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, flags, key)
    }

    /// Changes what a descriptor is watched for; what is true already is reported again.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn modify(&self, fd: BorrowedFd<'_>, flags: u32, key: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, flags, key)
    }

    /// Watches a descriptor that is perhaps in the set already, though probably not.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn add_or_modify(&self, fd: BorrowedFd<'_>, flags: u32, key: u64) -> io::Result<()> {
        match self.add(fd, flags, key) {
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => self.modify(fd, flags, key),
            done => done,
        }
    }

    /// Watches a descriptor that is probably in the set already.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn modify_or_add(&self, fd: BorrowedFd<'_>, flags: u32, key: u64) -> io::Result<()> {
        match self.modify(fd, flags, key) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => self.add(fd, flags, key),
            done => done,
        }
    }

    /// Forgets a descriptor.
    ///
    /// # Errors
    /// Those of epoll_ctl(2).
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    /// Waits for events, for at most `timeout` (none: for ever), to the nanosecond where the kernel
    /// has epoll_pwait2 (Linux 5.11), rounded up to the millisecond where not. An interrupting
    /// signal is no error, and no event.
    ///
    /// # Errors
    /// Those of epoll_wait(2), but for `EINTR`.
    pub fn wait(&self, events: &mut [EpollEvent], timeout: Option<Duration>) -> io::Result<usize> {
        static COARSE_ONLY: AtomicBool = AtomicBool::new(false);
        let whole_millis = timeout.is_none_or(|t| t.subsec_nanos() % 1_000_000 == 0);
        if !whole_millis && !COARSE_ONLY.load(Ordering::Relaxed) {
            match self.wait_fine(events, timeout.unwrap_or_default()) {
                Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
                    COARSE_ONLY.store(true, Ordering::Relaxed);
                }
                done => return done,
            }
        }
        let millis = timeout.map_or(-1, |t| {
            c_int::try_from(t.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
        });
        let (pointer, length) = (events.as_mut_ptr().cast(), events.len() as c_int);
        // SAFETY: EpollEvent is a transparent epoll_event, and the length is the slice's.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), pointer, length, millis) };
        Epoll::counted(i64::from(count))
    }

    fn wait_fine(&self, events: &mut [EpollEvent], timeout: Duration) -> io::Result<usize> {
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let (fd, length) = (self.0.as_raw_fd(), events.len() as c_int);
        let mask = std::ptr::null::<libc::sigset_t>();
        // SAFETY: EpollEvent is a transparent epoll_event, the length is the slice's, the timespec
        // outlives the call, and a null mask leaves the signal mask alone.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                fd,
                events.as_mut_ptr(),
                length,
                &timeout,
                mask,
                0,
            )
        };
        Epoll::counted(count)
    }

    fn counted(count: i64) -> io::Result<usize> {
        usize::try_from(count).or_else(|_| match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => {
                INTERRUPTED.get().into_iter().for_each(|hook| hook());
                Ok(0)
            }
            error => Err(error),
        })
    }
}

impl std::os::fd::AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

struct TitleArea {
    start: usize,
    length: usize,
}

static TITLE: OnceLock<Option<TitleArea>> = OnceLock::new();

unsafe extern "C" {
    static mut environ: *mut *mut c_char;
}

/// Makes room for [`set_title`]: moves the environment off the memory that `ps` shows. To be called
/// once, first thing in `main`, after the arguments have been read for the last time
/// (`std::env::args` gives garbage once a title is set) and before a second thread exists.
pub fn prepare_title() {
    TITLE.get_or_init(|| {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the program's name in parentheses and may hold anything; the numbers
        // of proc_pid_stat(5) are counted from behind it: arg_start is 48, env_end 51.
        let after_name = stat.rsplit_once(')')?.1;
        let fields: Vec<usize> =
            after_name.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect();
        let (start, args_end) = (*fields.get(45)?, *fields.get(46)?);
        let (env_start, env_end) = (*fields.get(47)?, *fields.get(48)?);
        if start == 0 || args_end <= start {
            return None;
        }
        let contiguous = env_start >= args_end && env_start - args_end < 16 && env_end > env_start;
        let end = if contiguous {
            move_environment();
            env_end
        } else {
            args_end
        };
        Some(TitleArea { start, length: end - start })
    });
}

/// Gives every environment string a copy on the heap, which is never freed: libc hands out pointers
/// into them.
fn move_environment() {
    // SAFETY: `environ` is libc's null-terminated array; this process has one thread (see
    // `prepare_title`), so nobody reads it meanwhile.
    unsafe {
        let mut entry = environ;
        while !entry.is_null() && !(*entry).is_null() {
            let copy: CString = CStr::from_ptr(*entry).into();
            *entry = copy.into_raw();
            entry = entry.add(1);
        }
    }
}

/// Sets what `ps` shows of this process; cut to the room there is. Without [`prepare_title`] it does
/// nothing.
pub fn set_title(title: &str) {
    let Some(Some(area)) = TITLE.get() else {
        return;
    };
    let Some(room) = area.length.checked_sub(1) else {
        return;
    };
    let text = &title.as_bytes()[..title.len().min(room)];
    let target = area.start as *mut u8;
    // SAFETY: the area is this process' own argument and environment memory, which the kernel maps
    // writable and keeps for the life of the process; the arguments have been read and the
    // environment has been moved by `prepare_title`, so nothing points into it any more.
    unsafe {
        std::ptr::write_bytes(target, 0, area.length);
        std::ptr::copy_nonoverlapping(text.as_ptr(), target, text.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn shared_words_start_as_zero_and_can_be_written() {
        let words = shared_words(NonZeroUsize::new(64).unwrap()).unwrap();
        assert!(words.iter().all(|w| w.load(Ordering::Relaxed) == 0));
        words[63].store(7, Ordering::Relaxed);
        assert_eq!(words[63].load(Ordering::Relaxed), 7);
    }

    #[test]
    fn an_epoll_set_is_pollable_and_reports_its_key() {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let (inner, outer) = (Epoll::new().unwrap(), Epoll::new().unwrap());
        inner.add(reader.as_fd(), libc::EPOLLIN as u32, 42).unwrap();
        outer.add(inner.as_fd(), libc::EPOLLIN as u32, 43).unwrap();
        let mut events = [EpollEvent::EMPTY; 4];
        assert_eq!(outer.wait(&mut events, Some(Duration::from_micros(100))).unwrap(), 0);
        nix::unistd::write(&writer, b"x").unwrap();
        assert_eq!(outer.wait(&mut events, None).unwrap(), 1);
        assert_eq!(events[0].key(), 43);
        assert_eq!(inner.wait(&mut events, None).unwrap(), 1);
        assert_eq!(events[0].key(), 42);
    }

    #[test]
    fn adopting_a_closed_descriptor_is_an_error() {
        assert!(adopt(19_999).is_err());
        let (reader, _writer) = io::pipe().unwrap();
        assert!(adopt(reader.as_raw_fd()).is_err(), "it is our own");
    }
}
