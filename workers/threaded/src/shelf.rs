//! Events that a thread has taken from the set for others too. Nobody owns them: whichever thread is free
//! begins the next one, so none waits for the thread that took it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use oxicorn_core::sys::EpollEvent;

#[derive(Debug, Default)]
pub(crate) struct Shelf {
    events: Mutex<VecDeque<EpollEvent>>,
    /// How many there are, for those who only pass by.
    count: AtomicUsize,
}

impl Shelf {
    fn events(&self) -> MutexGuard<'_, VecDeque<EpollEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn put(&self, more: &[EpollEvent]) {
        if !more.is_empty() {
            let mut events = self.events();
            events.extend(more);
            self.count.store(events.len(), Ordering::SeqCst);
        }
    }

    /// The oldest one.
    pub(crate) fn take(&self) -> Option<EpollEvent> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut events = self.events();
        let event = events.pop_front();
        self.count.store(events.len(), Ordering::SeqCst);
        event
    }
}
