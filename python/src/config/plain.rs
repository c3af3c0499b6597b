//! A Python value as a configuration file has it. A file that is executed and one that is read come to
//! the same kind of values, and from there on nothing asks which it was.

use oxicorn_core::config::file::Plain;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple};

/// Deeper than any setting: a list that contains itself ends there.
const DEPTH: u8 = 4;

/// What `value` is for a setting.
pub(super) fn plain(value: &Bound<'_, PyAny>) -> Plain {
    within(value, DEPTH).unwrap_or_else(|_| other(value))
}

fn within(value: &Bound<'_, PyAny>, depth: u8) -> PyResult<Plain> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(PyTypeError::new_err("too deep"));
    };
    let text = |value: &Bound<'_, PyAny>| Ok(Plain::Scalar(value.str()?.extract()?));
    if value.is_none() {
        Ok(Plain::Nothing)
    } else if let Ok(truth) = value.cast::<PyBool>() {
        Ok(Plain::Scalar(truth.is_true().to_string()))
    } else if value.is_instance_of::<PyInt>() {
        // Of a subclass (an enum) its number, not its name.
        text(value.call_method0("__int__")?.as_any())
    } else if value.is_instance_of::<PyFloat>() || value.is_instance_of::<PyString>() {
        text(value)
    } else if let Ok(pairs) = value.cast::<PyDict>() {
        let pairs = pairs.iter().map(|(name, value)| Ok((name.extract()?, within(&value, depth)?)));
        pairs.collect::<PyResult<_>>().map(Plain::Pairs)
    } else if is_list(value) {
        let items = value.try_iter()?.map(|item| within(&item?, depth));
        items.collect::<PyResult<_>>().map(Plain::List)
    } else if value.hasattr("__fspath__")? {
        text(value.call_method0("__fspath__")?.as_any())
    } else {
        Ok(other(value))
    }
}

fn is_list(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>()
}

/// What no setting is made of: its type's name.
fn other(value: &Bound<'_, PyAny>) -> Plain {
    let name = value.get_type().name().and_then(|name| name.extract());
    Plain::Other(name.unwrap_or_else(|_| "value".to_owned()))
}
