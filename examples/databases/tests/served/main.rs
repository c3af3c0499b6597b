//! The example in every worker class, on a real PostgreSQL and a real Redis; without them it is skipped,
//! and says so.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

mod started;

use oxicorn_tests::{
    Asked, CLASSES, Connection, Deadline, Launch, Request, Response, Server, Serving, Subject,
};

use started::Databases;

fn launch(class: &str, serving: Serving, databases: &Databases) -> Launch {
    let binary = env!("CARGO_BIN_EXE_example-databases").into();
    let launch = Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None });
    launch.env("POSTGRES", &databases.postgres).env("REDIS", &databases.redis)
}

fn ask_at_once(server: &Server, target: &str, times: usize) -> Vec<Connection> {
    let request = Request::get(target).header("Connection", "close").bytes();
    let mut clients: Vec<_> = (0..times).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(&request).expect("the request"));
    clients
}

fn answers(clients: &mut [Connection]) -> impl Iterator<Item = Response> {
    clients.iter_mut().map(|client| client.receive(Asked::ForAll).expect("a response"))
}

/// The numbers of the page: those of Redis and of PostgreSQL.
fn numbers(page: &Response) -> (u64, i64) {
    let text = page.text();
    let lines: Vec<&str> = text.lines().collect();
    let [visits, row, "", "the last rows:", ..] = lines[..] else { panic!("{page:?}") };
    let visits = visits.strip_prefix("visits: ").and_then(|number| number.parse().ok());
    let row = row.strip_prefix("this is row ").and_then(|number| number.parse().ok());
    visits.zip(row).unwrap_or_else(|| panic!("{page:?}"))
}

#[test]
fn visits_are_counted_in_every_class() {
    const TIMES: usize = 100;
    let Some(databases) = started::start() else { return };
    for (class, serving) in CLASSES {
        let server = launch(class, serving, &databases).workers(2).start();
        let (visits, row) = numbers(&server.get("/"));
        let mut clients = ask_at_once(&server, "/", TIMES);
        let mut seen: Vec<(u64, i64)> = answers(&mut clients).map(|page| numbers(&page)).collect();
        seen.sort_unstable();
        let expected: Vec<u64> = (visits + 1..).take(TIMES).collect();
        assert_eq!(seen.iter().map(|seen| seen.0).collect::<Vec<_>>(), expected, "{class}");
        let mut rows: Vec<i64> = seen.iter().map(|seen| seen.1).collect();
        rows.sort_unstable();
        let expected: Vec<i64> = (row + 1..).take(TIMES).collect();
        assert_eq!(rows, expected, "{class}: each visit has a row");
        assert_eq!(server.get("/slow?ms=5").text(), "PostgreSQL took 5 ms\n");
        assert_eq!(server.get("/healthz").text(), "ok\n");
        assert_eq!(server.get("/nowhere").status, 404);
    }
}

/// One worker has as many queries open as there are clients, and time for somebody else beside them.
fn waits_for_many(class: &str, serving: Serving) {
    const TIMES: usize = 50;
    const OPEN: &str =
        "from pg_stat_activity where state = 'active' and query like 'select pg_sleep(%'";
    let threads = (TIMES + 1).to_string();
    let Some(databases) = started::start() else { return };
    let mut launch = launch(class, serving, &databases).env("CONNECTIONS", &threads);
    if serving == Serving::Threads {
        launch = launch.threads(TIMES as u32 + 1);
    }
    let server = launch.start();
    let mut clients = ask_at_once(&server, "/slow?ms=60000", TIMES);
    let mut postgres = databases.connect();
    Deadline::seconds(20).until("as many queries as clients", || {
        let row = postgres.query_one(&format!("select count(*) {OPEN}"), &[]).expect("a count");
        row.get::<_, i64>(0) == TIMES as i64
    });
    assert_eq!(server.get("/healthz").text(), "ok\n");
    let cancelled = postgres.query(&format!("select pg_cancel_backend(pid) {OPEN}"), &[]);
    assert_eq!(cancelled.expect("a row for each query").len(), TIMES);
    for answer in answers(&mut clients) {
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("canceling statement"), "{}", answer.text());
    }
    assert_eq!(server.get("/slow?ms=5").status, 200);
}

#[test]
fn threads_have_many_queries_open() {
    waits_for_many("threaded", Serving::Threads);
}

#[test]
fn one_thread_has_many_queries_open() {
    waits_for_many("coroutine", Serving::Many);
}

#[test]
fn a_pool_of_blocking_threads_has_many_queries_open() {
    waits_for_many("tokio", Serving::Many);
}
