//! Changing the environment. Whoever reads it in another thread at that moment reads freed memory
//! (setenv(3)), so it is done in one place, and only in a process that has one thread.
#![allow(unsafe_code)]

use std::ffi::{OsStr, OsString};
use std::io;
use std::sync::{Mutex, PoisonError};

/// What the environment was before [`set_environment`] changed it.
static FORMER: Mutex<Vec<(OsString, Option<OsString>)>> = Mutex::new(Vec::new());

/// Gives the environment of this process these variables, in place of those of an earlier call: what
/// it was before the first call shows again where this call says nothing. A value of None takes a
/// variable away. Names are not empty and have no `=`, names and values have no zero byte.
///
/// To be called while the process has one thread: in the master at its start, and in a worker before
/// it starts any.
///
/// # Errors
/// The process has more than one thread.
pub fn set_environment(variables: &[(OsString, Option<OsString>)]) -> io::Result<()> {
    if !is_single_threaded() {
        return Err(io::Error::other("the environment cannot change beside a second thread"));
    }
    let mut former = FORMER.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in former.drain(..).rev() {
        set_variable(&name, value.as_deref());
    }
    for (name, value) in variables {
        former.push((name.clone(), std::env::var_os(name)));
        set_variable(name, value.as_deref());
    }
    Ok(())
}

fn is_single_threaded() -> bool {
    // Without /proc nobody has looked; then the callers' promise has to do.
    std::fs::read_dir("/proc/self/task").map_or(true, |tasks| tasks.count() == 1)
}

#[expect(clippy::disallowed_methods, reason = "this is the one place, and there is one thread")]
fn set_variable(name: &OsStr, value: Option<&OsStr>) {
    match value {
        // SAFETY: no other thread exists, as the only caller has seen to, that could read the
        // environment meanwhile.
        Some(value) => unsafe { std::env::set_var(name, value) },
        // SAFETY: as above.
        None => unsafe { std::env::remove_var(name) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_thread_keeps_it_as_it_is() {
        let (stop, parked) = std::sync::mpsc::channel::<()>();
        let other = std::thread::Builder::new().spawn(move || parked.recv()).unwrap();
        let variable = (OsString::from("NOT_SET_HERE"), Some(OsString::from("x")));
        set_environment(&[variable]).unwrap_err();
        assert_eq!(std::env::var_os("NOT_SET_HERE"), None);
        drop(stop);
        let _ = other.join();
    }
}
