//! A stream of events to a browser (the WHATWG's HTML standard, section "Server-sent events"), from a
//! blocking handler: the page at `/` shows what comes from `/events`.
//!
//! ```text
//! $ cargo run -p example-server-sent-events -- -k coroutine --timeout 0
//! $ curl -N http://127.0.0.1:8000/events
//! ```
//!
//! A stream occupies its handler for as long as the browser looks at it, so this is for `coroutine` (or
//! `tokio`): a waiting coroutine costs a stack, while `-k sync` could serve one client per worker and
//! `-k threaded` one per thread. `timeout` counts for a stream as for every request: switch it off, or
//! end the stream in time, as this one does; the browser comes back by itself, and says with
//! `Last-Event-ID` where it has been.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use oxicorn::{Body, IntoResponse, Request, Response, StatusCode};

const PACE: Duration = Duration::from_millis(50);
/// How many events one stream brings, before the browser has to come back.
const EVENTS: u64 = 20;

const PAGE: &str = "<!doctype html><title>Events</title><ol id=list></ol><script>
new EventSource('/events').onmessage = event => {
  list.append(Object.assign(document.createElement('li'), { textContent: event.data }))
}</script>
";

fn main() -> ExitCode {
    oxicorn::serve(|request: Request| match request.uri().path() {
        "/" => {
            (StatusCode::OK, [("content-type", "text/html; charset=utf-8")], PAGE).into_response()
        }
        "/events" => events(&request),
        _ => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
    })
}

fn events(request: &Request) -> Response {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let next = last.and_then(|id| id.parse::<u64>().ok()).map_or(1, |id| id.saturating_add(1));
    let events = (next..next.saturating_add(EVENTS)).map(move |number| {
        if number > next {
            oxicorn::time::sleep(PACE);
        }
        event(number)
    });
    // "no-store": an event is news once. nginx hands a response on as it comes when it is told so.
    let fields = [
        ("content-type", "text/event-stream"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
    ];
    (StatusCode::OK, fields, Body::from_chunks(events)).into_response()
}

fn event(number: u64) -> io::Result<Bytes> {
    Ok(format!("id: {number}\ndata: the event number {number}\n\n").into())
}
