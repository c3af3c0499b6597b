//! Which route a request is for, and what is to be done there. No waiting and no input or output
//! here: what both forms of the application have in common.

use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use oxicorn_core::Request;
use oxicorn_core::app::{IntoResponse, RequestExt};

use super::allowed::AllowList;
use super::echo::Echo;
use super::lines::{self, Lines};
use super::plan::Plan;
use super::query::{Query, WrongValue};
use super::upstream::{Fetch, Target};
use super::{bytes, cpu};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Hello,
    Healthz,
    Panic,
    Echo,
    Told(Told),
}

/// The routes that are told by a query how much, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Read,
    Write,
    Cpu,
    Bytes,
    Stream,
    Upstream,
}

/// The hello route is first: it is what everybody measures.
static ROUTES: [(&str, Route); 10] = [
    ("/", Route::Hello),
    ("/read", Route::Told(Told::Read)),
    ("/write", Route::Told(Told::Write)),
    ("/cpu", Route::Told(Told::Cpu)),
    ("/bytes", Route::Told(Told::Bytes)),
    ("/stream", Route::Told(Told::Stream)),
    ("/upstream", Route::Told(Told::Upstream)),
    ("/healthz", Route::Healthz),
    ("/panic", Route::Panic),
    (ECHO, Route::Echo),
];
const ECHO: &str = "/echo";

/// How many milliseconds a fast read takes when nobody says.
const READ: u64 = 5;
/// How many milliseconds a slow write takes when nobody says.
const WRITE: u64 = 50;
/// How many milliseconds any route waits or computes at most: an hour.
const LONGEST: u64 = 3_600_000;

impl Route {
    fn of(path: &str) -> Option<Route> {
        let below_echo = || {
            let rest = path.strip_prefix(ECHO)?;
            rest.starts_with('/').then_some(Route::Echo)
        };
        let row = ROUTES.iter().find(|(at, _)| *at == path);
        row.map(|&(_, route)| route).or_else(below_echo)
    }

    fn takes(self, method: &Method) -> bool {
        self == Route::Echo || *method == Method::GET || *method == Method::HEAD
    }
}

pub(super) fn plan(request: Request, allowed: &AllowList) -> Plan {
    let Some(route) = Route::of(request.uri().path()) else {
        return Plan::answer((StatusCode::NOT_FOUND, "there is nothing here\n"));
    };
    if !route.takes(request.method()) {
        return method_not_allowed();
    }
    match route {
        Route::Hello => Plan::answer("Hello, world!\n"),
        Route::Healthz if request.is_stopping() => {
            Plan::answer((StatusCode::SERVICE_UNAVAILABLE, "stopping\n"))
        }
        Route::Healthz => Plan::answer("ok\n"),
        Route::Panic => Plan::Panic,
        Route::Echo => Echo::plan(request),
        Route::Told(told) => plan_told(told, &request, allowed).unwrap_or_else(Plan::answer),
    }
}

fn method_not_allowed() -> Plan {
    let line = "only GET and HEAD are answered here\n";
    let mut response = (StatusCode::METHOD_NOT_ALLOWED, line).into_response();
    let allow = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allow);
    Plan::Answer(response)
}

fn plan_told(told: Told, request: &Request, allowed: &AllowList) -> Result<Plan, WrongValue> {
    let query = Query(request.uri().query().unwrap_or_default());
    Ok(match told {
        Told::Read => waited("read", millis(query, READ)?),
        Told::Write => waited("wrote", millis(query, WRITE)?),
        Told::Cpu => {
            let time = millis(query, cpu::DEFAULT)?;
            let wait = query.number("wait", 0, LONGEST).map(Duration::from_millis)?;
            Plan::Compute(time, wait, after("computed", time).into_response())
        }
        Told::Bytes => bytes::plan(query.number("n", bytes::DEFAULT, bytes::MOST)?),
        Told::Stream => {
            let count = query.number("n", lines::DEFAULT, lines::MOST)?;
            Plan::Lines(Lines::new(count, millis(query, lines::PACE)?))
        }
        Told::Upstream => Fetch::plan(query.parsed("url", Target::parse)?, allowed),
    })
}

fn millis(query: Query<'_>, default: u64) -> Result<Duration, WrongValue> {
    query.number("ms", default, LONGEST).map(Duration::from_millis)
}

fn after(did: &str, time: Duration) -> String {
    format!("{did} for {} ms\n", time.as_millis())
}

fn waited(did: &str, time: Duration) -> Plan {
    let line = after(did, time);
    if time.is_zero() {
        return Plan::answer(line);
    }
    Plan::Wait(time, line.into_response())
}
