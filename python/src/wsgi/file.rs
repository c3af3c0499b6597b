//! `wsgi.file_wrapper`: an application hands over something that it has open for reading, and the server
//! sends it in the best way it knows. A regular file goes from the kernel's cache to the socket; whatever
//! else can be read is read.

use std::fs::File;
use std::os::unix::fs::FileExt;

use http::{HeaderMap, header};
use oxicorn_core::Body;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;

use crate::boundary;

/// See the module.
#[pyclass(frozen, name = "file_wrapper", module = "oxicorn")]
pub(super) struct FileWrapper {
    #[pyo3(get)]
    filelike: Py<PyAny>,
    #[pyo3(get)]
    blksize: isize,
}

#[pymethods]
impl FileWrapper {
    #[new]
    #[pyo3(signature = (filelike, blksize = 8192))]
    fn new(filelike: Py<PyAny>, blksize: isize) -> FileWrapper {
        FileWrapper { filelike, blksize }
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let block = self.filelike.bind(py).call_method1("read", (self.blksize,))?;
        Ok(Some(block).filter(|block| block.is_truthy().unwrap_or(true)))
    }

    /// Closes what was handed over, if it can be closed.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.filelike.bind(py).call_method0("close") {
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => Ok(()),
            closed => closed.map(drop),
        }
    }
}

impl FileWrapper {
    /// The rest of a regular file, from where it stands, as a body; `None`: it has to be read.
    pub(super) fn body(&self, py: Python<'_>, headers: &HeaderMap) -> Option<Body> {
        let filelike = self.filelike.bind(py);
        let number = filelike.call_method0("fileno").ok()?.extract().ok()?;
        let at: u64 = filelike.call_method0("tell").ok()?.extract().ok()?;
        let file = File::from(boundary::duplicate(number).ok()?);
        let about = file.metadata().ok()?;
        // What a program makes up while it is read has no size: files of /proc are of that kind.
        if !about.is_file() || about.len() <= at || file.read_at(&mut [0], at).ok()? == 0 {
            return None;
        }
        let left = about.len() - at;
        let length = announced(headers).map_or(left, |length| length.min(left));
        Some(Body::file(file, at..at + length))
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
