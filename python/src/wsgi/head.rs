//! From what an application says of its response to what the server sends: the status and the headers,
//! each of them checked before a byte goes out.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};

use super::rules::{Rule, type_of};
use super::text;

/// The status of `"404 Not Found"`. The reason is not sent: the server has its own for each number, and
/// no client may rely on it (RFC 9112 section 4).
pub(super) fn status(given: &Bound<'_, PyAny>) -> Result<StatusCode, Rule> {
    let text = given.cast::<PyString>().map_err(|_| Rule::StatusType(type_of(given)))?;
    let text = text.to_str().map_err(|_| Rule::StatusForm(repr(given)))?;
    let bad = || Rule::StatusForm(repr(given));
    let (code, reason) = text.as_bytes().split_at_checked(3).ok_or_else(bad)?;
    let reason_is_fine = match reason {
        [] => true,
        [b' ', rest @ ..] => !rest.iter().any(u8::is_ascii_control),
        _ => false,
    };
    let code = StatusCode::from_bytes(code).ok().filter(|_| reason_is_fine).ok_or_else(bad)?;
    if code.is_informational() {
        return Err(Rule::StatusInterim(repr(given)));
    }
    Ok(code)
}

/// The headers of `[("Content-Type", "text/plain"), ...]`.
pub(super) fn headers(given: &Bound<'_, PyAny>) -> Result<HeaderMap, Rule> {
    let list = given.cast::<PyList>().map_err(|_| Rule::HeadersType(type_of(given)))?;
    let mut map = HeaderMap::with_capacity(list.len());
    for pair in list.iter() {
        let (name, value) = header(&pair)?;
        if map.try_append(name, value).is_err() {
            return Err(Rule::HeadersType("one of more than 24,000 fields".to_owned()));
        }
    }
    Ok(map)
}

fn header(pair: &Bound<'_, PyAny>) -> Result<(HeaderName, HeaderValue), Rule> {
    let bad = || Rule::HeaderPair(repr(pair));
    let tuple = pair.cast::<PyTuple>().map_err(|_| bad())?;
    if tuple.len() != 2 {
        return Err(bad());
    }
    let (name, value) = (item(tuple, 0).ok_or_else(bad)?, item(tuple, 1).ok_or_else(bad)?);
    let bad_name = || Rule::HeaderName(repr(&name));
    let bad_value = || Rule::HeaderValue(repr(pair));
    let name = name.to_str().map_err(|_| bad_name())?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad_name())?;
    let value = value.to_str().map_err(|_| bad_value())?;
    let value = if value.is_ascii() {
        HeaderValue::from_str(value.trim_matches([' ', '\t']))
    } else {
        let bytes = text::to_bytes(value).ok_or_else(bad_value)?;
        HeaderValue::from_bytes(bytes.trim_ascii())
    };
    Ok((name, value.map_err(|_| bad_value())?))
}

fn item<'py>(tuple: &Bound<'py, PyTuple>, index: usize) -> Option<Bound<'py, PyString>> {
    tuple.get_item(index).ok()?.cast_into().ok()
}

/// An object as a message shows it, cut when it is long.
fn repr(object: &Bound<'_, PyAny>) -> String {
    const MOST: usize = 200;
    let Ok(text) = object.repr() else { return type_of(object) };
    let text = text.to_string_lossy();
    match text.floor_char_boundary(MOST) {
        end if end < text.len() => format!("{}...", &text[..end]),
        _ => text.into_owned(),
    }
}
