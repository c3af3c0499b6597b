//! What a handler may return. Plain values stand for the responses that people mean by them, so that a
//! handler's body is about its subject; whoever needs more builds an `http::Response`.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt::Display;
use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::Response;
use crate::body::Body;

/// What a handler may return.
///
/// | value | response |
/// |---|---|
/// | `&'static str`, `String`, `Cow<str>` | 200, `text/plain; charset=utf-8` |
/// | `Bytes`, `Vec<u8>`, `&'static [u8]` | 200, `application/octet-stream` |
/// | `Json(value)` (feature `json`) | 200, `application/json` |
/// | [`Body`] | 200, with no type |
/// | `StatusCode` | that status, without a body |
/// | `(StatusCode, value)` | the same with another status |
/// | `(StatusCode, fields, value)` | and with header fields: [`Fields`] |
/// | `http::Response<B>`, where `B` is a [`Body`] or becomes one | itself |
/// | `Result<value, error>` | whichever of the two it is |
/// | `std::io::Error`, `Box<dyn Error + Send + Sync>` | 500, and a line in the error log: for `?` |
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use http::StatusCode;
/// use oxicorn::app::IntoResponse;
/// use oxicorn::Request;
///
/// fn handler(request: Request) -> Result<impl IntoResponse, (StatusCode, &'static str)> {
///     match request.uri().path() {
///         "/" => Ok((StatusCode::OK, [("cache-control", "no-store")], "hi\n")),
///         _ => Err((StatusCode::NOT_FOUND, "there is nothing here\n")),
///     }
/// }
/// # assert_eq!(handler(Request::default()).into_response().status(), 200);
/// ```
///
/// A type of your own can be an answer, too:
///
/// ```
/// # use oxicorn_core as oxicorn;
/// # use oxicorn::app::IntoResponse;
/// # use oxicorn::Response;
/// struct Page(String);
///
/// impl IntoResponse for Page {
///     fn into_response(self) -> Response {
///         let mut response = Response::new(self.0.into());
///         let html = http::HeaderValue::from_static("text/html; charset=utf-8");
///         response.headers_mut().insert("content-type", html);
///         response
///     }
/// }
/// ```
pub trait IntoResponse {
    /// The response that it stands for.
    fn into_response(self) -> Response;
}

// Constants, so that they are looked through once, by the compiler.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

pub(super) fn typed(body: impl Into<Body>, kind: HeaderValue) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Says why a handler's answer is not what it was meant to be, and gives the answer instead.
pub(super) fn failed(error: &dyn Display) -> Response {
    tracing::error!(target: "exception", "Error handling request: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

impl<B: Into<Body>> IntoResponse for http::Response<B> {
    fn into_response(self) -> Response {
        self.map(Into::into)
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        typed(self, TEXT)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        typed(self, TEXT)
    }
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Response {
        typed(self, BINARY)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        typed(self, BINARY)
    }
}

impl IntoResponse for &'static [u8] {
    fn into_response(self) -> Response {
        typed(Bytes::from_static(self), BINARY)
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self;
        response
    }
}

impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        *response.status_mut() = self.0;
        response
    }
}

impl<F: Fields, R: IntoResponse> IntoResponse for (StatusCode, F, R) {
    fn into_response(self) -> Response {
        let (status, fields, answer) = self;
        let mut response = (status, answer).into_response();
        match fields.set(response.headers_mut()) {
            Ok(()) => response,
            Err(wrong) => failed(&wrong),
        }
    }
}

impl<R: IntoResponse, E: IntoResponse> IntoResponse for Result<R, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(answer) => answer.into_response(),
        }
    }
}

impl IntoResponse for Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl IntoResponse for io::Error {
    fn into_response(self) -> Response {
        failed(&self)
    }
}

impl IntoResponse for Box<dyn StdError + Send + Sync> {
    fn into_response(self) -> Response {
        failed(&self)
    }
}

