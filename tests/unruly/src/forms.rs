//! The application in its two forms.

use std::future::Future;
use std::pin::Pin;

use http::header::CONTENT_LENGTH;
use oxicorn::{App, AsyncApp, Body, Request, Response};

use crate::deed::{Answer, Content, Deed};
use crate::{requests, routes};

/// As a blocking handler.
pub(crate) struct Blocking;

/// As an asynchronous one.
pub(crate) struct Asynchronous;

impl App for Blocking {
    fn call(&self, request: Request) -> Response {
        match routes::find(&request) {
            Deed::Answer(answer) => produced_by_iterator(answer),
            Deed::Read(how) => {
                produced_by_iterator(requests::read_blocking(how, request.into_body()))
            }
            Deed::Panic => panic_on_purpose(),
            Deed::Abort => std::process::abort(),
        }
    }
}

impl AsyncApp for Asynchronous {
    fn call(&self, request: Request) -> Pin<Box<dyn Future<Output = Response> + Send>> {
        Box::pin(async move {
            match routes::find(&request) {
                Deed::Answer(answer) => produced_by_polling(answer),
                Deed::Read(how) => {
                    produced_by_polling(requests::read_async(how, request.into_body()).await)
                }
                Deed::Panic => panic_on_purpose(),
                Deed::Abort => std::process::abort(),
            }
        })
    }
}

/// An iterator cannot claim a length: what the script claims, a header field does.
fn produced_by_iterator(mut answer: Answer) -> Response {
    if let Content::Produced(script) = &answer.body
        && let Some(length) = script.hint
    {
        answer.headers.insert(CONTENT_LENGTH, length.into());
    }
    answer.response(Body::from_chunks)
}

fn produced_by_polling(answer: Answer) -> Response {
    answer.response(Body::from_async)
}

#[expect(clippy::panic, reason = "the route exists for this")]
fn panic_on_purpose() -> Response {
    panic!("the handler panics on purpose")
}
