//! Whether the caller is in a coroutine whose blocking calls are to give way. It is asked by every call
//! of a function that is defined here, of any thread and in any process that is linked with them, also
//! in a signal handler: one thread-local pointer, which is there from the thread's beginning, lies in
//! the coroutine's own area and is set once for that.

use std::cell::Cell;
use std::ptr;

use crate::hub::Hub;

thread_local! {
    static INSIDE: Cell<*const Hub> = const { Cell::new(ptr::null()) };
}

/// From now on the coroutines that run on the present area are looked after by `hub`.
pub(crate) fn enter(hub: &'static Hub) {
    if hub.patched.mode().is_some() {
        INSIDE.set(hub);
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
