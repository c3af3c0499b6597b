//! Native threads that run Python. To the interpreter they are strangers: it makes a state for each
//! when it comes in and forgets it when it leaves. A thread of a pool comes back thousands of times a
//! second, and its application may keep a connection to a database in `threading.local`.

use std::cell::OnceCell;

use pyo3::prelude::*;

use crate::boundary::ThreadState;

thread_local! {
    static STATE: OnceCell<Option<ThreadState>> = const { OnceCell::new() };
}

/// Makes the calling thread one of Python's until it ends, by the name that it has.
pub(crate) fn begin() {
    let is_new = STATE.with(|state| state.get_or_init(ThreadState::keep).is_some());
    let name = std::thread::current().name().map(str::to_owned);
    if let (true, Some(name)) = (is_new, name) {
        let named = Python::try_attach(|py| rename(py, &name));
        if let Some(Err(error)) = named {
            tracing::warn!("A thread has no name in Python: {error}");
        }
    }
}

fn rename(py: Python<'_>, name: &str) -> PyResult<()> {
    let thread = py.import("threading")?.call_method0("current_thread")?;
    thread.setattr("name", name)
}
