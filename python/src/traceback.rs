//! Python's traceback in the error log: each of its lines is a line of the log, so that nothing that an
//! exception says can look like a line of somebody else.

use pyo3::prelude::*;

/// Writes that of `error`, with its causes.
pub(crate) fn write(py: Python<'_>, error: &PyErr) {
    lines(py, error).iter().for_each(|line| tracing::error!(target: "traceback", "{line}"));
}

/// Line by line, with its causes.
pub(crate) fn lines(py: Python<'_>, error: &PyErr) -> Vec<String> {
    let formatted = format(py, error).unwrap_or_else(|_| vec![error.to_string()]);
    formatted.concat().lines().map(str::to_owned).collect()
}

fn format(py: Python<'_>, error: &PyErr) -> PyResult<Vec<String>> {
    let arguments = (error.get_type(py), error.value(py), error.traceback(py));
    py.import("traceback")?.call_method1("format_exception", arguments)?.extract()
}
