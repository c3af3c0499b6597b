//! Python's traceback in the error log: each of its lines is a line of the log, so that nothing that an
//! exception says can look like a line of somebody else.

use std::fmt::Display;

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

/// An exception has ended `what`: a line that says so, which counts as a failure of the application's,
/// and the traceback.
pub(crate) fn report(py: Python<'_>, what: &dyn Display, error: &PyErr) {
    tracing::error!(target: "exception", "{what}: {}", summary(py, error));
    write(py, error);
}

/// The exception in one line, as Python ends its tracebacks.
pub(crate) fn summary(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    let text = error.value(py).str().map(|text| text.to_string_lossy().into_owned());
    match text.unwrap_or_default().lines().next() {
        Some(line) if !line.is_empty() => format!("{name}: {line}"),
        _ => name,
    }
}

fn format(py: Python<'_>, error: &PyErr) -> PyResult<Vec<String>> {
    let arguments = (error.get_type(py), error.value(py), error.traceback(py));
    py.import("traceback")?.call_method1("format_exception", arguments)?.extract()
}
