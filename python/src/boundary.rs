//! Where this crate speaks C to Python: what no safe call exists for. Everything else in here is safe
//! code, and this is kept so small that each block can be checked against the manual.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};

use pyo3::ffi;
use pyo3::prelude::*;

/// How many references to an object there are, the caller's included.
pub(crate) fn references<T>(object: &Bound<'_, T>) -> isize {
    // SAFETY: the object is alive, and the thread is attached as long as it is borrowed.
    unsafe { ffi::Py_REFCNT(object.as_ptr()) }
}

/// A second descriptor of what a Python object has open.
///
/// # Errors
/// Nothing is open under that number, or there are no more descriptors.
pub(crate) fn duplicate(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: it is not -1, it is borrowed for this one call only, and if nothing is open there, or
    // another thread closes it meanwhile, fcntl(2) says so or duplicates what has taken its place.
    unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()
}

/// The interpreter's idea of a native thread, kept as long as this lives. Without it each request would
/// make one and throw it away, and with it everything in `threading.local`.
#[derive(Debug)]
pub(crate) struct ThreadState {
    state: *mut ffi::PyThreadState,
    before: ffi::PyGILState_STATE,
}

impl ThreadState {
    /// For the calling thread; `None`: it has one already, as the main thread does.
    pub(crate) fn keep() -> Option<ThreadState> {
        // SAFETY: the interpreter runs: it has loaded this extension. These may be called from any
        // thread, attached or not.
        unsafe {
            if !ffi::PyGILState_GetThisThreadState().is_null() {
                return None;
            }
            let before = ffi::PyGILState_Ensure();
            Some(ThreadState { state: ffi::PyEval_SaveThread(), before })
        }
    }
}

impl Drop for ThreadState {
    fn drop(&mut self) {
        // SAFETY: it is dropped by the thread that has made it (a raw pointer is not `Send`), which has
        // ended all its own attachments by now. A process never ends its interpreter while it has
        // threads: it leaves by _exit(2).
        unsafe {
            ffi::PyEval_RestoreThread(self.state);
            ffi::PyGILState_Release(self.before);
        }
    }
}
