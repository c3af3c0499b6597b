//! What a route does, as data: the seam between the routes, which are written once, and the two
//! forms of the application, which read and produce bodies differently.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use oxicorn::{Body, Response};

use crate::script::Script;

/// What is done for a request.
pub(crate) enum Deed {
    /// It is answered.
    Answer(Answer),
    /// Its body is treated so before it is answered.
    Read(Reading),
    /// The handler panics.
    Panic,
    /// The process ends in the middle of it.
    Abort,
}

/// How a request's body is treated.
#[derive(Clone, Copy)]
pub(crate) enum Reading {
    /// One piece of it, and the rest is left.
    Part,
    /// To its end, and then once more.
    Twice,
    /// Not at all, but it is kept when the request has long been answered.
    Never,
    /// To its end; it becomes a field of the response, whatever is in it.
    IntoField,
}

/// A response in the making.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Content,
}

/// The body of a response.
pub(crate) enum Content {
    /// It is all there.
    Whole(&'static str),
    /// It is produced piece by piece.
    Produced(Script),
}

impl Answer {
    pub(crate) fn new(body: Content) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body }
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    /// One more field; a repeated one does not replace the first.
    pub(crate) fn field(mut self, name: &'static str, value: &'static str) -> Answer {
        let name = HeaderName::from_static(name);
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }

    pub(crate) fn response(self, produce: impl FnOnce(Script) -> Body) -> Response {
        let body = match self.body {
            Content::Whole(text) => Body::from(text),
            Content::Produced(script) => produce(script),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl From<Answer> for Deed {
    fn from(answer: Answer) -> Deed {
        Deed::Answer(answer)
    }
}
