//! From what the callable has returned to a response.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use oxicorn_core::{Body, Response};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use super::failure::{Asked, Failure};
use super::file::FileWrapper;
use super::pieces::{Context, First, Pieces};
use super::start::{self, StartResponse};

/// The response that `returned` stands for.
pub(super) fn response(
    returned: &Bound<'_, PyAny>,
    context: Context,
    start: &Bound<'_, StartResponse>,
    asked: &Asked,
) -> Result<Response, Failure> {
    if let Ok(list) = returned.cast_exact::<PyList>() {
        return whole(list.iter(), start);
    }
    if let Ok(tuple) = returned.cast_exact::<PyTuple>() {
        return whole(tuple.iter(), start);
    }
    let py = returned.py();
    let pieces = Pieces::begin(returned, context, start, asked.clone())?;
    let file = returned.cast_exact::<FileWrapper>().ok();
    if let Some(file) = file.filter(|_| start.get().has_sent_nothing()) {
        let (status, headers) = start.get().send()?;
        if let Some(body) = file.get().body(py, &headers) {
            return Ok(assemble(status, headers, body));
        }
        let body = body(py, pieces)?;
        return Ok(assemble(status, headers, body));
    }
    let body = body(py, pieces)?;
    let (status, headers) = start.get().send()?;
    Ok(assemble(status, headers, body))
}

/// A body that begins with its first piece: only then is it certain that the application has said
/// how the response begins.
fn body(py: Python<'_>, mut pieces: Pieces) -> Result<Body, Failure> {
    Ok(match pieces.go_to_first(py)? {
        First::Nothing => Body::empty(),
        First::Here => Body::from_chunks(pieces),
    })
}

/// A body that is there already, as one piece: a list is what most frameworks return.
fn whole<'py>(
    mut items: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    start: &Bound<'py, StartResponse>,
) -> Result<Response, Failure> {
    let body = if items.len() <= 1 {
        items.next().map_or_else(|| Ok(Bytes::new()), |item| start::piece(&item))?
    } else {
        let mut all = BytesMut::new();
        for item in items {
            all.extend_from_slice(&start::piece(&item)?);
        }
        all.freeze()
    };
    let (status, headers) = start.get().send()?;
    Ok(assemble(status, headers, body.into()))
}

fn assemble(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
