//! A `tower` service as an application: the interface that axum, tonic and their middleware share. It is
//! the trait alone (crate `tower-service`); nothing of tower itself is needed to serve one.

use std::any::Any;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use oxicorn_core::app::{IntoResponse, ResponseFuture, arrival_of, program};
use oxicorn_core::{Application, AsyncApp, Body, Request, RequestExt};
use tower_service::Service;

use crate::driven::Driven;
use crate::embed::Server;

type BoxError = Box<dyn StdError + Send + Sync>;

/// Makes this program a server of one `tower` service, with the whole command line of `server`. An
/// axum `Router` is one, as it is; so is any `Service<http::Request<oxicorn::Body>>` whose responses
/// have any `http_body::Body` of `Bytes`, and which can be cloned: each request gets a clone of its own
/// (`tower::buffer` makes one of what cannot be cloned).
///
/// Under `-k tokio` each request is a future on the one runtime of its worker. Under `-k threaded` and
/// `-k sync` it has a thread to itself while it runs, with a current-thread runtime: timers, sockets,
/// files and request bodies work as ever, but what a handler leaves behind (`tokio::spawn`) goes on
/// only while that thread serves another request. `-k coroutine` is refused at the start.
///
/// A service that answers with an error is answered for with 500, and the error log says why. What is
/// known of the client is in the request's extensions: [`crate::RequestExt`], which every request has,
/// or `Extension<oxicorn::Arrival>`; with the feature `axum` also `ConnectInfo<SocketAddr>`, unless the
/// client came over a unix socket.
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// fn main() -> std::process::ExitCode {
///     oxicorn::serve_async(Router::new().route("/", get(|| async { "hi\n" })))
/// }
/// ```
pub fn serve_async<S, B>(service: S) -> ExitCode
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Server::new(asynchronous(service)).command_line().run()
}

/// The application that a `tower` service is, for [`Server::new`] and [`crate::Applications`]. See
/// [`serve_async`].
///
/// ```
/// use axum::{Router, routing::get};
/// use oxicorn::{Server, asynchronous};
///
/// let router = Router::new().route("/", get(|| async { "hi\n" }));
/// Server::new(asynchronous(router).named("shop")).worker_class("tokio");
/// ```
pub fn asynchronous<S, B>(service: S) -> Application
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let service = Arc::new(Tower(Mutex::new(service)));
    Application::asynchronous(&program(), service.clone()).driven_by(Driven::new(service))
}

/// A lock, because a service need not be `Sync`; it is held for as long as a clone takes.
struct Tower<S>(Mutex<S>);

impl<S, B> AsyncApp for Tower<S>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn call(&self, request: Request) -> ResponseFuture {
        let mut service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            let request = introduce(request);
            let (method, arrival) = (request.method().clone(), request.arrival());
            let target = arrival.map(|arrival| arrival.target.clone()).unwrap_or_default();
            let is_ready: Result<(), BoxError> =
                poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into);
            let answered = match is_ready {
                Ok(()) => service.call(request).await.map_err(Into::into),
                Err(error) => Err(error),
            };
            answered.map(|response| response.map(own)).unwrap_or_else(|error| {
                let target = target.escape_ascii();
                tracing::error!(target: "exception", "Error handling request {method} {target}: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            })
        })
    }
}

/// What is known of a request goes where code finds it that knows nothing of our body.
fn introduce(request: Request) -> Request {
    let (mut head, mut body) = request.into_parts();
    #[cfg(feature = "axum")]
    if let Some(arrival) = arrival_of(&mut body, &mut head.extensions)
        && let oxicorn_core::listener::Peer::Tcp(address) = arrival.connection.peer
    {
        head.extensions.insert(axum::extract::ConnectInfo(address));
    }
    #[cfg(not(feature = "axum"))]
    arrival_of(&mut body, &mut head.extensions);
    Request::from_parts(head, body)
}

/// A body of our own stays what it is: bytes that are all there, or a file that the kernel sends.
fn own<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut body = Some(body);
    match (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>().map(Option::take) {
        Some(ours) => ours.unwrap_or_default(),
        None => body.map_or_else(Body::empty, Body::from_async),
    }
}

#[cfg(test)]
mod tests;
