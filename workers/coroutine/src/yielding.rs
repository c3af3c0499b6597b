//! How handlers of this class wait: what the rest of the program, which knows of no hub, calls.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::Waker;
use std::time::Instant;

use oxicorn_core::wait::{Blocking, Interest, Task, Wait, Whose, Woken};

use crate::hub::Hub;
use crate::patch;
use crate::stack;

/// By giving the thread to another coroutine. Outside a coroutine, by blocking; and so while a panic
/// unwinds, unless the count of panics is the coroutine's own ([`crate::patch`]).
pub(crate) struct Yielding;

fn hub() -> Option<&'static Hub> {
    let hub = Hub::of_this_thread().filter(|_| stack::inside())?;
    let may = !std::thread::panicking() || hub.patched.mode().is_some();
    may.then_some(hub)
}

impl Wait for Yielding {
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        match hub() {
            Some(hub) => hub.wait(fd, what, until),
            None => Blocking.wait(fd, what, until),
        }
    }

    fn sleep(&self, until: Instant) {
        match hub() {
            Some(hub) => hub.sleep(until),
            None => Blocking.sleep(until),
        }
    }

    fn is_over(&self) -> bool {
        hub().is_some_and(|hub| hub.is_over())
    }

    fn waker(&self) -> Waker {
        let note = hub().and_then(|hub| hub.own_note());
        note.map_or_else(|| Blocking.waker(), |note| note.waker())
    }

    fn park(&self, until: Option<Instant>) {
        match hub() {
            Some(hub) => hub.park(until),
            None => Blocking.park(until),
        }
    }

    fn enter(&self, whose: Whose) -> Whose {
        match Hub::of_this_thread().filter(|_| stack::inside()) {
            Some(hub) => patch::enter(hub, whose),
            None => whose,
        }
    }

    fn spawn(&self, task: Task) -> io::Result<()> {
        match hub() {
            Some(hub) => hub.spawn(task),
            None => Blocking.spawn(task),
        }
    }

    fn offload(&self, task: Task) {
        match hub() {
            Some(hub) => hub.offload(task),
            None => task(),
        }
    }
}
