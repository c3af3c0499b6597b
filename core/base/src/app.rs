//! The application, in the two forms it can have: blocking ([`App`]) and asynchronous
//! ([`AsyncApp`]). Both take an `http::Request` and give an `http::Response`; which form runs, and
//! on what, is the worker class' decision.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use crate::body::Body;
use crate::config::ConfigError;
use crate::listener::{LocalAddress, Peer};
use crate::request_id::{Made, RequestId};
use crate::scoreboard::{Outlook, Scoreboard};

/// What a handler is given.
pub type Request = http::Request<Body>;
/// What a handler gives back.
pub type Response = http::Response<Body>;
/// A response that is being made.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A blocking application: it may wait as long as it likes (in the class' way, see [`crate::wait`]).
/// Every closure `Fn(Request) -> impl IntoResponse` is one.
pub trait App: Send + Sync + 'static {
    /// Answers one request. A panic is answered with 500 and logged; the worker goes on.
    fn call(&self, request: Request) -> Response;
}

impl<F, R> App for F
where
    F: Fn(Request) -> R + Send + Sync + 'static,
    R: IntoResponse,
{
    fn call(&self, request: Request) -> Response {
        self(request).into_response()
    }
}

/// An asynchronous application, for the class `tokio`.
pub trait AsyncApp: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request) -> ResponseFuture;
}

/// What a worker is to serve: an application in one form, or in both.
#[derive(Clone)]
pub struct Application {
    name: Arc<str>,
    blocking: Option<Arc<dyn App>>,
    asynchronous: Option<Arc<dyn AsyncApp>>,
}

impl Application {
    /// A blocking application; `name` is what process titles and logs call it.
    pub fn blocking(name: &str, app: impl App) -> Application {
        Application { name: name.into(), blocking: Some(Arc::new(app)), asynchronous: None }
    }

    /// An asynchronous application.
    pub fn asynchronous(name: &str, app: impl AsyncApp) -> Application {
        Application { name: name.into(), blocking: None, asynchronous: Some(Arc::new(app)) }
    }

    /// The same application in both forms: each class takes the one that suits it.
    pub fn both(name: &str, blocking: impl App, asynchronous: impl AsyncApp) -> Application {
        Application {
            name: name.into(),
            blocking: Some(Arc::new(blocking)),
            asynchronous: Some(Arc::new(asynchronous)),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its blocking form, if it has one.
    pub fn as_blocking(&self) -> Option<&Arc<dyn App>> {
        self.blocking.as_ref()
    }

    /// Its blocking form, for a class that can run no other.
    ///
    /// # Errors
    /// It has none.
    pub fn need_blocking(&self, class: &str) -> Result<(), ConfigError> {
        if self.blocking.is_some() {
            return Ok(());
        }
        Err(ConfigError::message(format!(
            "the application {:?} is asynchronous only: the worker class {class} runs blocking \
             handlers; use -k tokio",
            self.name
        )))
    }

    /// Its asynchronous form, if it has one.
    pub fn as_async(&self) -> Option<&Arc<dyn AsyncApp>> {
        self.asynchronous.as_ref()
    }
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("blocking", &self.blocking.is_some())
            .field("asynchronous", &self.asynchronous.is_some())
            .finish()
    }
}

/// What is known of a connection, the same for each of its requests.
#[derive(Debug)]
pub struct ConnectionInfo {
    /// The client: who has connected, or whom a proxy that may do so has announced in its stead.
    pub peer: Peer,
    /// Who has connected.
    pub sender: Peer,
    /// To which address of ours.
    pub local: LocalAddress,
    /// What is said there of the server as a whole, if there is one.
    pub(crate) board: Option<Scoreboard>,
}

impl ConnectionInfo {
    /// Of a connection that nothing was received on: who has connected is the client.
    pub fn accepted(sender: Peer, local: LocalAddress) -> ConnectionInfo {
        ConnectionInfo { peer: sender, sender, local, board: None }
    }

    pub(crate) fn served_with(self, board: Scoreboard) -> ConnectionInfo {
        ConnectionInfo { board: Some(board), ..self }
    }
}

/// How the client speaks to us, or to the proxy in front (RFC 9110 section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As in a URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// How a request came in. It travels with the request's body, so that it costs no allocation.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The request target as it was received, byte by byte.
    pub target: Bytes,
    /// The scheme that the client used, as far as a sender that is believed has said so.
    pub scheme: Scheme,
    /// The connection it came over.
    pub connection: Arc<ConnectionInfo>,
    /// The name that was made for the request, once somebody has asked for it:
    /// [`RequestExt::request_id`].
    pub made_id: OnceLock<Made>,
}

/// What a request knows beyond what [`http::Request`] has a place for.
pub trait RequestExt {
    /// How it came in; `None` for a request that no server has received.
    fn arrival(&self) -> Option<&Arrival>;

    /// The request target exactly as received (`uri()` is the same, parsed).
    fn target(&self) -> &[u8] {
        self.arrival().map_or(b"", |arrival| &arrival.target)
    }

    /// The scheme that the client used: `http`, unless a trusted proxy says otherwise.
    fn scheme(&self) -> Scheme {
        self.arrival().map_or(Scheme::default(), |arrival| arrival.scheme)
    }

    /// Whether the server has been told to stop. It may serve as ever meanwhile (`drain_delay`), but
    /// the answer to a readiness probe should be that it is not ready.
    fn is_stopping(&self) -> bool {
        let board = self.arrival().and_then(|arrival| arrival.connection.board);
        board.is_some_and(|board| board.outlook() != Outlook::Stays)
    }
    /// Its name: what `X-Request-Id` says, if that is 1 to 128 visible ASCII characters and none of
    /// them a quote or a backslash, otherwise one that is made by the first who asks. The access log
    /// has the same. `None` for a request that no server has received and that brings no name.
    fn request_id(&self) -> Option<RequestId>;

    /// Who has sent it: the client, never what a header says.
    fn peer(&self) -> Option<&Peer> {
        self.arrival().map(|arrival| &arrival.connection.peer)
    }
}

impl RequestExt for Request {
    fn arrival(&self) -> Option<&Arrival> {
        self.body().arrival.as_ref()
    }

    fn request_id(&self) -> Option<RequestId> {
        if let Some(value) = RequestId::given(self.headers()) {
            return Some(RequestId::Given(value.clone()));
        }
        Some((*self.arrival()?.made_id.get_or_init(Made::new)).into())
    }
}

/// Puts a request together: for the code that has parsed one.
pub fn with_arrival(mut body: Body, arrival: Arrival) -> Body {
    body.arrival = Some(arrival);
    body
}

/// What a handler may return.
pub trait IntoResponse {
    /// The response that it stands for.
    fn into_response(self) -> Response;
}

fn plain(body: Body, kind: HeaderValue) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

// Constants, so that they are looked through once, by the compiler.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        plain(self.into(), TEXT)
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        plain(self.into(), TEXT)
    }
}

impl IntoResponse for Bytes {
    fn into_response(self) -> Response {
        plain(self.into(), BINARY)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        plain(self.into(), BINARY)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closure_is_an_application() {
        let app = Application::blocking("x", |_: Request| (StatusCode::CREATED, "made\n"));
        let response = app.as_blocking().unwrap().call(Request::new(Body::empty()));
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()["content-type"], TEXT);
        assert_eq!(response.into_body().bytes().unwrap(), "made\n");
        assert!(app.as_async().is_none());
    }
}
