//! With `reload` the master watches the folders that the application was imported from. Only Python knows
//! them, and it tells them whatever has become of the import: a broken edit is to be mended in the same
//! files.

use std::ffi::CStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use oxicorn_arbiter::zygote::{Answer, post};
use pyo3::prelude::*;
use pyo3::types::PyModule;

const CODE: &CStr = {
    match CStr::from_bytes_with_nul(concat!(include_str!("folders.py"), "\0").as_bytes()) {
        Ok(code) => code,
        Err(_) => c"",
    }
};

/// As many as fit into a message, each as long as paths can be expected to be.
const AT_ONCE: usize = 256;

/// Tells the master of them.
pub(crate) fn tell(py: Python<'_>, socket: &OwnedFd) {
    let found = PyModule::from_code(py, CODE, c"<oxicorn>", c"_oxicorn_folders")
        .and_then(|module| module.getattr("folders")?.call0()?.extract::<Vec<PathBuf>>());
    match found {
        Ok(found) => found.chunks(AT_ONCE).for_each(|some| {
            // The only error is that the master has gone.
            let _ = post::send(socket.as_fd(), &Answer::Folders(some.to_vec()), &[]);
        }),
        Err(error) => tracing::warn!("nobody knows which files to watch: {error}"),
    }
}
