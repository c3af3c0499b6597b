//! What the error log says of a Python exception: its line first, with the request, then Python's own
//! traceback, each line of it a line of the log, for no message may contain line breaks.

use std::fmt::Display;

use pyo3::prelude::*;

/// An exception has ended `what`.
pub(crate) fn log(py: Python<'_>, what: &dyn Display, error: &PyErr) {
    tracing::error!(target: "exception", "{what}: {}", summary(py, error));
    for line in lines(py, error) {
        tracing::error!("{line}");
    }
}

/// The exception in one line, as Python ends its tracebacks.
pub(crate) fn summary(py: Python<'_>, error: &PyErr) -> String {
    let value = error.value(py);
    let name = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
    match value.str().map(|text| text.to_string()) {
        Ok(text) if !text.is_empty() => format!("{name}: {text}"),
        _ => name,
    }
}

fn lines(py: Python<'_>, error: &PyErr) -> Vec<String> {
    let text = || -> PyResult<String> {
        let formatted = py.import("traceback")?.call_method1(
            "format_exception",
            (error.get_type(py), error.value(py), error.traceback(py)),
        )?;
        let parts: Vec<String> = formatted.extract()?;
        Ok(parts.concat())
    };
    // Whose traceback cannot be shown has been named all the same.
    text().map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}
