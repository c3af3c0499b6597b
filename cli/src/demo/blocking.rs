//! The blocking form: it waits with [`crate::time`] and [`crate::net`], which the worker class
//! defines.

use std::io::{self, Read, Write};

use oxicorn_core::{Body, Response};

use super::bytes::Blocks;
use super::cpu;
use super::echo::{self, Echo};
use super::exchange::{Answer, Exchange};
use super::lines::Lines;
use super::plan::{Plan, panic_on_purpose};
use super::upstream::{BUFFER, CONNECT, Fetch, IDLE};
use crate::net::TcpStream;
use crate::time;

pub(super) fn carry_out(plan: Plan) -> Response {
    match plan {
        Plan::Answer(response) => response,
        Plan::Wait(time, response) => {
            time::sleep(time);
            response
        }
        Plan::Compute(time, wait, response) => {
            cpu::compute(time);
            if !wait.is_zero() {
                time::sleep(wait);
            }
            response
        }
        Plan::Blocks(blocks) => Blocks::response(blocks.length(), Body::from_chunks(blocks)),
        Plan::Lines(lines) => Lines::response(paced(lines)),
        Plan::Fetch(fetch) => fetch.response(exchange(&fetch)),
        Plan::Echo(echo, body) => read(*echo, body),
        Plan::Panic => panic_on_purpose(),
    }
}

fn paced(mut lines: Lines) -> Body {
    Body::from_chunks(std::iter::from_fn(move || {
        if let Some(pause) = lines.pause() {
            time::sleep(pause);
        }
        lines.next()
    }))
}

fn exchange(fetch: &Fetch) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(fetch.address(), CONNECT)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    stream.write_all(fetch.request())?;
    let mut exchange = Exchange::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return exchange.end();
        }
        if let Some(answer) = exchange.receive(&buffer[..count])? {
            return Ok(answer);
        }
    }
}

fn read(mut echo: Echo, mut body: Body) -> Response {
    loop {
        match body.next_chunk() {
            Ok(Some(chunk)) => echo.receive(&chunk),
            Ok(None) => {
                body.take_trailers().iter().for_each(|trailers| echo.receive_trailers(trailers));
                return echo.response();
            }
            Err(error) => return echo::cut_short(&error),
        }
    }
}
