//! Header names as keys of an `environ`. `Accept-Language` becomes `HTTP_ACCEPT_LANGUAGE` millions of
//! times, so each name is translated once and its key kept: as one and the same object, whose hash
//! Python has computed already.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use http::HeaderName;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// Names beyond this are translated each time: a client can think of any number.
const MOST: usize = 512;

/// Short keys, few entries, and whoever collides gains nothing: FNV-1a.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0100_0000_01b3);
    }
}

/// The keys of one thread.
#[derive(Default)]
pub(super) struct Names(HashMap<HeaderName, Py<PyString>, BuildHasherDefault<Fnv>>);

impl Names {
    /// `HTTP_` and the name.
    pub(super) fn key<'py>(&mut self, py: Python<'py>, name: &HeaderName) -> Bound<'py, PyString> {
        if let Some(key) = self.0.get(name) {
            return key.bind(py).clone();
        }
        let key = PyString::intern(py, &translated(name));
        if self.0.len() < MOST {
            self.0.insert(name.clone(), key.clone().unbind());
        }
        key
    }
}

fn translated(name: &HeaderName) -> String {
    let upper = |byte: u8| match byte {
        b'-' => '_',
        byte => char::from(byte.to_ascii_uppercase()),
    };
    "HTTP_".chars().chain(name.as_str().bytes().map(upper)).collect()
}
