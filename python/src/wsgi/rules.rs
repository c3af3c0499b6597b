//! The rules of PEP 3333 that an application can break, by name. An application that breaks one works
//! on this server and not on the next one, or the other way round; so it is told which it was.

use std::fmt;

use pyo3::exceptions::{PyAssertionError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Something of the body is there, or its end, and nobody has called `start_response`.
    NotStarted,
    /// `start_response` was called again, without an exception to answer for.
    StartedTwice,
    /// `write` was called first.
    WrittenFirst,
    /// The status is no string.
    StatusType(String),
    /// The status is not three digits and a reason.
    StatusForm(String),
    /// The status is that of an interim response.
    StatusInterim(String),
    /// The headers are no list.
    HeadersType(String),
    /// A header is no tuple of two strings.
    HeaderPair(String),
    /// A header's name is none.
    HeaderName(String),
    /// A header's value has a character that it may not have.
    HeaderValue(String),
    /// A third argument that is no `sys.exc_info()`.
    ExcInfo(String),
    /// What came back cannot be iterated over.
    NotIterable(String),
    /// A piece of the body is no `bytes`.
    Piece(String),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PEP 3333: ")?;
        match self {
            Rule::NotStarted => {
                f.write_str("start_response must be called before the first piece of the body")
            }
            Rule::StartedTwice => f.write_str(
                "start_response may be called a second time only with exc_info, the exception that \
                 it answers for",
            ),
            Rule::WrittenFirst => f.write_str("write may be called only after start_response"),
            Rule::StatusType(what) => write!(f, "the status must be a str, not {what}"),
            Rule::StatusForm(what) => {
                write!(f, "the status must be three digits, a space and a reason, not {what}")
            }
            Rule::StatusInterim(what) => {
                write!(f, "the status must be that of a final response, not {what}")
            }
            Rule::HeadersType(what) => write!(f, "the headers must be a list, not {what}"),
            Rule::HeaderPair(what) => {
                write!(f, "a header must be a tuple of two str, not {what}")
            }
            Rule::HeaderName(what) => write!(f, "a header's name must be a token, not {what}"),
            Rule::HeaderValue(what) => write!(
                f,
                "a header's value must be latin-1 text without control characters: {what}"
            ),
            Rule::ExcInfo(what) => {
                write!(f, "exc_info must be what sys.exc_info() gives, not {what}")
            }
            Rule::NotIterable(what) => {
                write!(f, "the application must return an iterable of bytes, not {what}")
            }
            Rule::Piece(what) => write!(f, "a piece of the body must be bytes, not {what}"),
        }
    }
}

/// To the application itself the news is an exception, from within the call that broke the rule.
impl From<Rule> for PyErr {
    fn from(rule: Rule) -> PyErr {
        let text = rule.to_string();
        match rule {
            Rule::NotStarted | Rule::StartedTwice | Rule::WrittenFirst => {
                PyAssertionError::new_err(text)
            }
            Rule::StatusForm(_)
            | Rule::StatusInterim(_)
            | Rule::HeaderName(_)
            | Rule::HeaderValue(_) => PyValueError::new_err(text),
            Rule::StatusType(_)
            | Rule::HeadersType(_)
            | Rule::HeaderPair(_)
            | Rule::ExcInfo(_)
            | Rule::NotIterable(_)
            | Rule::Piece(_) => PyTypeError::new_err(text),
        }
    }
}

/// The name of an object's type, for a message.
pub(super) fn type_of(object: &Bound<'_, PyAny>) -> String {
    let name = object.get_type().name();
    name.map_or_else(|_| "something else".to_owned(), |name| name.to_string())
}
