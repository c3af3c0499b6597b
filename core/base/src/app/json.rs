//! JSON, both ways: behind a feature, because a server that speaks none should not compile serde.

use std::io;

use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{failed, typed};
use super::{IntoResponse, Response};
use crate::body::Body;

/// A value as JSON: an answer. A value that cannot be written (a map whose keys are no texts) is
/// answered with 500, and the error log says why.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::app::{IntoResponse, Json};
///
/// let response = Json([1, 2]).into_response();
/// assert_eq!(response.headers()["content-type"], "application/json");
/// assert_eq!(response.into_body().bytes().unwrap(), "[1,2]");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(text) => typed(text, HeaderValue::from_static("application/json")),
            Err(error) => failed(&error),
        }
    }
}

/// Why a body is not the value that was expected. As an answer: 400 with one line.
///
/// [`Body::json`] has an example that answers with it; to say something else:
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::app::JsonError;
/// use oxicorn::Request;
///
/// fn sum(request: Request) -> (http::StatusCode, String) {
///     match request.into_body().json::<Vec<u32>>() {
///         Ok(numbers) => (http::StatusCode::OK, numbers.iter().sum::<u32>().to_string()),
///         Err(JsonError::Parse(error)) if error.is_data() => {
///             (http::StatusCode::UNPROCESSABLE_ENTITY, "numbers, please\n".to_owned())
///         }
///         Err(error) => (http::StatusCode::BAD_REQUEST, error.to_string()),
///     }
/// }
/// # assert_eq!(sum(Request::new("[true]".into())).0, 422);
/// ```
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It could not be read to its end.
    #[error("the body cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no JSON, or not of that shape.
    #[error("the body is not the JSON that was expected: {0}")]
    Parse(#[from] serde_json::Error),
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, format!("{self}\n")).into_response()
    }
}

impl Body {
    /// The whole body as a value, whatever its `Content-Type` says. `limit_request_body` limits what
    /// is read into memory.
    ///
    /// # Errors
    /// See [`JsonError`], which is also an answer: a handler may use `?`.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// use oxicorn::app::JsonError;
    /// use oxicorn::Request;
    ///
    /// fn sum(request: Request) -> Result<String, JsonError> {
    ///     let numbers: Vec<i64> = request.into_body().json()?;
    ///     Ok(format!("{}\n", numbers.iter().sum::<i64>()))
    /// }
    /// # assert_eq!(sum(Request::new("[1,2]".into())).unwrap(), "3\n");
    /// # assert!(sum(Request::new("[1,".into())).is_err());
    /// ```
    pub fn json<T: DeserializeOwned>(self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.bytes()?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_wrong_is_an_answer() {
        let wrong = Body::from("{").json::<Vec<u8>>().unwrap_err().into_response();
        assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
        let text = wrong.into_body().bytes().unwrap();
        assert!(text.starts_with(b"the body is not the JSON that was expected: "), "{text:?}");
        let keys = BTreeMap::from([([1, 2], "not a text")]);
        assert_eq!(Json(keys).into_response().status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
