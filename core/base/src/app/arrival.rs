//! What a request knows of how it came in. The worker classes keep it with the body, where it costs no
//! allocation. A layer or a framework that exchanges the body would lose it there, so before a request
//! goes to one it moves among the request's extensions: whoever asks finds it in either place.

use std::any::Any;

use http::{Extensions, HeaderMap};

use super::{Arrival, Scheme};
use crate::body::Body;
use crate::listener::{LocalAddress, Peer};
use crate::request_id::{Made, RequestId};
use crate::scoreboard::Outlook;

/// What a request knows beyond what [`http::Request`] has a place for. Every `http::Request` has these
/// methods, whatever its body has become on the way, and so have its parts. In axum,
/// `Extension<oxicorn::Arrival>` extracts what they are made from.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::{Request, RequestExt};
///
/// fn whoami(request: &Request) -> String {
///     let peer = request.peer().map(ToString::to_string).unwrap_or_default();
///     let name = request.request_id().map(|name| name.to_string()).unwrap_or_default();
///     format!("{peer} asks over {} as {name}\n", request.scheme().as_str())
/// }
/// # assert!(whoami(&Request::default()).contains("http"));
/// ```
pub trait RequestExt {
    /// How it came in; `None` for a request that no server has received.
    fn arrival(&self) -> Option<&Arrival>;

    /// The request target exactly as received (`uri()` is the same, parsed).
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::{Request, RequestExt};
    /// fn handler(request: Request) -> String {
    ///     format!("{}\n", request.target().escape_ascii())
    /// }
    /// ```
    fn target(&self) -> &[u8] {
        self.arrival().map_or(b"", |arrival| &arrival.target)
    }

    /// The scheme that the client used: `http`, unless a trusted proxy says otherwise.
    fn scheme(&self) -> Scheme {
        self.arrival().map_or(Scheme::default(), |arrival| arrival.scheme)
    }

    /// Whether the server has been told to stop. It may serve as ever meanwhile (`drain_delay`), but
    /// the answer to a readiness probe should be that it is not ready.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::{Request, RequestExt};
    /// use http::StatusCode;
    ///
    /// fn healthz(request: &Request) -> (StatusCode, &'static str) {
    ///     match request.is_stopping() {
    ///         true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    ///         false => (StatusCode::OK, "ok\n"),
    ///     }
    /// }
    /// # assert_eq!(healthz(&Request::default()).0, 200);
    /// ```
    fn is_stopping(&self) -> bool {
        let board = self.arrival().and_then(|arrival| arrival.connection.board);
        board.is_some_and(|board| board.outlook() != Outlook::Stays)
    }

    /// Its name: what `X-Request-Id` says, if that is 1 to 128 visible ASCII characters and none of
    /// them a quote or a backslash, otherwise one that is made by the first who asks. The access log
    /// has the same. `None` for a request that no server has received and that brings no name.
    fn request_id(&self) -> Option<RequestId>;

    /// Who has sent it: the client, never what a header says.
    ///
    /// ```
    /// # use oxicorn_core as oxicorn;
    /// # use oxicorn::{Request, RequestExt};
    /// fn is_local(request: &Request) -> bool {
    ///     request.peer().and_then(|peer| peer.ip()).is_some_and(|ip| ip.is_loopback())
    /// }
    /// ```
    fn peer(&self) -> Option<&Peer> {
        self.arrival().map(|arrival| &arrival.connection.peer)
    }

    /// The address of the server that it was sent to.
    fn local_address(&self) -> Option<&LocalAddress> {
        self.arrival().map(|arrival| &arrival.connection.local)
    }
}

impl<B: 'static> RequestExt for http::Request<B> {
    fn arrival(&self) -> Option<&Arrival> {
        let body = (self.body() as &dyn Any).downcast_ref::<Body>();
        body.and_then(|body| body.arrival.as_ref()).or_else(|| self.extensions().get())
    }

    fn request_id(&self) -> Option<RequestId> {
        name(self.headers(), self.arrival())
    }
}

impl RequestExt for http::request::Parts {
    fn arrival(&self) -> Option<&Arrival> {
        self.extensions.get()
    }

    fn request_id(&self) -> Option<RequestId> {
        name(&self.headers, self.arrival())
    }
}

fn name(headers: &HeaderMap, arrival: Option<&Arrival>) -> Option<RequestId> {
    if let Some(value) = RequestId::given(headers) {
        return Some(RequestId::Given(value.clone()));
    }
    Some((*arrival?.made_id.get_or_init(Made::new)).into())
}

/// Puts a request together: for the code that has parsed one.
pub fn with_arrival(mut body: Body, arrival: Arrival) -> Body {
    body.arrival = Some(arrival);
    body
}

/// Moves what a request knows of its arrival from its body to its extensions, and gives it: for
/// whoever hands the request on to code that knows no [`Body`]. `None`: it knows nothing.
pub fn arrival_of<'a>(body: &mut Body, extensions: &'a mut Extensions) -> Option<&'a Arrival> {
    // Moved, not copied: a name that is made for the request is made once.
    if let Some(arrival) = body.arrival.take() {
        extensions.insert(arrival);
    }
    extensions.get()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{ConnectionInfo, Request};
    use std::sync::{Arc, OnceLock};

    fn request() -> Request {
        let local = LocalAddress::Abstract("test".to_owned());
        Request::new(with_arrival(
            Body::empty(),
            Arrival {
                target: "/a".into(),
                scheme: Scheme::Https,
                connection: Arc::new(ConnectionInfo::accepted(Peer::Unix, local)),
                made_id: OnceLock::new(),
            },
        ))
    }

    #[test]
    fn it_is_found_with_the_body_and_without() {
        let request = request();
        assert_eq!((request.target(), request.scheme()), (&b"/a"[..], Scheme::Https));
        let name = request.request_id();
        assert!(name.is_some());
        let (mut parts, mut body) = request.into_parts();
        assert!(arrival_of(&mut body, &mut parts.extensions).is_some());
        assert_eq!(parts.request_id(), name);
        assert_eq!(parts.peer(), Some(&Peer::Unix));
        let other = http::Request::from_parts(parts, "another body");
        assert_eq!(other.request_id(), name, "it has one name only");
        assert!(matches!(other.local_address(), Some(LocalAddress::Abstract(_))));
        assert_eq!(http::Request::new("nobody has sent it").request_id(), None);
    }
}
