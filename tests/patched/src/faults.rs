//! What goes wrong in handlers.

use std::time::Duration;

/// A panic that unwinds over a lock, and waits on its way.
pub(crate) fn panic() -> String {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    static LOCK: parking_lot::Mutex<()> = parking_lot::Mutex::new(());
    let _lock = LOCK.lock();
    let _slow = Slow;
    std::thread::sleep(Duration::from_millis(1));
    std::panic::resume_unwind(Box::new("torn off"))
}

/// Reads memory that is no longer its own, which a checker that looks on has to notice.
#[allow(unsafe_code, reason = "a mistake that is made on purpose")]
pub(crate) fn use_after_free() -> String {
    let word = Box::into_raw(Box::new(7_u64));
    // SAFETY: there is none: this is the mistake.
    let read = unsafe {
        drop(Box::from_raw(word));
        std::thread::sleep(Duration::from_millis(1));
        word.read_volatile()
    };
    format!("{}\n", read == 7)
}
