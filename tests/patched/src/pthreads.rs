//! The locks of C code. They are driven here as C drives them: statically made, by address, and each
//! result is looked at.
#![allow(unsafe_code, reason = "the functions are C's")]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use libc::{
    CLOCK_MONOTONIC, CLOCK_REALTIME, EPERM, PTHREAD_COND_INITIALIZER, PTHREAD_MUTEX_ERRORCHECK,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_RECURSIVE, PTHREAD_RWLOCK_INITIALIZER, c_int,
    pthread_cond_t, pthread_mutex_t, pthread_rwlock_t, sem_t, timespec,
};

use crate::many;

const A_WHILE: Duration = Duration::from_millis(2);

/// What lies at one address and is changed under a lock of C's.
struct Place<T>(UnsafeCell<T>);

// SAFETY: C's locks are for several threads, and what else is here is guarded by them.
unsafe impl<T> Sync for Place<T> {}
// SAFETY: as above.
unsafe impl<T> Send for Place<T> {}

impl<T> Place<T> {
    const fn new(value: T) -> Place<T> {
        Place(UnsafeCell::new(value))
    }

    fn at(&self) -> *mut T {
        self.0.get()
    }
}

/// A mutex of this type.
fn made(kind: c_int) -> Place<pthread_mutex_t> {
    let place = Place::new(PTHREAD_MUTEX_INITIALIZER);
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: both are initialised here, and the mutex is in use from then on.
    unsafe {
        assert_eq!(libc::pthread_mutexattr_init(attributes.as_mut_ptr()), 0);
        assert_eq!(libc::pthread_mutexattr_settype(attributes.as_mut_ptr(), kind), 0);
        assert_eq!(libc::pthread_mutex_init(place.at(), attributes.as_ptr()), 0);
    }
    place
}

fn in_the_future(clock: c_int, millis: i64) -> timespec {
    let mut time = timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is written to a variable of the right type.
    assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut time) }, 0);
    let nanos = time.tv_nsec + millis * 1_000_000;
    timespec { tv_sec: time.tv_sec + nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 }
}

/// Held over a wait: nobody counts twice.
fn counted(mutex: *mut pthread_mutex_t, count: *mut usize, depth: usize) -> String {
    // SAFETY: the mutex guards the number.
    unsafe {
        (0..depth).for_each(|_| assert_eq!(libc::pthread_mutex_lock(mutex), 0));
        let before = *count;
        thread::sleep(A_WHILE);
        *count = before + 1;
        let text = format!("{}\n", *count);
        (0..depth).for_each(|_| assert_eq!(libc::pthread_mutex_unlock(mutex), 0));
        text
    }
}

pub(crate) fn mutex() -> String {
    static MUTEX: Place<pthread_mutex_t> = Place::new(PTHREAD_MUTEX_INITIALIZER);
    static COUNT: Place<usize> = Place::new(0);
    counted(MUTEX.at(), COUNT.at(), 1)
}

/// One that lets its holder in again.
pub(crate) fn recursive() -> String {
    static MUTEX: LazyLock<Place<pthread_mutex_t>> =
        LazyLock::new(|| made(PTHREAD_MUTEX_RECURSIVE));
    static COUNT: Place<usize> = Place::new(0);
    counted(MUTEX.at(), COUNT.at(), 2)
}

/// Every fourth writes; readers see what a writer has finished.
pub(crate) fn rwlock() -> String {
    static LOCK: Place<pthread_rwlock_t> = Place::new(PTHREAD_RWLOCK_INITIALIZER);
    static PAIR: Place<(usize, usize)> = Place::new((0, 0));
    static TURN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let turn = TURN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let (lock, pair) = (LOCK.at(), PAIR.at());
    // SAFETY: the lock guards the pair.
    unsafe {
        let whole = if turn.is_multiple_of(4) {
            assert_eq!(libc::pthread_rwlock_wrlock(lock), 0);
            (*pair).0 += 1;
            thread::sleep(A_WHILE);
            (*pair).1 += 1;
            true
        } else {
            assert_eq!(libc::pthread_rwlock_rdlock(lock), 0);
            let before = *pair;
            thread::sleep(A_WHILE);
            before == *pair && before.0 == before.1
        };
        assert_eq!(libc::pthread_rwlock_unlock(lock), 0);
        if whole { "whole\n".to_owned() } else { "torn\n".to_owned() }
    }
}

