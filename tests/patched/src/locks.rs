//! Locks that are held over a wait while others want them, and words between handlers.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{LazyLock, Mutex, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

use crate::sockets;

const A_WHILE: Duration = Duration::from_millis(2);

pub(crate) fn mutex() -> String {
    static COUNT: Mutex<usize> = Mutex::new(0);
    let mut count = COUNT.lock().unwrap();
    let before = *count;
    thread::sleep(A_WHILE);
    *count = before + 1;
    format!("{}\n", *count)
}

pub(crate) fn parking_lot() -> String {
    static COUNT: parking_lot::Mutex<usize> = parking_lot::Mutex::new(0);
    let mut count = COUNT.lock();
    let before = *count;
    thread::sleep(A_WHILE);
    *count = before + 1;
    let text = format!("{}\n", *count);
    if count.is_multiple_of(3) {
        parking_lot::MutexGuard::unlock_fair(count);
    }
    text
}

/// Every fourth writes; readers see what a writer has finished.
pub(crate) fn rwlock() -> String {
    static PAIR: RwLock<(usize, usize)> = RwLock::new((0, 0));
    static TURN: AtomicUsize = AtomicUsize::new(0);
    if TURN.fetch_add(1, Ordering::Relaxed).is_multiple_of(4) {
        let mut pair = PAIR.write().unwrap();
        pair.0 += 1;
        thread::sleep(A_WHILE);
        pair.1 += 1;
    } else {
        let pair = PAIR.read().unwrap();
        let before = *pair;
        thread::sleep(A_WHILE);
        if pair.0 != pair.1 || *pair != before {
            return "torn\n".to_owned();
        }
    }
    "whole\n".to_owned()
}

pub(crate) fn once() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    static VALUE: OnceLock<usize> = OnceLock::new();
    let value = VALUE.get_or_init(|| {
        thread::sleep(10 * A_WHILE);
        MADE.fetch_add(1, Ordering::Relaxed) + 1
    });
    format!("{value}\n")
}

/// The lock of standard output knows its thread by number, and lets that one in again.
pub(crate) fn stdout() -> String {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(b"<");
    thread::sleep(A_WHILE);
    let _ = out.write_all(b">");
    let _ = out.flush();
    "written\n".to_owned()
}

/// A queue that is not the standard library's, between a thread and a handler.
pub(crate) fn queue() -> String {
    let (sender, receiver) = crossbeam_channel::bounded(1);
    let sending = move || (0..50).for_each(|n| sender.send(n).unwrap());
    let worker = thread::Builder::new().spawn(sending).unwrap();
    let sum: i32 = receiver.iter().sum();
    worker.join().unwrap();
    format!("{sum}\n")
}

type Ends = (Sender<usize>, Mutex<Receiver<usize>>);
static WORDS: LazyLock<Ends> = LazyLock::new(|| {
    let (sender, receiver) = channel();
    (sender, Mutex::new(receiver))
});

pub(crate) fn receive() -> String {
    let receiver = WORDS.1.lock().unwrap();
    let early = receiver.recv_timeout(A_WHILE).ok();
    format!("{}\n", early.unwrap_or_else(|| receiver.recv().unwrap()))
}

pub(crate) fn send() -> String {
    WORDS.0.send(7).unwrap();
    "sent\n".to_owned()
}

/// A thread that waits for the upstream wakes this handler, and no other.
pub(crate) fn park() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let word = OnceLock::new();
    thread::scope(|scope| {
        let (word, own) = (&word, thread::current());
        thread::Builder::new()
            .spawn_scoped(scope, move || {
                word.set(sockets::ask(&number.to_string())).unwrap();
                own.unpark();
            })
            .unwrap();
        while word.get().is_none() {
            thread::park();
        }
    });
    format!("{number} {}\n", word.get().unwrap())
}

/// What is being unwound may wait, and another one's panic is not ours.
pub(crate) fn panic() -> String {
    struct Waits;
    impl Drop for Waits {
        fn drop(&mut self) {
            thread::sleep(A_WHILE);
        }
    }
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _waits = Waits;
        resume_unwind(Box::new(7));
    }));
    thread::sleep(A_WHILE);
    format!("{} {}\n", caught.is_err(), thread::panicking())
}
