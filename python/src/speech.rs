//! What Python says without being asked: warnings, and exceptions that nobody has caught. By default it
//! goes to standard error as it is, where in a file of several processes nobody can tell whose it was.
//! `logging` is left alone: what an application says goes where the application wants it.

use std::ffi::CStr;

use oxicorn_arbiter::zygote::child;
use oxicorn_core::config::Config;
use pyo3::prelude::*;
use pyo3::types::PyModule;

use crate::hooks;

const CODE: &CStr = {
    match CStr::from_bytes_with_nul(concat!(include_str!("speech.py"), "\0").as_bytes()) {
        Ok(code) => code,
        Err(_) => c"",
    }
};

/// Where the module is found again.
const NAME: &CStr = c"_oxicorn_speech";

/// Has it all go to the error log.
///
/// # Errors
/// Python is out of memory.
pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let module = PyModule::from_code(py, CODE, c"<oxicorn>", NAME)?;
    let write = wrap_pyfunction!(hooks::write, &module)?;
    module.getattr("install")?.call1((write,)).map(drop)
}

/// In a worker, whose standard streams are its own by now.
///
/// # Errors
/// Python is out of memory, or sigaction(2) says no.
pub(crate) fn settle(py: Python<'_>, config: &Config) -> PyResult<()> {
    let module = PyModule::from_code(py, CODE, c"<oxicorn>", NAME)?;
    module.getattr("in_worker")?.call1((config.capture_output,))?;
    Ok(child::answer_before_abort()?)
}
