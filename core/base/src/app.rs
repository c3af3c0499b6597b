//! The application, in the two forms it can have: blocking ([`App`]) and asynchronous
//! ([`AsyncApp`]). Both take an `http::Request` and give an `http::Response`; which form runs, and
//! on what, is the worker class' decision.

mod answer;
mod arrival;
mod form;
#[cfg(feature = "json")]
mod json;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::body::Body;
use crate::config::ConfigError;
use crate::listener::{LocalAddress, Peer};
use crate::request_id::Made;
use crate::scoreboard::Scoreboard;
use crate::serve::EarlyApp;

pub use answer::{Fields, IntoResponse};
pub use arrival::{RequestExt, arrival_of, with_arrival};
pub use form::{IntoApplication, program};
#[cfg(feature = "json")]
pub use json::{Json, JsonError};

/// What a handler is given.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Body, Request};
///
/// /// Those of the crate `http` are its methods: a test of a handler makes one as anybody does.
/// fn handler(request: Request) -> String {
///     format!("{} {}\n", request.method(), request.uri().path())
/// }
/// let request = http::Request::get("/basket").body(Body::empty())?;
/// assert_eq!(handler(request), "GET /basket\n");
/// # http::Result::Ok(())
/// ```
pub type Request = http::Request<Body>;
/// What a handler gives back.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Body, Request, Response};
///
/// fn handler(_request: Request) -> Response {
///     let mut response = Response::new(Body::from("later\n"));
///     *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
///     response.headers_mut().insert("retry-after", http::HeaderValue::from_static("5"));
///     response
/// }
/// # assert_eq!(handler(Request::default()).status(), 503);
/// ```
pub type Response = http::Response<Body>;
/// A response that is being made.
pub type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A blocking application: it may wait as long as it likes (in the class' way, see [`crate::wait`]).
/// Every closure `Fn(Request) -> impl IntoResponse` is one; a type of your own is one, too:
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::app::IntoResponse;
/// use oxicorn::{App, Request, Response};
///
/// struct Greeter {
///     greeting: String,
/// }
///
/// impl App for Greeter {
///     fn call(&self, request: Request) -> Response {
///         format!("{}, {}\n", self.greeting, request.uri().path()).into_response()
///     }
/// }
/// ```
pub trait App: Send + Sync + 'static {
    /// Answers one request. A panic is answered with 500 and logged; the worker goes on.
    fn call(&self, request: Request) -> Response;

    /// Called once by each thread that a worker class keeps for handlers, before its first request:
    /// what is made here is there even when the process is out of descriptors or memory later. (The
    /// blocking pool of `tokio` has no such threads: they come and go.)
    fn begin_thread(&self) {}

    /// The same application, if its calls may answer before they return: for hosts of other languages,
    /// whose interfaces have a function that writes. The classes whose handlers block ask for it.
    fn as_early(&self) -> Option<&dyn EarlyApp> {
        None
    }
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

/// An asynchronous application, for the class `tokio`. Few programs implement it: a `tower` service
/// is one already (`oxicorn::serve_async`). [`Application::asynchronous`] has an example.
pub trait AsyncApp: Send + Sync + 'static {
    /// Answers one request.
    fn call(&self, request: Request) -> ResponseFuture;
}

impl<A: AsyncApp + ?Sized> AsyncApp for Arc<A> {
    fn call(&self, request: Request) -> ResponseFuture {
        (**self).call(request)
    }
}

/// What a worker is to serve: an application in one form, or in both.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Application, Request};
///
/// let hello = Application::blocking("hello", |_request: Request| "hi\n");
/// assert_eq!(hello.name(), "hello");
/// ```
#[derive(Clone)]
pub struct Application {
    name: Arc<str>,
    blocking: Option<Arc<dyn App>>,
    asynchronous: Option<Arc<dyn AsyncApp>>,
    driven: Option<Arc<dyn App>>,
    foreign: Option<Arc<dyn Any + Send + Sync>>,
}

impl Application {
    fn called(name: &str) -> Application {
        Application {
            name: name.into(),
            blocking: None,
            asynchronous: None,
            driven: None,
            foreign: None,
        }
    }

    /// A blocking application; `name` is what process titles and logs call it.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::{Application, Request};
    /// Application::blocking("hello", |_request: Request| "hi\n");
    /// ```
    pub fn blocking(name: &str, app: impl App) -> Application {
        Application { blocking: Some(Arc::new(app)), ..Application::called(name) }
    }

    /// An asynchronous application, for the class `tokio`.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// use oxicorn::app::{IntoResponse, ResponseFuture};
    /// use oxicorn::{Application, AsyncApp, Request};
    ///
    /// struct Hello;
    /// impl AsyncApp for Hello {
    ///     fn call(&self, _request: Request) -> ResponseFuture {
    ///         Box::pin(async { "hi\n".into_response() })
    ///     }
    /// }
    /// Application::asynchronous("hello", Hello);
    /// ```
    pub fn asynchronous(name: &str, app: impl AsyncApp) -> Application {
        Application { asynchronous: Some(Arc::new(app)), ..Application::called(name) }
    }

    /// An application in a form of its own, which only a class that knows it can serve:
    /// [`Application::as_foreign`].
    pub fn foreign(name: &str, app: impl Any + Send + Sync) -> Application {
        Application { foreign: Some(Arc::new(app)), ..Application::called(name) }
    }

