//! The C library's own functions, behind those that are defined here under the same names. Whoever is
//! not in a coroutine gets them and nothing else: what they do about signals, cancellation and errno is
//! theirs. They are looked up when the program starts, before `main`, since looking up is nothing that
//! a signal handler may do.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use libc::{
    addrinfo, clockid_t, epoll_event, fd_set, iovec, msghdr, nfds_t, off_t, pid_t, pollfd,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, pthread_t, sem_t, sigset_t, size_t,
    sockaddr, socklen_t, ssize_t, timespec, timeval, useconds_t,
};

/// A function of the C library by name.
#[derive(Debug)]
struct Real {
    name: &'static CStr,
    place: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Real {
        Real { name, place: AtomicPtr::new(std::ptr::null_mut()) }
    }

    #[inline(always)]
    fn get(&self) -> *mut c_void {
        let place = self.place.load(Ordering::Relaxed);
        if place.is_null() { self.find() } else { place }
    }

    #[cold]
    fn find(&self) -> *mut c_void {
        let name = self.name.as_ptr();
        // SAFETY: names that end with a zero byte. The next object after the program that has it is
        // the C library, which has all of them; and some in two versions, of which dlsym(3) may give
        // the one for programs of long ago.
        let place = unsafe {
            let place = libc::dlvsym(libc::RTLD_NEXT, name, c"GLIBC_2.3.2".as_ptr());
            if place.is_null() { libc::dlsym(libc::RTLD_NEXT, name) } else { place }
        };
        self.place.store(place, Ordering::Relaxed);
        place
    }
}

macro_rules! functions {
    ($($variant:ident: $symbol:literal $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {
        /// A function of the C library that is defined here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Call {
            $(#[doc = stringify!($name)] $variant,)+
            /// syscall(2) with futex(2)
            Futex,
        }

        impl Call {
            /// All of them.
            pub(crate) const ALL: &[Call] = &[$(Call::$variant,)+ Call::Futex];

            /// As in its manual page.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Call::$variant => stringify!($name),)+
                    Call::Futex => "syscall",
                }
            }
        }

        #[allow(non_upper_case_globals, reason = "the functions' own names")]
        mod places {
            use super::Real;
            $(pub(super) static $name: Real = Real::new($symbol);)+
        }

        $(
            /// # Safety
            /// As the C library's.
            #[inline(always)]
            pub(super) unsafe fn $name($($argument: $type),*) -> $result {
                type Function = unsafe extern "C" fn($($type),*) -> $result;
                // SAFETY: the C library's function of this name has this type.
                unsafe { std::mem::transmute::<*mut c_void, Function>(places::$name.get())($($argument),*) }
            }
        )+

        extern "C" fn find_all() {
            $(places::$name.find();)+
        }
    };
}

