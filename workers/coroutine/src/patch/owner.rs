//! Who holds a lock of the C library. It writes the thread's number into a lock that may be taken twice,
//! or that checks who gives it back, and into a lock that somebody writes under; so to it all coroutines
//! of a worker would be one holder, and the second one would be let in beside the first. Each has a
//! number of its own instead (no thread has one as high), which is the area's while such a call is made
//! and at no other time: other functions give the thread's number to the kernel.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// The kernel has no more processes (PID_MAX_LIMIT, proc(5)), nor threads.
const FIRST: c_int = 1 << 22;

static NEXT: AtomicI32 = AtomicI32::new(FIRST);

thread_local! {
    /// Where the C library keeps the number, and this area's own.
    static OWN: Cell<(*mut c_int, c_int)> = const { Cell::new((ptr::null_mut(), 0)) };
}

/// To be called on a new area: the number is kept at `place`.
pub(super) fn number(place: *mut c_int) {
    // Areas are made one at a time and are kept: there are not so many.
    OWN.set((place, NEXT.fetch_add(1, Ordering::Relaxed)));
}

struct Back(*mut c_int, c_int);

impl Drop for Back {
    fn drop(&mut self) {
        // SAFETY: as below.
        unsafe { self.0.write_volatile(self.1) };
    }
}

/// Makes a call that looks who the caller is. It must not give way to another coroutine.
#[inline(always)]
pub(super) fn as_itself<T>(code: impl FnOnce() -> T) -> T {
    let (place, own) = OWN.get();
    if place.is_null() {
        return code();
    }
    // SAFETY: the place lies in the control block of the area that is the caller's, whose thread-local
    // has named it, and nobody else writes there.
    let _back = unsafe {
        let back = Back(place, place.read_volatile());
        place.write_volatile(own);
        back
    };
    code()
}

#[cfg(test)]
mod tests {
    use super::super::area::Area;
    use super::*;

    fn known(place: *mut c_int) -> c_int {
        // SAFETY: of this thread's area.
        unsafe { place.read_volatile() }
    }

    #[test]
    fn an_area_has_a_number_of_its_own_for_the_length_of_a_call() {
        assert!(OWN.get().0.is_null(), "a thread has the kernel's");
        let numbers = [Area::new().unwrap(), Area::new().unwrap()].map(|area| {
            area.with(|| {
                let (place, own) = OWN.get();
                let thread = nix::unistd::gettid().as_raw();
                assert_eq!(known(place), thread);
                assert_eq!(as_itself(|| known(place)), own);
                assert_eq!(known(place), thread);
                own
            })
        });
        assert!(numbers[0] >= FIRST && numbers[0] != numbers[1]);
    }
}
