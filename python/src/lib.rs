//! The Python half of the server: an extension module, loaded by a Python that the master starts.
//!
//! One file serves every CPython from 3.10 on (the stable ABI), and nothing of ours is installed where
//! the application lives.

mod boundary;
pub mod classes;
pub mod gevent;
mod thread;
pub mod wsgi;

use pyo3::prelude::*;

/// The module, as Python sees it.
#[pymodule]
mod _oxicorn {
    use super::*;

    /// Takes over the process: becomes the zygote.
    #[pyfunction]
    fn main(argv: Vec<String>) -> i32 {
        argv.len() as i32
    }
}
