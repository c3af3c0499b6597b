//! What Python has to say to the error log. A text of several lines is several lines there, so that
//! nothing in it can look like a line of somebody else.

use pyo3::prelude::*;

/// `logging`'s numbers for its levels.
const CRITICAL: u32 = 50;
const ERROR: u32 = 40;
const WARNING: u32 = 30;
const INFO: u32 = 20;

/// Writes `text` at a level of `logging`'s.
#[pyfunction]
pub(crate) fn write(level: u32, text: &str) {
    for line in text.lines() {
        match level {
            CRITICAL.. => tracing::error!(target: "critical", "{line}"),
            ERROR.. => tracing::error!(target: "python", "{line}"),
            WARNING.. => tracing::warn!(target: "python", "{line}"),
            INFO.. => tracing::info!(target: "python", "{line}"),
            _ => tracing::debug!(target: "python", "{line}"),
        }
    }
}
