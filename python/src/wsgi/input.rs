//! `wsgi.input`: the body of a request as Python reads a file. Most bodies are there before the handler
//! starts; a large one is still coming, and reading waits for it. A body that breaks off is an exception,
//! never an end: half an upload must not look like a whole one.

use std::io;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use oxicorn_core::Body;
use oxicorn_core::body::Form;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use super::Waiting;

/// What is still to come behind the bytes that are there.
enum Rest {
    Nothing,
    Coming(Box<Body>),
    /// Somebody waits for it at this moment.
    Lent,
    /// It broke off, and why.
    Broken(io::ErrorKind, String),
}

struct Source {
    here: Bytes,
    rest: Rest,
}

/// See the module.
#[pyclass(frozen, name = "input", module = "oxicorn")]
pub(super) struct Input {
    source: Mutex<Source>,
    waiting: Waiting,
}

/// How much is wanted of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// So many bytes, or fewer at the end.
    Bytes(usize),
    /// Up to the next line feed, and this many at most.
    Line(usize),
}

/// Pieces that belong together.
#[derive(Default)]
struct Gathered {
    pieces: Vec<Bytes>,
    length: usize,
}

impl Gathered {
    /// Takes what is wanted off the front of `from`. `Enough`: nothing more is wanted.
    fn take(&mut self, from: &mut Bytes, wanted: Wanted) -> Enough {
        let (most, end) = match wanted {
            Wanted::Bytes(most) => (most, None),
            Wanted::Line(most) => (most, from.iter().position(|&byte| byte == b'\n')),
        };
        let left = most - self.length;
        let count = end.map_or(from.len(), |end| end + 1).min(left);
        if count > 0 {
            self.pieces.push(from.split_to(count));
            self.length += count;
        }
        match self.length == most || end.is_some() {
            true => Enough::Yes,
            false => Enough::NotYet,
        }
    }

    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
        match self.pieces.as_slice() {
            [] => Ok(PyBytes::new(py, b"")),
            [one] => Ok(PyBytes::new(py, one)),
            pieces => PyBytes::new_with(py, self.length, |mut room| {
                for piece in pieces {
                    let (here, behind) = mem::take(&mut room).split_at_mut(piece.len());
                    here.copy_from_slice(piece);
                    room = behind;
                }
                Ok(())
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enough {
    Yes,
    NotYet,
}

impl Input {
    /// Of a body of any kind.
    pub(super) fn new(body: Body, waiting: Waiting) -> Input {
        let source = match body.form() {
            Form::Whole(_) => match body.bytes() {
                Ok(here) => Source { here, rest: Rest::Nothing },
                Err(error) => broken(&error),
            },
            _ => Source { here: Bytes::new(), rest: Rest::Coming(Box::new(body)) },
        };
        Input { source: Mutex::new(source), waiting }
    }

    /// Nothing of Python runs while this is held.
    fn lock(&self) -> MutexGuard<'_, Source> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the body has broken off, and somebody has been told so.
    pub(super) fn is_broken(&self) -> Broken {
        match self.lock().rest {
            Rest::Broken(..) => Broken::Yes,
            _ => Broken::No,
        }
    }

    fn take<'py>(&self, py: Python<'py>, wanted: Wanted) -> PyResult<Bound<'py, PyBytes>> {
        let mut gathered = Gathered::default();
        loop {
            let mut body = {
                let mut source = self.lock();
                if gathered.take(&mut source.here, wanted) == Enough::Yes {
                    break;
                }
                match mem::replace(&mut source.rest, Rest::Lent) {
                    Rest::Coming(body) => body,
                    other => {
                        let error = told(&other);
                        source.rest = other;
                        drop(source);
                        match error {
                            None => break,
                            Some(error) => return Err(error),
                        }
                    }
                }
            };
            let piece = self.wait_for(py, &mut body);
            let mut source = self.lock();
            match piece {
                Ok(Some(piece)) => (source.here, source.rest) = (piece, Rest::Coming(body)),
                Ok(None) => source.rest = Rest::Nothing,
                // Not the body has failed but the wait: somebody has thrown an exception into it.
                Err(error) if error.get_ref().is_some_and(|inner| inner.is::<PyErr>()) => {
                    source.rest = Rest::Coming(body);
                    return Err(error.into());
                }
                Err(error) => source.rest = Rest::Broken(error.kind(), error.to_string()),
            }
        }
        gathered.into_python(py)
    }

    fn wait_for(&self, py: Python<'_>, body: &mut Body) -> io::Result<Option<Bytes>> {
        match self.waiting {
            Waiting::Detached => py.detach(|| body.next_chunk()),
            Waiting::Attached => body.next_chunk(),
        }
    }
}

/// Why there is nothing more to read, if that is an error.
fn told(rest: &Rest) -> Option<PyErr> {
    match rest {
        Rest::Nothing | Rest::Coming(_) => None,
        Rest::Lent => Some(PyRuntimeError::new_err("somebody else is reading wsgi.input")),
        Rest::Broken(kind, why) => {
            let kind = match kind {
                io::ErrorKind::TimedOut => io::ErrorKind::TimedOut,
                _ => io::ErrorKind::ConnectionReset,
            };
            Some(io::Error::new(kind, format!("the request's body broke off: {why}")).into())
        }
    }
}

fn broken(error: &io::Error) -> Source {
    Source { here: Bytes::new(), rest: Rest::Broken(error.kind(), error.to_string()) }
}

/// See [`Input::is_broken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Yes,
    No,
}

/// A size as Python's files take it: none, or a negative one, means all.
fn at_most(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX)
}

#[pymethods]
impl Input {
    #[pyo3(signature = (size = None, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, Wanted::Bytes(at_most(size)))
    }

    #[pyo3(signature = (size = None, /))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        self.take(py, Wanted::Line(at_most(size)))
    }

    /// With a hint, lines until they are at least so many bytes together.
    #[pyo3(signature = (hint = None, /))]
    fn readlines<'py>(&self, py: Python<'py>, hint: Option<isize>) -> PyResult<Bound<'py, PyList>> {
        let enough = hint.and_then(|hint| usize::try_from(hint).ok()).filter(|&hint| hint > 0);
        let lines = PyList::empty(py);
        let mut length = 0;
        while enough.is_none_or(|enough| length < enough) {
            let Some(line) = self.__next__(py)? else { break };
            length += line.as_bytes().len();
            lines.append(line)?;
        }
        Ok(lines)
    }

    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.take(py, Wanted::Line(usize::MAX))?;
        Ok(Some(line).filter(|line| !line.as_bytes().is_empty()))
    }
}
