//! What becomes of a request whose application has failed: a line that names it, and Python's traceback
//! behind, each of its lines a line of the error log, since nothing that a client can have put into an
//! exception is to look like another line.

use std::fmt;

use bytes::Bytes;
use http::{Method, StatusCode};
use oxicorn_core::app::IntoResponse;
use oxicorn_core::serve::Early;
use oxicorn_core::{Body, Response, wait};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::input::Broken;
use super::rules::Rule;

/// Why there is no answer.
pub(super) enum Failure {
    /// The application has raised an exception.
    Raised(PyErr),
    /// It has broken a rule, and nothing of it is running that could be told.
    Broken(Rule),
    /// The request is not for the part of the site that the application is said to serve.
    NotMounted {
        /// `SCRIPT_NAME`.
        mount: String,
    },
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Failure {
        Failure::Raised(error)
    }
}

impl From<Rule> for Failure {
    fn from(rule: Rule) -> Failure {
        Failure::Broken(rule)
    }
}

/// What a request is called in the log.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) target: Bytes,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target.escape_ascii())
    }
}

impl Failure {
    /// Says what has happened, and gives the answer. A body that has broken off is its client's
    /// failure, and an application that did not catch it has done nothing wrong.
    pub(super) fn answer(self, py: Python<'_>, asked: &Asked, body: Broken) -> Response {
        match self {
            Failure::Raised(error)
                if body == Broken::Yes && error.is_instance_of::<PyOSError>(py) =>
            {
                tracing::warn!("Invalid request {asked}: {}", error.value(py));
                return StatusCode::BAD_REQUEST.into_response();
            }
            Failure::Raised(error) if wait::is_over() => {
                tracing::error!("The request {asked} was here when its time was over:");
                Raised::of(py, &error).trace();
            }
            Failure::Raised(error) => {
                let raised = Raised::of(py, &error);
                tracing::error!(
                    target: "exception",
                    "Error handling request {asked}: {}",
                    raised.summary
                );
                raised.trace();
            }
            Failure::Broken(rule) => tracing::error!(
                target: "exception",
                "Error handling request {asked}: {rule}"
            ),
            Failure::NotMounted { mount } => tracing::error!(
                target: "exception",
                "Error handling request {asked}: it is not below SCRIPT_NAME, which is {mount:?}"
            ),
        }
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

impl Failure {
    /// The response has begun, and nothing can be said to the client but that it ends here. A client
    /// that has gone is nobody's failure, and an application that did not expect it has done nothing
    /// wrong.
    pub(super) fn break_off(self, py: Python<'_>, asked: &Asked, early: &Early) -> Response {
        let why = match self {
            Failure::Raised(error)
                if early.is_broken() && error.is_instance_of::<PyOSError>(py) =>
            {
                tracing::debug!("{asked}: {}", error.value(py));
                return Response::default();
            }
            Failure::Raised(error) => {
                let raised = Raised::of(py, &error);
                raised.trace();
                raised.summary
            }
            Failure::Broken(rule) => rule.to_string(),
            Failure::NotMounted { mount } => format!("it is not below {mount:?}"),
        };
        Response::new(Body::from_chunks(std::iter::once(Err(std::io::Error::other(why)))))
    }
}

/// An exception as text.
pub(super) struct Raised {
    /// Its type and what it says, in one line.
    pub(super) summary: String,
    lines: Vec<String>,
}

impl Raised {
    pub(super) fn of(py: Python<'_>, error: &PyErr) -> Raised {
        let formatted = format(py, error).unwrap_or_default();
        let mut lines: Vec<String> =
            formatted.iter().flat_map(|part| part.lines()).map(str::to_owned).collect();
        let summary = summary(py, error);
        if lines.is_empty() {
            lines.push(summary.clone());
        }
        Raised { summary, lines }
    }

    /// Writes the traceback into the log.
    pub(super) fn trace(&self) {
        for line in &self.lines {
            tracing::error!(target: "traceback", "{line}");
        }
    }
}

/// As Python itself would print it, causes and contexts included.
fn format(py: Python<'_>, error: &PyErr) -> PyResult<Vec<String>> {
    let traceback = py.import("traceback")?;
    let arguments = (error.get_type(py), error.value(py), error.traceback(py));
    traceback.call_method1("format_exception", arguments)?.extract()
}

fn summary(py: Python<'_>, error: &PyErr) -> String {
    let name = error.get_type(py).name().map(|name| name.to_string());
    let name = name.unwrap_or_else(|_| "an exception".to_owned());
    let says = error.value(py).str().map(|text| text.to_string_lossy().into_owned());
    match says.unwrap_or_default().lines().next() {
        Some(line) if !line.is_empty() => format!("{name}: {line}"),
        _ => name,
    }
}