functions! {
    Nanosleep: c"nanosleep" nanosleep(time: *const timespec, left: *mut timespec) -> c_int;
    ClockNanosleep: c"clock_nanosleep"
        clock_nanosleep(clock: c_int, flags: c_int, time: *const timespec, left: *mut timespec) -> c_int;
    Usleep: c"usleep" usleep(time: useconds_t) -> c_int;
    Sleep: c"sleep" sleep(time: c_uint) -> c_uint;
    Poll: c"poll" poll(fds: *mut pollfd, count: nfds_t, timeout: c_int) -> c_int;
    Ppoll: c"ppoll"
        ppoll(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
    Select: c"select"
        select(count: c_int, read: *mut fd_set, write: *mut fd_set, error: *mut fd_set,
            timeout: *mut timeval) -> c_int;
    Pselect: c"pselect"
        pselect(count: c_int, read: *mut fd_set, write: *mut fd_set, error: *mut fd_set,
            timeout: *const timespec, mask: *const sigset_t) -> c_int;
    EpollWait: c"epoll_wait"
        epoll_wait(fd: c_int, events: *mut epoll_event, most: c_int, timeout: c_int) -> c_int;
    EpollPwait: c"epoll_pwait"
        epoll_pwait(fd: c_int, events: *mut epoll_event, most: c_int, timeout: c_int,
            mask: *const sigset_t) -> c_int;
    Recv: c"recv" recv(fd: c_int, buffer: *mut c_void, length: size_t, flags: c_int) -> ssize_t;
    Recvfrom: c"recvfrom"
        recvfrom(fd: c_int, buffer: *mut c_void, length: size_t, flags: c_int, from: *mut sockaddr,
            from_length: *mut socklen_t) -> ssize_t;
    Recvmsg: c"recvmsg" recvmsg(fd: c_int, message: *mut msghdr, flags: c_int) -> ssize_t;
    Read: c"read" read(fd: c_int, buffer: *mut c_void, length: size_t) -> ssize_t;
    Readv: c"readv" readv(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t;
    Send: c"send" send(fd: c_int, buffer: *const c_void, length: size_t, flags: c_int) -> ssize_t;
    Sendto: c"sendto"
        sendto(fd: c_int, buffer: *const c_void, length: size_t, flags: c_int, to: *const sockaddr,
            to_length: socklen_t) -> ssize_t;
    Sendmsg: c"sendmsg" sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> ssize_t;
    Write: c"write" write(fd: c_int, buffer: *const c_void, length: size_t) -> ssize_t;
    Writev: c"writev" writev(fd: c_int, pieces: *const iovec, count: c_int) -> ssize_t;
    Sendfile: c"sendfile"
        sendfile(to: c_int, from: c_int, offset: *mut off_t, length: size_t) -> ssize_t;
    Sendfile64: c"sendfile64"
        sendfile64(to: c_int, from: c_int, offset: *mut off_t, length: size_t) -> ssize_t;
    Splice: c"splice"
        splice(from: c_int, from_offset: *mut i64, to: c_int, to_offset: *mut i64, length: size_t,
            flags: c_uint) -> ssize_t;
    Connect: c"connect"
        connect(fd: c_int, address: *const sockaddr, length: socklen_t) -> c_int;
    Accept: c"accept"
        accept(fd: c_int, address: *mut sockaddr, length: *mut socklen_t) -> c_int;
    Accept4: c"accept4"
        accept4(fd: c_int, address: *mut sockaddr, length: *mut socklen_t, flags: c_int) -> c_int;
    Close: c"close" close(fd: c_int) -> c_int;
    Getaddrinfo: c"getaddrinfo"
        getaddrinfo(node: *const c_char, service: *const c_char, hints: *const addrinfo,
            found: *mut *mut addrinfo) -> c_int;
    Waitpid: c"waitpid" waitpid(pid: pid_t, status: *mut c_int, options: c_int) -> pid_t;
    PthreadJoin: c"pthread_join" pthread_join(thread: pthread_t, value: *mut *mut c_void) -> c_int;
    Flock: c"flock" flock(fd: c_int, operation: c_int) -> c_int;
    Fcntl: c"fcntl" fcntl(fd: c_int, command: c_int, argument: usize) -> c_int;
    Lockf: c"lockf" lockf(fd: c_int, command: c_int, length: off_t) -> c_int;
    PthreadMutexLock: c"pthread_mutex_lock" pthread_mutex_lock(mutex: *mut pthread_mutex_t) -> c_int;
    PthreadMutexTrylock: c"pthread_mutex_trylock"
        pthread_mutex_trylock(mutex: *mut pthread_mutex_t) -> c_int;
    PthreadMutexTimedlock: c"pthread_mutex_timedlock"
        pthread_mutex_timedlock(mutex: *mut pthread_mutex_t, time: *const timespec) -> c_int;
    PthreadMutexClocklock: c"pthread_mutex_clocklock"
        pthread_mutex_clocklock(mutex: *mut pthread_mutex_t, clock: clockid_t, time: *const timespec)
            -> c_int;
    PthreadMutexUnlock: c"pthread_mutex_unlock"
        pthread_mutex_unlock(mutex: *mut pthread_mutex_t) -> c_int;
    PthreadCondWait: c"pthread_cond_wait"
        pthread_cond_wait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t) -> c_int;
    PthreadCondTimedwait: c"pthread_cond_timedwait"
        pthread_cond_timedwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t,
            time: *const timespec) -> c_int;
    PthreadCondClockwait: c"pthread_cond_clockwait"
        pthread_cond_clockwait(condition: *mut pthread_cond_t, mutex: *mut pthread_mutex_t,
            clock: clockid_t, time: *const timespec) -> c_int;
    PthreadCondSignal: c"pthread_cond_signal"
        pthread_cond_signal(condition: *mut pthread_cond_t) -> c_int;
    PthreadCondBroadcast: c"pthread_cond_broadcast"
        pthread_cond_broadcast(condition: *mut pthread_cond_t) -> c_int;
    PthreadRwlockRdlock: c"pthread_rwlock_rdlock"
        pthread_rwlock_rdlock(lock: *mut pthread_rwlock_t) -> c_int;
    PthreadRwlockWrlock: c"pthread_rwlock_wrlock"
        pthread_rwlock_wrlock(lock: *mut pthread_rwlock_t) -> c_int;
    PthreadRwlockTryrdlock: c"pthread_rwlock_tryrdlock"
        pthread_rwlock_tryrdlock(lock: *mut pthread_rwlock_t) -> c_int;
    PthreadRwlockTrywrlock: c"pthread_rwlock_trywrlock"
        pthread_rwlock_trywrlock(lock: *mut pthread_rwlock_t) -> c_int;
    PthreadRwlockTimedrdlock: c"pthread_rwlock_timedrdlock"
        pthread_rwlock_timedrdlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
    PthreadRwlockTimedwrlock: c"pthread_rwlock_timedwrlock"
        pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
    PthreadRwlockClockrdlock: c"pthread_rwlock_clockrdlock"
        pthread_rwlock_clockrdlock(lock: *mut pthread_rwlock_t, clock: clockid_t,
            time: *const timespec) -> c_int;
    PthreadRwlockClockwrlock: c"pthread_rwlock_clockwrlock"
        pthread_rwlock_clockwrlock(lock: *mut pthread_rwlock_t, clock: clockid_t,
            time: *const timespec) -> c_int;
    PthreadRwlockUnlock: c"pthread_rwlock_unlock"
        pthread_rwlock_unlock(lock: *mut pthread_rwlock_t) -> c_int;
    PthreadOnce: c"pthread_once"
        pthread_once(control: *mut c_int, code: Option<unsafe extern "C" fn()>) -> c_int;
    SemWait: c"sem_wait" sem_wait(semaphore: *mut sem_t) -> c_int;
    SemTimedwait: c"sem_timedwait"
        sem_timedwait(semaphore: *mut sem_t, time: *const timespec) -> c_int;
    SemClockwait: c"sem_clockwait"
        sem_clockwait(semaphore: *mut sem_t, clock: clockid_t, time: *const timespec) -> c_int;
    ReadChk: c"__read_chk"
        __read_chk(fd: c_int, buffer: *mut c_void, length: size_t, size: size_t) -> ssize_t;
    RecvChk: c"__recv_chk"
        __recv_chk(fd: c_int, buffer: *mut c_void, length: size_t, size: size_t, flags: c_int) -> ssize_t;
    RecvfromChk: c"__recvfrom_chk"
        __recvfrom_chk(fd: c_int, buffer: *mut c_void, length: size_t, size: size_t, flags: c_int,
            from: *mut sockaddr, from_length: *mut socklen_t) -> ssize_t;
    PollChk: c"__poll_chk"
        __poll_chk(fds: *mut pollfd, count: nfds_t, timeout: c_int, size: size_t) -> c_int;
    PpollChk: c"__ppoll_chk"
        __ppoll_chk(fds: *mut pollfd, count: nfds_t, timeout: *const timespec, mask: *const sigset_t,
            size: size_t) -> c_int;
    Fork: c"fork" fork() -> pid_t;
}

/// Run by the C library before `main`.
#[used]
#[unsafe(link_section = ".init_array")]
static FIND_ALL: extern "C" fn() = find_all;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_and_described() {
        let page = include_str!("../../../../docs/patch.md");
        for call in Call::ALL {
            assert!(page.contains(&format!("`{}`", call.name())), "{}", call.name());
        }
        assert!(!places::recv.get().is_null() && !places::fork.get().is_null());
    }
}
