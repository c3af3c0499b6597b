//! One request, one response: the order in which the rules of the other modules are asked.

use std::path::Path;
use std::time::SystemTime;

use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, LAST_MODIFIED, LOCATION,
};
use http::{Method, StatusCode};
use oxicorn_core::app::IntoResponse;
use oxicorn_core::{Body, Request, Response};

use super::condition::{RangeCounts, Verdict, judge, range_counts};
use super::path::{Found, Opened, Refusal, find};
use super::range::{Wanted, wanted};
use super::validators::Validators;

pub(super) fn answer(root: &Path, path: &str, request: &Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return with(plain(StatusCode::METHOD_NOT_ALLOWED), ALLOW, "GET, HEAD");
    }
    match find(root, path) {
        Ok(Found::File(opened)) => file(opened, request),
        Ok(Found::Folder(name)) => redirect(&name, request),
        Err(Refusal::Malformed) => plain(StatusCode::BAD_REQUEST),
        Err(Refusal::Absent) => plain(StatusCode::NOT_FOUND),
        Err(Refusal::Forbidden) => plain(StatusCode::FORBIDDEN),
        Err(Refusal::Broken(error)) => {
            tracing::error!("Cannot serve a file under {}: {error}", root.display());
            plain(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn file(opened: Opened, request: &Request) -> Response {
    let validators = Validators::of(&opened.metadata, SystemTime::now());
    match judge(request.headers(), &validators) {
        Verdict::Proceed => {}
        Verdict::Failed => return plain(StatusCode::PRECONDITION_FAILED),
        Verdict::NotModified => {
            let tag = validators.tag.to_string();
            return with(StatusCode::NOT_MODIFIED.into_response(), ETAG, &tag);
        }
    }
    let length = opened.metadata.len();
    let (status, part) = match part(request, &validators, length) {
        Wanted::Whole => (StatusCode::OK, 0..length),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        Wanted::Nothing => {
            let response = plain(StatusCode::RANGE_NOT_SATISFIABLE);
            return with(response, CONTENT_RANGE, &format!("bytes */{length}"));
        }
    };
    let mut headers = describe(&opened.path, &validators);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        set(&mut headers, CONTENT_RANGE, &range);
    }
    let mut response = Response::new(Body::file(opened.file, part));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// `Range` means something for GET only (RFC 9110 section 14.2).
fn part(request: &Request, validators: &Validators, length: u64) -> Wanted {
    let headers = request.headers();
    match (request.method(), range_counts(headers, validators)) {
        (&Method::GET, RangeCounts::Yes) => wanted(headers, length),
        _ => Wanted::Whole,
    }
}

fn describe(path: &Path, validators: &Validators) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let kind = match kind.type_() == mime_guess::mime::TEXT {
        true => format!("{kind}; charset=utf-8"),
        false => kind.to_string(),
    };
    set(&mut headers, CONTENT_TYPE, &kind);
    set(&mut headers, ETAG, &validators.tag.to_string());
    if let Some(date) = validators.last_modified() {
        set(&mut headers, LAST_MODIFIED, &date);
    }
    set(&mut headers, ACCEPT_RANGES, "bytes");
    headers
}

/// To the same path with a slash behind it. Relative, because the application may have cut a prefix
/// off, and with a dot in front, so that no name can be taken for a host or a scheme (RFC 3986
/// section 4.2).
fn redirect(name: &str, request: &Request) -> Response {
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = format!("./{name}/{query}");
    with(plain(StatusCode::MOVED_PERMANENTLY), LOCATION, &target)
}

fn plain(status: StatusCode) -> Response {
    (status, format!("{status}\n")).into_response()
}

fn with(mut response: Response, name: HeaderName, value: &str) -> Response {
    set(response.headers_mut(), name, value);
    response
}

/// A value that cannot be one is left out: none of ours is, whatever a file or a request is called.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
