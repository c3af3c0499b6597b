//! A handler that asks an upstream by ureq, whose calls block. See the README.

use std::process::ExitCode;

use example_upstream_ureq::upstream;
use oxicorn::{IntoResponse, Request, Response, StatusCode};
use ureq::Agent;

fn fetch(agent: &Agent, url: &str) -> Result<String, ureq::Error> {
    agent.get(url).call()?.body_mut().read_to_string()
}

/// `/upstream` asks; everything else says hello.
fn answer(agent: &Agent, url: &str, request: &Request) -> Response {
    if request.uri().path() != "/upstream" {
        return "hello\n".into_response();
    }
    match fetch(agent, url) {
        Ok(text) => format!("the upstream says: {text}").into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{url}: {error}\n")).into_response(),
    }
}

fn main() -> ExitCode {
    let (agent, url) = (Agent::new_with_defaults(), upstream());
    oxicorn::serve(move |request: Request| match &url {
        Ok(url) => answer(&agent, url, &request),
        Err(why) => (StatusCode::BAD_GATEWAY, format!("{why}\n")).into_response(),
    })
}
