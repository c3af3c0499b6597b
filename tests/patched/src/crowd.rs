//! Waits that end when so many handlers are in them at once: where they are on one thread, one that
//! blocked it would wait for ever.

use std::cell::Cell;
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex};
use std::time::Duration;

use tokio::runtime::Builder;

use crate::many;

static BARRIER: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(many()));
static ARRIVED: Mutex<usize> = Mutex::new(0);
static ALL: Condvar = Condvar::new();
static NOTIFY: LazyLock<Arc<tokio::sync::Barrier>> =
    LazyLock::new(|| Arc::new(tokio::sync::Barrier::new(many())));

static COUNT: parking_lot::Mutex<usize> = parking_lot::Mutex::new(0);
static CHANGED: parking_lot::Condvar = parking_lot::Condvar::new();

thread_local! {
    static OWN: Cell<usize> = const { Cell::new(0) };
}

pub(crate) fn barrier() -> String {
    BARRIER.wait();
    "all\n".to_owned()
}

pub(crate) fn condvar() -> String {
    let mut arrived = ARRIVED.lock().unwrap();
    *arrived += 1;
    ALL.notify_all();
    while *arrived < many() {
        // Half of them look again by themselves: a wait with an end.
        arrived = match *arrived % 2 {
            0 => ALL.wait(arrived).unwrap(),
            _ => ALL.wait_timeout(arrived, Duration::from_millis(5)).unwrap().0,
        };
    }
    "all\n".to_owned()
}

pub(crate) fn parking_lot() -> String {
    let mut count = COUNT.lock();
    *count += 1;
    CHANGED.notify_all();
    while *count < many() {
        CHANGED.wait(&mut count);
        parking_lot::MutexGuard::unlocked_fair(&mut count, || {});
    }
    "all\n".to_owned()
}

/// Each has a runtime of its own, and all of them meet in one place.
pub(crate) fn block_on() -> String {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        NOTIFY.wait().await;
    });
    "all\n".to_owned()
}

/// Whether what a handler puts into a thread-local is there after a wait.
pub(crate) fn thread_local() -> String {
    static NEXT: Mutex<usize> = Mutex::new(0);
    let mut next = NEXT.lock().unwrap();
    *next += 1;
    let own = *next;
    drop(next);
    OWN.set(own);
    BARRIER.wait();
    match OWN.get() == own {
        true => "all\n".to_owned(),
        false => "somebody else's\n".to_owned(),
    }
}