/// Everybody waits until all are there; half of them look again by themselves.
pub(crate) fn condvar() -> String {
    static MUTEX: Place<pthread_mutex_t> = Place::new(PTHREAD_MUTEX_INITIALIZER);
    static ALL: Place<pthread_cond_t> = Place::new(PTHREAD_COND_INITIALIZER);
    static ARRIVED: Place<usize> = Place::new(0);
    let (mutex, arrived, all) = (MUTEX.at(), ARRIVED.at(), ALL.at());
    // SAFETY: the mutex guards the number.
    unsafe {
        assert_eq!(libc::pthread_mutex_lock(mutex), 0);
        *arrived += 1;
        let own = *arrived;
        assert_eq!(libc::pthread_cond_broadcast(all), 0);
        while *arrived < many() {
            let soon = in_the_future(CLOCK_REALTIME, 5);
            let result = match own % 2 {
                0 => libc::pthread_cond_wait(all, mutex),
                _ => libc::pthread_cond_timedwait(all, mutex, &raw const soon),
            };
            assert!(result == 0 || result == libc::ETIMEDOUT, "{result}");
        }
        assert_eq!(libc::pthread_mutex_unlock(mutex), 0);
    }
    "all\n".to_owned()
}

struct Table {
    mutex: Place<pthread_mutex_t>,
    changed: Place<pthread_cond_t>,
    ball: Place<usize>,
}

impl Table {
    /// Waits until the ball is on this side, and plays it to the other.
    fn play(&self, side: usize, times: usize) {
        let (mutex, changed, ball) = (self.mutex.at(), self.changed.at(), self.ball.at());
        // SAFETY: the mutex guards the ball.
        unsafe {
            for _ in 0..times {
                assert_eq!(libc::pthread_mutex_lock(mutex), 0);
                while ball.read_volatile() % 2 != side {
                    assert_eq!(libc::pthread_cond_wait(changed, mutex), 0);
                }
                *ball += 1;
                assert_eq!(libc::pthread_mutex_unlock(mutex), 0);
                assert_eq!(libc::pthread_cond_signal(changed), 0);
            }
        }
    }
}

/// Between a handler and a thread.
pub(crate) fn table_tennis() -> String {
    const TIMES: usize = 20;
    let table = Table {
        mutex: Place::new(PTHREAD_MUTEX_INITIALIZER),
        changed: Place::new(PTHREAD_COND_INITIALIZER),
        ball: Place::new(0),
    };
    thread::scope(|scope| {
        scope.spawn(|| table.play(1, TIMES));
        table.play(0, TIMES);
    });
    format!("{}\n", table.ball.0.into_inner())
}

/// Raised by another handler, and by a thread.
pub(crate) fn semaphore() -> String {
    let semaphore = std::sync::Arc::new(Place::new(MaybeUninit::<sem_t>::zeroed()));
    // SAFETY: a semaphore of this process, from here on.
    assert_eq!(unsafe { libc::sem_init(semaphore.at().cast(), 0, 0) }, 0);
    let raise = |semaphore: std::sync::Arc<Place<MaybeUninit<sem_t>>>| {
        thread::sleep(A_WHILE);
        // SAFETY: it is alive.
        assert_eq!(unsafe { libc::sem_post(semaphore.at().cast()) }, 0);
    };
    let (one, other) = (semaphore.clone(), semaphore.clone());
    let handler = oxicorn::spawn(move || raise(one));
    let raiser = thread::Builder::new().spawn(move || raise(other)).unwrap();
    let long = in_the_future(CLOCK_REALTIME, 60_000);
    // SAFETY: as above.
    let waited = unsafe {
        let at = semaphore.at().cast();
        [libc::sem_wait(at), libc::sem_timedwait(at, &raw const long)]
    };
    handler.join().unwrap();
    raiser.join().unwrap();
    let soon = in_the_future(CLOCK_REALTIME, 2);
    // SAFETY: as above.
    let late = unsafe { libc::sem_timedwait(semaphore.at().cast(), &raw const soon) };
    let error = std::io::Error::last_os_error().raw_os_error();
    format!("{waited:?} {late} {}\n", error == Some(libc::ETIMEDOUT))
}

unsafe extern "C" {
    fn pthread_once(control: *mut c_int, code: extern "C" fn()) -> c_int;
    fn __recv_chk(fd: c_int, to: *mut u8, length: usize, size: usize, flags: c_int) -> isize;
    fn pthread_rwlock_timedwrlock(lock: *mut pthread_rwlock_t, time: *const timespec) -> c_int;
    fn pthread_mutex_clocklock(
        mutex: *mut pthread_mutex_t,
        clock: c_int,
        time: *const timespec,
    ) -> c_int;
}

