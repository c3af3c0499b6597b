//! What is kept of a request between its head and its line. The line is written when the response
//! has been, and by then the head may be gone: so the values that the format names are cloned, which
//! for a header's value, as for the target, is the counting of a reference.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use super::format::{Format, Side};
use crate::listener::Peer;
use crate::request_id::{Made, RequestId};

/// The head of a request, for [`AccessWriter::begin`](super::AccessWriter::begin).
#[derive(Clone, Copy)]
pub struct RequestLine<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its target exactly as received.
    pub target: &'a Bytes,
    /// Its version.
    pub version: Version,
    /// Its header fields.
    pub headers: &'a HeaderMap,
    /// Who has sent it.
    pub peer: &'a Peer,
}

/// What a request is called in its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Nobody wants to know.
    Unwanted,
    /// As the last of the kept headers says.
    Given,
    Made(Made),
}

/// How long a request has waited for the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    /// Nobody wants to know.
    Unwanted,
    /// It is still to be measured.
    Wanted,
    /// It was.
    For(Duration),
}

/// A request whose line is still to be written. Dropping it writes none.
#[must_use = "a request is logged only when it is finished"]
pub struct Pending {
    pub(super) method: Method,
    pub(super) target: Bytes,
    pub(super) version: Version,
    pub(super) peer: Peer,
    pub(super) status: Option<StatusCode>,
    pub(super) name: Name,
    pub(super) queued: Queued,
    /// In the order of [`Format::kept`].
    pub(super) kept: Vec<Option<HeaderValue>>,
}

impl Pending {
    /// Keeps what `format` needs, in `kept`, which is empty.
    pub(super) fn new(
        format: &Format,
        request: RequestLine<'_>,
        mut kept: Vec<Option<HeaderValue>>,
    ) -> Pending {
        kept.extend(format.kept.iter().map(|(side, name)| match side {
            Side::Request => value(request.headers, name),
            Side::Response => None,
        }));
        Pending {
            method: request.method.clone(),
            target: request.target.clone(),
            version: request.version,
            peer: *request.peer,
            status: None,
            name: Name::Unwanted,
            queued: Queued::Unwanted,
            kept,
        }
    }

    /// Gives the request a name, unless it brings one.
    pub(super) fn name(&mut self, headers: &HeaderMap) {
        self.name = match RequestId::given(headers) {
            Some(value) => {
                self.kept.push(Some(value.clone()));
                Name::Given
            }
            None => Name::Made(Made::new()),
        };
    }

    /// Whether [`Pending::waited`] is worth its measurement.
    pub fn wants_queue_time(&self) -> bool {
        self.queued != Queued::Unwanted
    }

    /// Says how long the request has waited for the application; what is said last counts.
    pub fn waited(&mut self, time: Duration) {
        self.queued = Queued::For(time);
    }

    /// The name that the request was given for its line, if one had to be made.
    pub fn made_id(&self) -> Option<Made> {
        match self.name {
            Name::Made(made) => Some(made),
            Name::Unwanted | Name::Given => None,
        }
    }

    pub(super) fn respond(&mut self, format: &Format, status: StatusCode, headers: &HeaderMap) {
        self.status = Some(status);
        for (kept, (side, name)) in self.kept.iter_mut().zip(&format.kept) {
            if *side == Side::Response {
                *kept = value(headers, name);
            }
        }
    }
}

/// Of a repeated header the last, as in gunicorn.
fn value(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    headers.get_all(name).iter().next_back().cloned()
}

impl std::fmt::Debug for Pending {
    /// Without the headers: among them may be credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
