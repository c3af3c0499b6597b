//! Waiting for somebody else's word, on a thread of one's own: what std calls parking, behind the
//! standard library's [`Waker`], which every class can make in its own way.

use std::cell::OnceCell;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{Thread, current, park, park_timeout};
use std::time::Instant;

struct Parked(Thread);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static OWN: OnceCell<Waker> = const { OnceCell::new() };
}

/// Who ends a [`park_thread`] of the calling thread.
pub(super) fn thread_waker() -> Waker {
    let make = || Waker::from(Arc::new(Parked(current())));
    // Destructors of thread-locals may wait, too.
    OWN.try_with(|own| own.get_or_init(make).clone()).unwrap_or_else(|_| make())
}

/// Until somebody wakes the thread, or has done so before; until `until` at most, and perhaps for no
/// time at all.
pub(super) fn park_thread(until: Option<Instant>) {
    match until {
        None => park(),
        Some(until) => park_timeout(until.saturating_duration_since(Instant::now())),
    }
}
