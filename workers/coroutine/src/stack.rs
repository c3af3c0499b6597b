//! Coroutines with stacks of their own, and the only unsafe code of this class: finding, from deep
//! inside a handler, the coroutine that it runs on; and saying what has happened when a handler
//! overflows its stack.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use corosensei::stack::{DefaultStack, Stack};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::patch::Area;

/// Address space for one stack; only the pages that are touched cost memory.
pub(crate) const STACK_SIZE: usize = 256 * 1024;
/// The reach of a write below the stack that is still taken for an overflow of it.
const GUARD: usize = 64 * 1024;

thread_local! {
    static YIELDER: Cell<*const Yielder<(), ()>> = const { Cell::new(std::ptr::null()) };
}

/// The lower end of the stack that runs now, for the fault handler; 0: the thread's own.
static STACK_END: AtomicUsize = AtomicUsize::new(0);

/// How a resumed coroutine came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Back {
    Suspended,
    Finished,
}

/// What a coroutine runs on: a stack and, where handlers' own waits yield ([`crate::patch`]), a thread
/// area.
pub(crate) struct Ground {
    pub(crate) stack: DefaultStack,
    pub(crate) area: Option<Area>,
}

/// A coroutine.
pub(crate) struct Fiber {
    coroutine: Coroutine<(), (), (), DefaultStack>,
    stack_end: usize,
    area: Option<Area>,
}

/// Makes a stack.
pub(crate) fn new_stack() -> io::Result<DefaultStack> {
    DefaultStack::new(STACK_SIZE)
}

impl Fiber {
    /// A coroutine that will run `body` on `ground`. A panic of `body` is the resumer's.
    pub(crate) fn new(ground: Ground, body: impl FnOnce() + 'static) -> Fiber {
        let Ground { stack, area } = ground;
        let stack_end = stack.limit().get();
        let coroutine = Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            YIELDER.set(yielder);
            body();
        });
        Fiber { coroutine, stack_end, area }
    }

    /// Runs it until it suspends or finishes.
    pub(crate) fn resume(&mut self) -> Back {
        STACK_END.store(self.stack_end, Ordering::Relaxed);
        let result = match &self.area {
            None => self.coroutine.resume(()),
            // A panic is counted in a thread-local, and must leave its area as it came.
            Some(area) => {
                let resume = AssertUnwindSafe(|| self.coroutine.resume(()));
                area.with(|| catch_unwind(resume)).unwrap_or_else(|panic| resume_unwind(panic))
            }
        };
        STACK_END.store(0, Ordering::Relaxed);
        YIELDER.set(std::ptr::null());
        match result {
            CoroutineResult::Yield(()) => Back::Suspended,
            CoroutineResult::Return(()) => Back::Finished,
        }
    }

    /// What a finished coroutine has run on, to be used again.
    pub(crate) fn into_ground(self) -> Ground {
        Ground { stack: self.coroutine.into_stack(), area: self.area }
    }
}

/// Whether the caller runs on a coroutine.
pub(crate) fn inside() -> bool {
    !YIELDER.get().is_null()
}

/// Goes back to whoever has resumed this coroutine, until it is resumed again. Does nothing outside
/// a coroutine.
pub(crate) fn suspend() {
    let yielder = YIELDER.get();
    if yielder.is_null() {
        return;
    }
    // SAFETY: the pointer was set when this coroutine began to run, or below when it was resumed,
    // and is cleared whenever control goes back to the resumer: not null, it is the yielder of the
    // coroutine that is running now, which lives on that coroutine's own stack.
    unsafe { (*yielder).suspend(()) };
    YIELDER.set(yielder);
}

/// Makes an overflow of a coroutine's stack say so before it ends the process. The process must end:
/// the handler's locks and destructors are stuck on that stack.
pub(crate) fn report_overflows() {
    // SAFETY: sigaction with a zeroed, then filled structure; the handler touches an atomic and makes
    // async-signal-safe calls only. It runs on the alternate stack that std gives the main thread.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut());
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    const MESSAGE: &[u8] =
        b"A handler has overflowed its coroutine's stack of 256 KiB: this worker \
                             ends and is replaced\n";
    let end = STACK_END.load(Ordering::Relaxed);
    // SAFETY: the kernel passes a valid siginfo_t for SIGSEGV and SIGBUS.
    let address = unsafe { (*info).si_addr() } as usize;
    if end != 0 && (end.saturating_sub(GUARD)..end + GUARD / 16).contains(&address) {
        // SAFETY: write(2) is async-signal-safe; the message is static.
        unsafe { libc::write(2, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
    }
    // SAFETY: sigaction is async-signal-safe. With the default action back in place the fault happens
    // again on return and ends the process.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &action, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    fn bare() -> Ground {
        Ground { stack: new_stack().unwrap(), area: None }
    }

    fn with_area() -> Ground {
        Ground { area: Area::new(), ..bare() }
    }

    #[test]
    fn a_panic_is_the_resumers() {
        for ground in [bare(), with_area()] {
            let mut fiber = Fiber::new(ground, || {
                suspend();
                resume_unwind(Box::new(7))
            });
            assert_eq!(fiber.resume(), Back::Suspended);
            let caught = catch_unwind(AssertUnwindSafe(|| fiber.resume()));
            assert_eq!(*caught.unwrap_err().downcast::<i32>().unwrap(), 7);
            assert!(!std::thread::panicking());
        }
    }

    #[test]
    fn coroutines_interleave_and_their_stacks_are_used_again() {
        let trace = Rc::new(RefCell::new(Vec::new()));
        let fiber = |name: &'static str, ground| {
            let trace = trace.clone();
            Fiber::new(ground, move || {
                for n in 0..2 {
                    trace.borrow_mut().push((name, n));
                    assert!(inside());
                    suspend();
                }
            })
        };
        let mut a = fiber("a", bare());
        let mut b = fiber("b", with_area());
        for _ in 0..2 {
            assert_eq!(a.resume(), Back::Suspended);
            assert!(!inside());
            assert_eq!(b.resume(), Back::Suspended);
        }
        assert_eq!(a.resume(), Back::Finished);
        assert_eq!(*trace.borrow(), [("a", 0), ("b", 0), ("a", 1), ("b", 1)]);
        let mut c = fiber("c", a.into_ground());
        assert_eq!(c.resume(), Back::Suspended);
    }

    #[test]
    fn suspending_outside_does_nothing() {
        assert!(!inside());
        suspend();
    }

    fn deeper(depth: u64) -> u64 {
        let frame = std::hint::black_box([depth; 64]);
        if depth == 0 { 0 } else { deeper(depth - 1) + frame[1] }
    }

    /// Runs itself once more as a process of its own, which dies.
    #[test]
    fn an_overflow_says_so_and_ends_the_process() {
        use std::os::unix::process::ExitStatusExt;

        const ROLE: &str = "OVERFLOWING";
        if std::env::var_os(ROLE).is_some() {
            report_overflows();
            Fiber::new(bare(), || {
                std::hint::black_box(deeper(1_000_000));
            })
            .resume();
            return;
        }
        let test = "stack::tests::an_overflow_says_so_and_ends_the_process";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(ROLE, "1")
            .output()
            .unwrap();
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("overflowed its coroutine's stack"), "{said}");
    }
}
