use super::*;
use oxicorn_core::body::Form;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

/// Ready at the second look, as a service behind a limit may be; not `Sync`, as a boxed one.
#[derive(Clone)]
struct Reluctant {
    asked: std::cell::Cell<u32>,
    answer: fn(Request) -> Result<http::Response<Body>, BoxError>,
}

impl Service<Request> for Reluctant {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.asked.set(self.asked.get() + 1);
        if self.asked.get() == 2 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert_eq!(self.asked.get(), 2, "it was not ready");
        ready((self.answer)(request))
    }
}

fn call(answer: fn(Request) -> Result<http::Response<Body>, BoxError>) -> http::Response<Body> {
    let app = asynchronous(Reluctant { asked: std::cell::Cell::new(0), answer });
    assert!(app.as_blocking().is_none() && app.as_async().is_some());
    // By its driver, which needs no runtime around it.
    app.on_thread().unwrap().call(Request::new(Body::empty()))
}

#[test]
fn it_is_called_when_it_is_ready_and_its_error_is_a_500() {
    let response = call(|_| Ok(http::Response::new("ready".into())));
    assert_eq!(response.body().form(), Form::Whole(5), "a body of ours is not wrapped");
    let failed = call(|_| Err("out of order".into()));
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_router_is_a_service() {
    use axum::{Router, routing::get};
    let app = asynchronous(Router::new().route("/", get(|| async { "hi" })));
    let response = app.on_thread().unwrap().call(Request::new(Body::empty()));
    assert_eq!(response.body().length(), Some(2));
    assert_eq!(response.into_body().bytes().unwrap(), "hi");
    let _: fn(Infallible) -> BoxError = Into::into;
}
