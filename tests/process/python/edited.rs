//! The long run: clients ask while the application is edited and the server reloaded, over and over, in
//! every class. Nothing is lost, and every edit is served. Each answer carries its version, which the
//! access log counts.

use std::collections::BTreeMap;

use oxicorn_tests::load::{Load, Plan};
use oxicorn_tests::{Deadline, Signal};

use super::*;

/// The environment variables that say how many requests are sent at least, and how many edits are made.
const REQUESTS: &str = "EDITS_REQUESTS";
const EDITS: &str = "EDITS";

/// Not more than this many are waited for at once: a deadline is for hangs.
const BATCH: u64 = 250;

const WSGI: &str = r#"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Version", "VERSION")])
    return [b"VERSION\n"]
"#;

const ASGI: &str = r#"
async def app(scope, receive, send):
    assert scope["type"] == "http"
    headers = [(b"content-type", b"text/plain"), (b"x-version", b"VERSION")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"VERSION\n"})
"#;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text:?} is no number")),
        Err(_) => default,
    }
}

#[test]
fn every_edit_is_served_and_nothing_is_lost_in_sync() {
    edited("sync", Serving::Inline, WSGI, &python::machine());
}

#[test]
fn every_edit_is_served_and_nothing_is_lost_in_threaded() {
    edited("threaded", Serving::Threads, WSGI, &python::machine());
}

#[test]
fn every_edit_is_served_and_nothing_is_lost_in_gevent() {
    edited("gevent", Serving::Many, WSGI, &python::with_packages());
}

#[test]
fn every_edit_is_served_and_nothing_is_lost_in_tokio() {
    edited("tokio", Serving::Many, ASGI, &python::machine());
}

#[expect(clippy::print_stderr, reason = "what a long run is for")]
fn edited(class: &str, serving: Serving, app: &str, python: &Path) {
    let (requests, edits) = (number(REQUESTS, 1_500), number(EDITS, 3));
    let version = |edit: u64| app.replace("VERSION", &format!("v{edit}"));
    let launch = Launch::of(&Subject::new(SERVER, class, serving)).app("shop:app").workers(2);
    write(launch.folder(), "shop", &version(0));
    let log = launch.folder().join("access.log");
    let mut server = launch
        .env("OXICORN_PYTHON", python.to_str().unwrap())
        // A file that is edited twice in a second would be taken from the cache.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["--access-logformat", "%(s)s %({x-version}o)s"])
        .access_log_in(&log)
        .start();
    let plan = Plan { keep_alive: 4, per_request: 2, target: "/".to_owned(), at_most: u64::MAX };
    let load = Load::start(server.address(), &plan);
    let share = requests.div_ceil(edits + 1);
    answers(&load, share);
    for edit in 1..=edits {
        write(server.folder(), "shop", &version(edit));
        server.signal(Signal::SIGHUP);
        let rounds = usize::try_from(edit).unwrap();
        server.wait_for_lines("Reloaded: all workers are of generation", rounds);
        answers(&load, share);
    }
    let tally = load.stop();
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(20));
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for line in fs::read_to_string(&log).unwrap().lines() {
        *seen.entry(line.to_owned()).or_default() += 1;
    }
    eprintln!(
        "{class}: {} requests over {edits} reloads, {} lost, {} versions: {seen:?}",
        tally.ok,
        tally.lost() + tally.stale,
        seen.len()
    );
    tally.assert_nothing_lost();
    assert!(tally.ok >= requests, "{tally:?}");
    let expected: Vec<String> = (0..=edits).map(|edit| format!("200 v{edit}")).collect();
    assert!(expected.iter().all(|line| seen.contains_key(line)), "{seen:?}");
    // Nothing but they, and the request by which the server was found ready.
    assert_eq!(seen.len(), expected.len(), "{seen:?}");
    assert!(seen.values().sum::<u64>() >= tally.ok, "{seen:?}");
}

/// Waits until so many more have come.
fn answers(load: &Load, mut number: u64) {
    while number > 0 {
        let batch = number.min(BATCH);
        load.wait_for_answers(batch);
        number -= batch;
    }
}
