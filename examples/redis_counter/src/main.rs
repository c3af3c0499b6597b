//! A counter in Redis: a client library that knows nothing of worker classes, over connections that do.
//! See the README.

mod connection;
mod spare;

use std::process::ExitCode;
use std::time::Duration;

use http::StatusCode;
use oxicorn::{IntoResponse, Request, Response};
use redis::{Commands, RedisResult};

use spare::Spare;

/// For everything that one request asks of Redis.
const PATIENCE: Duration = Duration::from_secs(2);

fn count(redis: &Spare, name: &str) -> RedisResult<u64> {
    redis.with(|connection| connection.incr(format!("counter:{name}"), 1))
}

/// `/NAME` counts how often it was asked for.
fn answer(redis: &Spare, request: &Request) -> Response {
    let name = request.uri().path().trim_start_matches('/');
    if name.is_empty() {
        return "GET /NAME counts\n".into_response();
    }
    match oxicorn::time::timeout(PATIENCE, || count(redis, name)) {
        Ok(Ok(count)) => format!("{name}: {count}\n").into_response(),
        Ok(Err(error)) => unavailable(&error),
        Err(elapsed) => unavailable(&elapsed),
    }
}

fn unavailable(why: &dyn std::error::Error) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("no Redis: {why}\n")).into_response()
}

fn main() -> ExitCode {
    let address = std::env::var("REDIS").unwrap_or_else(|_| "127.0.0.1:6379".to_owned());
    let redis = Spare::to(address);
    oxicorn::serve(move |request: Request| answer(&redis, &request))
}
