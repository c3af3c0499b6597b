//! A service on PostgreSQL and Redis, by the clients that everybody uses for code that blocks. Nothing
//! here is about worker classes: see the README.

mod databases;

use std::fmt::Write;
use std::process::ExitCode;

use http::StatusCode;
use oxicorn::{IntoResponse, Request, Response};
use redis::Commands;

use databases::{Databases, Unavailable};

/// How long `/slow` takes when nothing is said, in milliseconds.
const SLOW: f64 = 50.0;

/// `/`: counts a visit in Redis, writes it down in PostgreSQL, and shows the last ones.
fn visit(databases: &Databases, request: &Request) -> Result<String, Unavailable> {
    let agent = request.headers().get(http::header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("somebody");

    // Each connection is given back before the next one is asked for: whoever has one never waits for
    // another, so the pools cannot lock each other up, however small they are.
    let visits: u64 = databases.redis()?.incr("visits", 1)?;

    let mut postgres = databases.postgres()?;
    let row =
        postgres.query_one("insert into visits (agent) values ($1) returning id", &[&agent])?;
    let row: i64 = row.get(0);
    let last = postgres.query("select id, agent from visits order by id desc limit 3", &[])?;

    let mut page = format!("visits: {visits}\nthis is row {row}\n\nthe last rows:\n");
    for visit in last {
        let (id, agent): (i64, String) = (visit.get(0), visit.get(1));
        let _ = writeln!(page, "{id} {agent}");
    }
    Ok(page)
}

/// `/slow`: a query that takes its time.
fn slow(databases: &Databases, request: &Request) -> Result<String, Unavailable> {
    let query = request.uri().query().unwrap_or_default();
    let millis = query.strip_prefix("ms=").and_then(|number| number.parse().ok()).unwrap_or(SLOW);
    databases.postgres()?.execute("select pg_sleep($1)", &[&(millis / 1000.0)])?;
    Ok(format!("PostgreSQL took {millis} ms\n"))
}

/// `/healthz`: whether both are there.
fn health(databases: &Databases) -> Result<String, Unavailable> {
    let _: () = databases.redis()?.ping()?;
    databases.postgres()?.simple_query("select 1")?;
    Ok("ok\n".to_owned())
}

fn answer(databases: &Databases, request: &Request) -> Response {
    let answer = match request.uri().path() {
        "/" => visit(databases, request),
        "/slow" => slow(databases, request),
        "/healthz" => health(databases),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match answer {
        Ok(page) => page.into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

fn main() -> ExitCode {
    let databases = Databases::default();
    oxicorn::serve(move |request: Request| answer(&databases, &request))
}
