//! `server` with the demo in its asynchronous form alone, as a `tower` service: what the contract suite
//! looks at to see that `sync` and `threaded` drive such an application as well as their own.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::task::{Context, Poll};

use oxicorn::{Applications, AsyncApp, ConfigError, Request, Response, asynchronous, demo};
use tower_service::Service;

#[derive(Clone)]
struct Demo(Arc<dyn AsyncApp>);

impl Service<Request> for Demo {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async { Ok(answer.await) })
    }
}

fn main() -> ExitCode {
    oxicorn::run(Applications::Named(|name| {
        let both = demo::by_name(name)?;
        let form = both.as_async().ok_or_else(|| ConfigError::message("it has no such form"))?;
        Ok(asynchronous(Demo(form.clone())).named(both.name()))
    }))
}
