//! The asynchronous form: it waits with tokio's timers and sockets. Where the blocking form would
//! compute, so does this one, on the event loop: `/cpu` shows what that costs.

use std::future::{Future, poll_fn, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready as ready_or_return};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use oxicorn_core::app::ResponseFuture;
use oxicorn_core::{AsyncApp, Body, Request, Response};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

use super::bytes::Blocks;
use super::cpu;
use super::echo::{self, Echo};
use super::exchange::{Answer, Exchange};
use super::lines::Lines;
use super::plan::{Plan, panic_on_purpose};
use super::upstream::{BUFFER, CONNECT, Fetch, IDLE};

/// The application that plans with `P` and carries the plan out here.
pub(super) struct Planned<P>(pub(super) P);

impl<P> AsyncApp for Planned<P>
where
    P: Fn(Request) -> Plan + Send + Sync + 'static,
{
    fn call(&self, request: Request) -> ResponseFuture {
        match (self.0)(request) {
            // A small future for the answers that are measured as cheap ones.
            Plan::Answer(response) => Box::pin(ready(response)),
            plan => Box::pin(carry_out(plan)),
        }
    }
}

async fn carry_out(plan: Plan) -> Response {
    match plan {
        Plan::Answer(response) => response,
        Plan::Wait(time, response) => {
            sleep(time).await;
            response
        }
        Plan::Compute(time, wait, response) => {
            cpu::compute(time);
            if !wait.is_zero() {
                sleep(wait).await;
            }
            response
        }
        Plan::Blocks(blocks) => Blocks::response(blocks.length(), Body::from_async(blocks)),
        Plan::Lines(lines) => {
            let pause = None;
            Lines::response(Body::from_async(Paced { lines, pause }))
        }
        Plan::Fetch(fetch) => fetch.response(exchange(&fetch).await),
        Plan::Echo(echo, body) => read(*echo, body).await,
        Plan::Panic => panic_on_purpose(),
    }
}

struct Paced {
    lines: Lines,
    pause: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.pause.is_none() {
            self.pause = self.lines.pause().map(|time| Box::pin(sleep(time)));
        }
        if let Some(pause) = &mut self.pause {
            ready_or_return!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(self.lines.next().map(|line| line.map(Frame::data)))
    }
}

async fn exchange(fetch: &Fetch) -> io::Result<Answer> {
    let stream = timeout(CONNECT, TcpStream::connect(fetch.address())).await??;
    let mut request = fetch.request();
    while !request.is_empty() {
        timeout(IDLE, stream.writable()).await??;
        let count = or_later(stream.try_write(request))?;
        request = &request[count.unwrap_or(0)..];
    }
    let mut exchange = Exchange::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        timeout(IDLE, stream.readable()).await??;
        let Some(count) = or_later(stream.try_read(&mut buffer))? else {
            continue;
        };
        if count == 0 {
            return exchange.end();
        }
        if let Some(answer) = exchange.receive(&buffer[..count])? {
            return Ok(answer);
        }
    }
}

/// tokio may say that a socket is ready when it is not.
fn or_later(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}

async fn read(mut echo: Echo, mut body: Body) -> Response {
    loop {
        match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            Some(Ok(frame)) => {
                if let Some(chunk) = frame.data_ref() {
                    echo.receive(chunk);
                } else if let Some(trailers) = frame.trailers_ref() {
                    echo.receive_trailers(trailers);
                }
            }
            None => return echo.response(),
            Some(Err(error)) => return echo::cut_short(&error),
        }
    }
}
