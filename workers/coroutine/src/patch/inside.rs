//! Whether the caller is a handler, in a coroutine, whose blocking calls are to give way. It is asked by
//! every call of a function that is defined here, of any thread and in any process that is linked with
//! them, also in a signal handler: one thread-local pointer, which is there from the thread's beginning
//! and lies in the coroutine's own area.
//!
//! The server's own code in a coroutine, before the handler and behind it, gets the C library's
//! functions: what it has borrowed meanwhile, the hub needs.

use std::cell::Cell;
use std::ptr;

use oxicorn_core::wait::Whose;

use crate::hub::Hub;

thread_local! {
    static INSIDE: Cell<*const Hub> = const { Cell::new(ptr::null()) };
}

/// From now on this coroutine runs this one's code; gives whose it was.
pub(crate) fn enter(hub: &'static Hub, whose: Whose) -> Whose {
    let now = match whose {
        Whose::Application if hub.patched.mode().is_some() => ptr::from_ref(hub),
        Whose::Application | Whose::Server => ptr::null(),
    };
    match INSIDE.replace(now).is_null() {
        true => Whose::Server,
        false => Whose::Application,
    }
}

/// The hub; `None`: the caller is to get the C library's own function.
#[inline(always)]
pub(super) fn inside() -> Option<&'static Hub> {
    let hub = INSIDE.get();
    // SAFETY: null, or set from a reference that is valid for ever; and only on the hub's thread.
    unsafe { hub.as_ref() }
}

struct Back(*const Hub);

impl Drop for Back {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

/// Runs `code` with the C library's own functions: what must not be interrupted by another coroutine.
pub(crate) fn plainly<T>(code: impl FnOnce() -> T) -> T {
    let _back = Back(INSIDE.replace(ptr::null()));
    code()
}
