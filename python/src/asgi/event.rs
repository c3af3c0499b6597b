//! The events that an application sends, from dicts to values. Here it is checked what an event is
//! made of; whether its moment has come is for who gets it.

use std::path::PathBuf;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple};

use super::rule::Rule;

/// Bodies up to this size are copied; of larger ones Python's own bytes are sent.
const COPY_UP_TO: usize = 8 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) enum Event {
    Start(Start),
    Body(Bytes, More),
    File(PathBuf),
    Accept(Accept),
    Text(String),
    Binary(Bytes),
    Close(u16, String),
}

/// The head of a response, to a request for a WebSocket perhaps.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// The answer to a request for a WebSocket.
#[derive(Debug)]
pub(super) struct Accept {
    pub(super) subprotocol: Option<HeaderValue>,
    pub(super) headers: HeaderMap,
}

/// Whether more of a body comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

/// Why an event cannot be read.
#[derive(Debug)]
pub(super) enum Unusable {
    Rule(Rule),
    /// What Python has raised meanwhile.
    Python(PyErr),
}

impl From<Rule> for Unusable {
    fn from(rule: Rule) -> Unusable {
        Unusable::Rule(rule)
    }
}

impl From<PyErr> for Unusable {
    fn from(error: PyErr) -> Unusable {
        Unusable::Python(error)
    }
}

/// What an event's `type` says.
#[derive(Clone, Copy)]
enum Kind {
    Start,
    Body,
    File,
    Accept,
    Message,
    Close,
}

/// An opening handshake is refused with the same events as any response has.
const KINDS: [(&str, Kind); 8] = [
    ("http.response.start", Kind::Start),
    ("http.response.body", Kind::Body),
    ("http.response.pathsend", Kind::File),
    ("websocket.accept", Kind::Accept),
    ("websocket.send", Kind::Message),
    ("websocket.close", Kind::Close),
    ("websocket.http.response.start", Kind::Start),
    ("websocket.http.response.body", Kind::Body),
];

/// Reads an event.
pub(super) fn read(event: &Bound<'_, PyAny>) -> Result<Event, Unusable> {
    let py = event.py();
    let event = event.cast::<PyDict>().map_err(|_| Rule::NoType)?;
    let kind = event.get_item(intern!(py, "type"))?.ok_or(Rule::NoType)?;
    let kind = kind.cast::<PyString>().map_err(|_| Rule::NoType)?.to_str()?;
    let (_, kind) = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .ok_or_else(|| Rule::UnknownEvent(kind.to_owned()))?;
    match kind {
        Kind::Start => start(event),
        Kind::Body => body(event),
        Kind::File => file(event),
        Kind::Accept => accept(event),
        Kind::Message => message(event),
        Kind::Close => close(event),
    }
}

/// A field that is there and not None.
fn given<'py>(
    event: &Bound<'py, PyDict>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(event.get_item(name)?.filter(|value| !value.is_none()))
}

fn start(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    let status = given(event, intern!(event.py(), "status"))?.ok_or(Rule::Status)?;
    let status: u16 = status.extract().map_err(|_| Rule::Status)?;
    let status = StatusCode::from_u16(status).map_err(|_| Rule::Status)?;
    if status.is_informational() {
        return Err(Rule::Status.into());
    }
    Ok(Event::Start(Start { status, headers: headers(event)? }))
}

fn headers(event: &Bound<'_, PyDict>) -> Result<HeaderMap, Unusable> {
    let Some(given) = given(event, intern!(event.py(), "headers"))? else {
        return Ok(HeaderMap::new());
    };
    let mut headers = HeaderMap::with_capacity(given.len().unwrap_or(4));
    if let Ok(list) = given.cast_exact::<PyList>() {
        for pair in list {
            add(&mut headers, &pair)?;
        }
    } else {
        for pair in given.try_iter().map_err(|_| Rule::Header)? {
            add(&mut headers, &pair?)?;
        }
    }
    Ok(headers)
}