pub(crate) fn once() -> String {
    static CONTROL: Place<c_int> = Place::new(0);
    static MADE: Place<usize> = Place::new(0);
    extern "C" fn make() {
        thread::sleep(10 * A_WHILE);
        // SAFETY: it is done once.
        unsafe { *MADE.at() += 1 };
    }
    // SAFETY: what is made is read when it is there.
    unsafe {
        assert_eq!(pthread_once(CONTROL.at(), make), 0);
        format!("{}\n", *MADE.at())
    }
}

/// A function by the name that C code knows it by when it was compiled for a distribution.
pub(crate) fn fortified() -> String {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    let (one, mut other) = std::os::unix::net::UnixStream::pair().unwrap();
    let writing = oxicorn::spawn(move || {
        thread::sleep(A_WHILE);
        other.write_all(b"word").unwrap();
    });
    let mut buffer = [0_u8; 16];
    // SAFETY: so many bytes there are.
    let length = unsafe { __recv_chk(one.as_raw_fd(), buffer.as_mut_ptr(), 16, 16, 0) };
    writing.join().unwrap();
    format!("{}\n", String::from_utf8_lossy(&buffer[..length as usize]))
}

/// What the functions say to mistakes, and when nothing comes.
fn results() -> Vec<c_int> {
    let checked = made(PTHREAD_MUTEX_ERRORCHECK);
    let plain = made(libc::PTHREAD_MUTEX_NORMAL);
    let condition = Place::new(PTHREAD_COND_INITIALIZER);
    let lock = Place::new(PTHREAD_RWLOCK_INITIALIZER);
    let nonsense = timespec { tv_sec: 0, tv_nsec: -1 };
    let soon = || in_the_future(CLOCK_REALTIME, 2);
    // SAFETY: all of them live to the end of the function.
    unsafe {
        let mut results = vec![
            libc::pthread_mutex_unlock(checked.at()) - EPERM,
            libc::pthread_cond_wait(condition.at(), checked.at()),
            libc::pthread_mutex_lock(checked.at()),
            libc::pthread_mutex_lock(checked.at()),
            libc::pthread_mutex_trylock(checked.at()),
            libc::pthread_mutex_timedlock(checked.at(), &soon()),
            libc::pthread_cond_timedwait(condition.at(), checked.at(), &soon()),
            libc::pthread_cond_timedwait(condition.at(), checked.at(), &nonsense),
            libc::pthread_mutex_unlock(checked.at()),
            libc::pthread_mutex_unlock(checked.at()),
            libc::pthread_mutex_lock(plain.at()),
            libc::pthread_mutex_timedlock(plain.at(), &soon()),
            libc::pthread_mutex_timedlock(plain.at(), &nonsense),
            pthread_mutex_clocklock(
                plain.at(),
                CLOCK_MONOTONIC,
                &in_the_future(CLOCK_MONOTONIC, 2),
            ),
            libc::pthread_mutex_unlock(plain.at()),
            libc::pthread_rwlock_wrlock(lock.at()),
            libc::pthread_rwlock_wrlock(lock.at()),
            libc::pthread_rwlock_rdlock(lock.at()),
            libc::pthread_rwlock_tryrdlock(lock.at()),
            libc::pthread_rwlock_unlock(lock.at()),
            libc::pthread_rwlock_rdlock(lock.at()),
            libc::pthread_rwlock_rdlock(lock.at()),
            libc::pthread_rwlock_trywrlock(lock.at()),
            pthread_rwlock_timedwrlock(lock.at(), &soon()),
            pthread_rwlock_timedwrlock(lock.at(), &nonsense),
            libc::pthread_rwlock_unlock(lock.at()),
            libc::pthread_rwlock_unlock(lock.at()),
        ];
        *libc::__errno_location() = 77;
        results.push(libc::pthread_mutex_lock(plain.at()));
        results.push(*libc::__errno_location());
        results
    }
}

pub(crate) fn errors() -> String {
    let here = results();
    let there = thread::Builder::new().spawn(results).unwrap().join().unwrap();
    match here == there {
        true => "the same\n".to_owned(),
        false => format!("in a handler {here:?}, in a thread {there:?}\n"),
    }
}