/// The header fields of an answer: an `http::HeaderMap`, or pairs of a name and a value. They replace
/// fields of the same name that the body's type has brought; a name that stands twice among the pairs
/// is sent twice. A pair that HTTP does not allow makes the answer a 500, and the error log names it.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// # use oxicorn::app::IntoResponse;
/// # use http::StatusCode;
/// let found = (StatusCode::FOUND, [("location", "/new")], "").into_response();
/// assert_eq!(found.headers()["location"], "/new");
/// let page = (StatusCode::OK, [("content-type", "text/html")], "<p>hi").into_response();
/// assert_eq!(page.headers()["content-type"], "text/html");
/// let wrong = (StatusCode::OK, [("x-name", "two\nlines")], "").into_response();
/// assert_eq!(wrong.status(), 500);
/// ```
pub trait Fields {
    /// Puts them in.
    ///
    /// # Errors
    /// The first that is not allowed, and why (RFC 9110 section 5).
    fn set(self, headers: &mut HeaderMap) -> Result<(), String>;
}

impl Fields for HeaderMap {
    fn set(self, headers: &mut HeaderMap) -> Result<(), String> {
        // As pairs would: a name without one is a further value of the name before it.
        self.keys().for_each(|name| drop(headers.remove(name)));
        headers.extend(self);
        Ok(())
    }
}

impl<K, V, const N: usize> Fields for [(K, V); N]
where
    K: TryInto<HeaderName, Error: Display> + AsRef<str>,
    V: TryInto<HeaderValue, Error: Display>,
{
    fn set(self, headers: &mut HeaderMap) -> Result<(), String> {
        Vec::from(self).set(headers)
    }
}

impl<K, V> Fields for Vec<(K, V)>
where
    K: TryInto<HeaderName, Error: Display> + AsRef<str>,
    V: TryInto<HeaderValue, Error: Display>,
{
    fn set(self, headers: &mut HeaderMap) -> Result<(), String> {
        let mut fields = HeaderMap::with_capacity(self.len());
        for (name, value) in self {
            let written = name.as_ref().to_owned();
            let wrong = |error: &dyn Display| format!("the header {written:?}: {error}");
            let name: HeaderName = name.try_into().map_err(|error| wrong(&error))?;
            let value: HeaderValue = value.try_into().map_err(|error| wrong(&error))?;
            fields.append(name, value);
        }
        fields.set(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_the_response_that_people_mean() {
        let kind = |answer: &Response| answer.headers().get("content-type").cloned();
        for answer in ["a".into_response(), Cow::from("a").into_response()] {
            assert_eq!((answer.status(), kind(&answer).unwrap()), (StatusCode::OK, TEXT));
        }
        for answer in [vec![b'a'].into_response(), (&b"a"[..]).into_response()] {
            assert_eq!(kind(&answer).unwrap(), BINARY);
            assert_eq!(answer.into_body().bytes().unwrap(), "a");
        }
        assert_eq!(kind(&http::Response::new("a").into_response()), None);
        let gone: Result<&str, StatusCode> = Err(StatusCode::GONE);
        assert_eq!(gone.into_response().status(), StatusCode::GONE);
        let lost: Result<&str, io::Error> = Err(io::ErrorKind::NotFound.into());
        assert_eq!(lost.into_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn fields_replace_those_of_the_body_and_may_repeat() {
        let fields = [("content-type", "text/html"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
        let headers = (StatusCode::OK, fields, "<p>").into_response().headers().clone();
        assert_eq!(headers.get_all("content-type").iter().count(), 1);
        assert_eq!(headers["content-type"], "text/html");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        let named = [(header::ETAG, HeaderValue::from_static("\"1\""))];
        assert_eq!((StatusCode::OK, named, "").into_response().headers()["etag"], "\"1\"");
    }

    #[test]
    fn a_field_that_http_does_not_allow_is_named() {
        let mut headers = HeaderMap::new();
        for (fields, text) in [
            ([("x-name", "two\nlines")], "the header \"x-name\": failed to parse header value"),
            ([("x name", "a")], "the header \"x name\": invalid HTTP header name"),
        ] {
            assert_eq!(fields.set(&mut headers), Err(text.to_owned()));
        }
        assert!(headers.is_empty());
    }
}