fn add(headers: &mut HeaderMap, pair: &Bound<'_, PyAny>) -> Result<(), Unusable> {
    let (name, value) = match pair.cast_exact::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => (pair.get_item(0)?, pair.get_item(1)?),
        Ok(_) => return Err(Rule::Header.into()),
        Err(_) => pair
            .extract::<[Bound<'_, PyAny>; 2]>()
            .map(|[n, v]| (n, v))
            .map_err(|_| Rule::Header)?,
    };
    let name = name.cast::<PyBytes>().map_err(|_| Rule::Header)?.as_bytes();
    let value = value.cast::<PyBytes>().map_err(|_| Rule::Header)?.as_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let name = HeaderName::from_bytes(name).map_err(|_| Rule::HeaderName(text(name)))?;
    let value = HeaderValue::from_bytes(value).map_err(|_| Rule::HeaderValue(name.to_string()))?;
    headers.append(name, value);
    Ok(())
}

fn bytes(value: &Bound<'_, PyAny>, event: &'static str) -> Result<Bytes, Unusable> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        let data = bytes.as_bytes();
        return Ok(match data.len() <= COPY_UP_TO {
            true => Bytes::copy_from_slice(data),
            false => Bytes::from_owner(PyBackedBytes::from(bytes.clone())),
        });
    }
    if let Ok(array) = value.cast::<PyByteArray>() {
        return Ok(Bytes::from(array.to_vec()));
    }
    if value.cast::<PyMemoryView>().is_ok() {
        let copied = value.call_method0(intern!(value.py(), "tobytes"))?;
        let copied = copied.cast::<PyBytes>().map_err(PyErr::from)?;
        return Ok(Bytes::copy_from_slice(copied.as_bytes()));
    }
    Err(Rule::Field { event, what: "bytes, and a str nowhere in their place" }.into())
}

fn body(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    let py = event.py();
    let more = match given(event, intern!(py, "more_body"))? {
        Some(more) if more.is_truthy()? => More::Yes,
        _ => More::No,
    };
    let body = match given(event, intern!(py, "body"))? {
        Some(body) => bytes(&body, "http.response.body")?,
        None => Bytes::new(),
    };
    Ok(Event::Body(body, more))
}

fn file(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    let rule = Rule::Field { event: "http.response.pathsend", what: "a str \"path\"" };
    let path = given(event, intern!(event.py(), "path"))?;
    let path = path.and_then(|path| path.extract::<String>().ok()).ok_or(rule)?;
    Ok(Event::File(path.into()))
}

fn accept(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    let rule = || Rule::Field { event: "websocket.accept", what: "a token as its subprotocol" };
    let subprotocol = match given(event, intern!(event.py(), "subprotocol"))? {
        None => None,
        Some(name) => {
            let name: String = name.extract().map_err(|_| rule())?;
            Some(HeaderValue::from_str(&name).map_err(|_| rule())?)
        }
    };
    Ok(Event::Accept(Accept { subprotocol, headers: headers(event)? }))
}

fn message(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    const EVENT: &str = "websocket.send";
    let py = event.py();
    if let Some(data) = given(event, intern!(py, "bytes"))? {
        return Ok(Event::Binary(bytes(&data, EVENT)?));
    }
    let rule = Rule::Field { event: EVENT, what: "either bytes or a str \"text\"" };
    let text = given(event, intern!(py, "text"))?;
    let text = text.and_then(|text| text.extract::<String>().ok()).ok_or(rule)?;
    Ok(Event::Text(text))
}

fn close(event: &Bound<'_, PyDict>) -> Result<Event, Unusable> {
    const EVENT: &str = "websocket.close";
    let py = event.py();
    let code = match given(event, intern!(py, "code"))? {
        None => 1000,
        Some(code) => {
            let rule = Rule::Field { event: EVENT, what: "a whole number as its code" };
            code.extract().map_err(|_| rule)?
        }
    };
    let reason = match given(event, intern!(py, "reason"))? {
        None => String::new(),
        Some(reason) => {
            let rule = Rule::Field { event: EVENT, what: "a str as its reason" };
            reason.extract().map_err(|_| rule)?
        }
    };
    Ok(Event::Close(code, reason))
}