    /// The same application in both forms: each class takes the one that suits it.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::app::{IntoResponse, ResponseFuture};
    /// # use oxicorn::{Application, AsyncApp, Request};
    /// # struct Hello;
    /// # impl AsyncApp for Hello {
    /// #     fn call(&self, _request: Request) -> ResponseFuture {
    /// #         Box::pin(async { "hi\n".into_response() })
    /// #     }
    /// # }
    /// let hello = Application::both("hello", |_request: Request| "hi\n", Hello);
    /// assert!(hello.as_blocking().is_some() && hello.as_async().is_some());
    /// ```
    pub fn both(name: &str, blocking: impl App, asynchronous: impl AsyncApp) -> Application {
        Application { blocking: Some(Arc::new(blocking)), ..Self::asynchronous(name, asynchronous) }
    }

    /// The same application, and `driver`: a call of it runs the asynchronous form to its end, and
    /// occupies its thread meanwhile. For the classes that give each request a thread.
    #[must_use]
    pub fn driven_by(self, driver: impl App) -> Application {
        Application { driven: Some(Arc::new(driver)), ..self }
    }

    /// The same under another name.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::{Application, Request};
    /// let shop = Application::blocking("app", |_request: Request| "hi\n").named("shop");
    /// assert_eq!(shop.name(), "shop");
    /// ```
    #[must_use]
    pub fn named(self, name: &str) -> Application {
        Application { name: name.into(), ..self }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its blocking form, if it has one.
    pub fn as_blocking(&self) -> Option<&Arc<dyn App>> {
        self.blocking.as_ref()
    }

    /// What a request may call that has a thread for itself: the blocking form, or else the
    /// asynchronous one by its driver.
    pub fn on_thread(&self) -> Option<&Arc<dyn App>> {
        self.blocking.as_ref().or(self.driven.as_ref())
    }

    /// For a thread that is about to answer requests: see [`App::begin_thread`].
    pub fn begin_thread(&self) {
        self.on_thread().into_iter().for_each(|app| app.begin_thread());
    }

    /// Its blocking form, for a class that can run no other.
    ///
    /// # Errors
    /// It has none.
    pub fn need_blocking(&self, class: &str) -> Result<(), ConfigError> {
        self.blocking.as_ref().map(drop).ok_or_else(|| self.unsuited(class))
    }

    /// One of the forms that occupy a thread, for a class whose requests have one each.
    ///
    /// # Errors
    /// It has none.
    pub fn need_thread_form(&self, class: &str) -> Result<(), ConfigError> {
        self.on_thread().map(drop).ok_or_else(|| self.unsuited(class))
    }

    fn unsuited(&self, class: &str) -> ConfigError {
        let suited = match self.driven {
            Some(_) => "-k tokio, or -k threaded or -k sync",
            None => "-k tokio",
        };
        ConfigError::message(format!(
            "the application {:?} is asynchronous only: the worker class {class} runs blocking \
             handlers; use {suited}",
            self.name
        ))
    }

    /// What it is in a form of its own, if this is that form.
    pub fn as_foreign<T: Any>(&self) -> Option<&T> {
        self.foreign.as_deref()?.downcast_ref()
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
            .field("driven", &self.driven.is_some())
            .field("foreign", &self.foreign.is_some())
            .finish()
    }
}

/// What is known of a connection, the same for each of its requests.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Request, RequestExt};
///
/// fn through_a_proxy(request: &Request) -> bool {
///     let connection = request.arrival().map(|arrival| &arrival.connection);
///     connection.is_some_and(|connection| connection.peer != connection.sender)
/// }
/// # assert!(!through_a_proxy(&Request::default()));
/// ```
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
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Request, RequestExt, Scheme};
///
/// fn is_encrypted(request: &Request) -> bool {
///     request.scheme() == Scheme::Https
/// }
/// # assert!(!is_encrypted(&Request::default()));
/// ```
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
///
/// [`RequestExt`] asks it; an extractor of a framework may take it as it is:
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::Arrival;
///
/// fn here(arrival: &Arrival) -> String {
///     format!("by {} at {}", arrival.scheme.as_str(), arrival.connection.local)
/// }
/// ```
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn a_closure_is_an_application() {
        let app = Application::blocking("x", |_: Request| (StatusCode::CREATED, "made\n"));
        let response = app.as_blocking().unwrap().call(Request::new(Body::empty()));
        assert_eq!(response.status(), StatusCode::CREATED);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.into_body().bytes().unwrap(), "made\n");
        assert!(app.as_async().is_none());
    }

    struct Never;

    impl AsyncApp for Never {
        fn call(&self, _: Request) -> ResponseFuture {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn what_a_class_cannot_run_it_refuses_with_those_that_can() {
        let alone = Application::asynchronous("x", Never);
        let line = alone.need_thread_form("sync").unwrap_err().to_string();
        assert!(line.ends_with("sync runs blocking handlers; use -k tokio"), "{line}");
        let driven = alone.driven_by(|_: Request| "driven");
        assert_eq!(driven.need_thread_form("sync"), Ok(()));
        let line = driven.need_blocking("coroutine").unwrap_err().to_string();
        assert!(line.ends_with("use -k tokio, or -k threaded or -k sync"), "{line}");
    }
}
