//! The echo: what the server has understood of a request, told back as JSON. Conformance tests look
//! at a server through it, so it takes every method and target and reads the body without keeping
//! it.
//!
//! ```json
//! {"method":"PUT","target":"/echo?a","version":"HTTP/1.1","headers":[["host","x"]],"body_len":0,"body_sha256":"e3b0…"}
//! ```
//!
//! * `target` is what was received, byte by byte.
//! * `headers` are in the order in which each name came first, lower-cased, and repeats of one name
//!   stand together, in their order: that is the order [`http::HeaderMap`] keeps.
//! * A request whose body had trailer fields behind it has `trailers` too, a list as `headers` is.
//! * Bytes that are not UTF-8 are written as `\xHH`; everything else, a backslash too, is left alone.
//! * A body that breaks off is answered with 400 and one line.

use std::fmt::Write as _;
use std::io;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use oxicorn_core::app::{IntoResponse, RequestExt};
use oxicorn_core::{Application, Body, Request, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::plan::{self, Plan};

/// The echo application, in both forms: it echoes every method and every target (`OPTIONS *`, the
/// absolute form and CONNECT among them).
pub fn application() -> Application {
    plan::in_both_forms("echo", Echo::plan)
}

#[derive(Serialize)]
struct Seen {
    method: String,
    target: String,
    version: String,
    headers: Vec<(String, String)>,
    body_len: u64,
    body_sha256: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trailers: Vec<(String, String)>,
}

pub(super) struct Echo {
    seen: Seen,
    digest: Sha256,
}

impl Echo {
    pub(super) fn plan(request: Request) -> Plan {
        let target = match request.arrival() {
            Some(arrival) => readable(&arrival.target),
            None => request.uri().to_string(),
        };
        let (head, body) = request.into_parts();
        let seen = Seen {
            method: head.method.as_str().to_owned(),
            target,
            version: format!("{:?}", head.version),
            headers: pairs(&head.headers),
            body_len: 0,
            body_sha256: String::new(),
            trailers: Vec::new(),
        };
        let digest = Sha256::new();
        Plan::Echo(Box::new(Echo { seen, digest }), body)
    }

    /// Takes in one piece of the body.
    pub(super) fn receive(&mut self, piece: &[u8]) {
        self.seen.body_len += piece.len() as u64;
        self.digest.update(piece);
    }

    /// Takes in the fields behind the body.
    pub(super) fn receive_trailers(&mut self, trailers: &HeaderMap) {
        self.seen.trailers = pairs(trailers);
    }

    pub(super) fn response(mut self) -> Response {
        for byte in self.digest.finalize() {
            let _ = write!(self.seen.body_sha256, "{byte:02x}");
        }
        let Ok(mut json) = serde_json::to_vec(&self.seen) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        json.push(b'\n');
        let mut response = Response::new(Body::from(json));
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// The answer to a body that could not be read to its end.
pub(super) fn cut_short(error: &io::Error) -> Response {
    let line = format!("the request body could not be read: {error}\n");
    (StatusCode::BAD_REQUEST, line).into_response()
}

fn pairs(fields: &HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&http::HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), readable(value.as_bytes()))
    };
    fields.iter().map(pair).collect()
}

fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for piece in bytes.utf8_chunks() {
        text.push_str(piece.valid());
        for byte in piece.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_utf8_is_escaped() {
        assert_eq!(readable("grün \\ \"".as_bytes()), "grün \\ \"");
        assert_eq!(readable(b"a\xffb\xc3"), "a\\xFFb\\xC3");
    }
}
