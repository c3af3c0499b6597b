//! How much of a coroutine's stack clients need. With PostgreSQL and Redis too, and what it was:
//!
//! `examples/databases/start cargo test -p oxicorn-clients stack -- --nocapture`

use oxicorn_tests::asking::asked;

use crate::upstream::Upstream;
use crate::{launch, mariadb};

/// KiB that a client may need. A stack has 256, and the application stands above the client.
const MOST: u32 = 192;

#[test]
fn a_stack_has_room_for_every_client() {
    let upstream = Upstream::start(1);
    let mut launch = upstream.known_to(launch("coroutine"));
    let mut routes = vec!["/", "/text", "/resolve", "/backtrace", "/rustls", "/ureq", "/openssl"];
    for (name, route) in [("POSTGRES", "/postgres"), ("REDIS", "/redis")] {
        if let Ok(url) = std::env::var(name) {
            launch = launch.env(name, &url);
            routes.push(route);
        }
    }
    let database = mariadb::start();
    if let Some(database) = &database {
        launch = launch.env("MYSQL", &database.url);
        routes.push("/mysql");
    }
    let server = launch.start();
    for route in routes {
        let answer = asked(&server, &format!("{route}?depth"));
        let line = answer.lines().last().expect("a line");
        let used: u32 = line.strip_suffix(" KiB").and_then(|n| n.parse().ok()).expect("a number");
        println!("{route}: {used} KiB");
        assert!(used <= MOST, "{route} needs {used} KiB");
    }
}
