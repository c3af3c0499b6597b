//! The Python half of the server: an extension module, loaded by a Python that the master starts.
//!
//! One file serves every CPython from 3.10 on (the stable ABI), and nothing of ours is installed where
//! the application lives.

pub mod asgi;
mod boundary;
pub mod classes;
mod config;
mod folders;
mod fork;
pub mod gevent;
mod hooks;
mod load;
mod speech;
mod thread;
mod traceback;
mod worker;
pub mod wsgi;
mod zygote;

use pyo3::prelude::*;

/// The module, as Python sees it.
#[pymodule]
mod _oxicorn {
    use super::*;

    /// Takes over the process: becomes the zygote of the master at the other end of this socket, and
    /// ends with it.
    #[pyfunction]
    fn main(py: Python<'_>, socket: i32) {
        super::zygote::run(py, socket)
    }
}
