//! Workers come and go; no request that was begun is lost. A reload under load can be made long:
//!
//! ```sh
//! SWITCHING_REQUESTS=200000 cargo test -p oxicorn-switching --release hup_under_load -- --nocapture
//! ```

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use oxicorn_tests::{Deadline, Server, Signal};
use tokio::sync::Notify;
use tokio::task::LocalSet;

use super::client::{Client, Sends, get, run, run_within};
use super::{PATIENT, launch};

/// The environment variable that says how many requests are answered at least.
const REQUESTS: &str = "SWITCHING_REQUESTS";
/// A few seconds.
const FEW: usize = 400;

/// What is asked for; none of them is what the start of a server is tried with.
const TARGETS: [&str; 3] = ["/read?ms=5", "/?load", "/bytes?n=100000"];

fn was_not_taken(error: &h2::Error) -> bool {
    error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR)
}

/// What the clients have in common.
#[derive(Default)]
struct Load {
    answered: Cell<usize>,
    not_taken: Cell<usize>,
    connections: Cell<usize>,
    over: Cell<bool>,
    progress: Notify,
}

/// Sends requests, several at a time, and opens a new connection when the old one is said goodbye to.
async fn client(server: &Server, load: &Load) {
    while !load.over.get() {
        // Refused: the server has gone, which a test that is over expects.
        let Some(mut client) = Client::try_connect(server).await else {
            assert!(load.over.get(), "a connection");
            return;
        };
        load.connections.set(load.connections.get() + 1);
        while !load.over.get() {
            let mut responses = Vec::new();
            for target in TARGETS {
                match client.begin(get(target), Sends::Nothing).await {
                    Ok((response, _)) => responses.push(super::client::answer(response)),
                    Err(error) => {
                        assert!(error.is_go_away() || error.is_io(), "{error}");
                        break;
                    }
                }
            }
            if responses.is_empty() {
                break;
            }
            // All at once: what one of them does not read is room that another one has not.
            for answer in futures_util::future::join_all(responses).await {
                // It came behind the last one that the server has taken (RFC 9113 section 6.8); that
                // it was not taken, the access log proves in the end.
                if answer.as_ref().is_err_and(was_not_taken) {
                    load.not_taken.set(load.not_taken.get() + 1);
                    continue;
                }
                let answer = answer.expect("no request is lost");
                assert_eq!(answer.status, 200);
                load.answered.set(load.answered.get() + 1);
                load.progress.notify_waiters();
            }
        }
    }
}

async fn wait_for(load: &Load, more: usize) {
    let wanted = load.answered.get() + more;
    while load.answered.get() < wanted {
        load.progress.notified().await;
    }
}

fn under_load(server: &Server, clients: usize, test: impl AsyncFnOnce(&Load)) -> Rc<Load> {
    under_load_within(PATIENT * 4, server, clients, test)
}

fn under_load_within(
    limit: Duration,
    server: &Server,
    clients: usize,
    test: impl AsyncFnOnce(&Load),
) -> Rc<Load> {
    run_within(limit, async {
        let load = Rc::new(Load::default());
        let all = LocalSet::new();
        all.run_until(async {
            let clients = (0..clients).map(|_| client(server, &load));
            let clients = futures_util::future::join_all(clients);
            tokio::join!(clients, async {
                test(&load).await;
                load.over.set(true);
            });
        })
        .await;
        load
    })
}

#[test]
fn hup_under_load() {
    let wanted = match std::env::var(REQUESTS) {
        Ok(text) => text.parse().expect("a number of requests"),
        Err(_) => FEW,
    };
    let server = launch().workers(2).start();
    let (started, reloads) = (Instant::now(), Cell::new(0));
    // A hundred requests a second are few on any machine.
    let limit =
        PATIENT * 4 + Duration::from_millis(10) * u32::try_from(wanted).expect("not that many");
    let load = under_load_within(limit, &server, 4, async |load| {
        wait_for(load, 100).await;
        while reloads.get() < 3 || load.answered.get() < wanted {
            reloads.set(reloads.get() + 1);
            server.signal(Signal::SIGHUP);
            while server.error_log().count("Worker exiting") < 2 * reloads.get() {
                wait_for(load, 1).await;
            }
            wait_for(load, 100).await;
        }
    });
    assert!(load.connections.get() > 4, "workers have said goodbye");
    println!(
        "{} requests answered, {} reloads, {} connections, {} requests that a leaving worker had not \
         taken, {:.1?}",
        load.answered.get(),
        reloads.get(),
        load.connections.get(),
        load.not_taken.get(),
        started.elapsed()
    );
    let taken = |target| server.access_log().count(&format!("GET {target} "));
    let all = || TARGETS.into_iter().map(taken).sum::<usize>() >= load.answered.get();
    Deadline::seconds(10).until("the lines of all", all);
    let taken = TARGETS.into_iter().map(taken).sum::<usize>();
    assert_eq!(taken, load.answered.get(), "what was taken was answered");
}

#[test]
fn term_answers_what_was_begun() {
    let mut server = launch().start();
    run(async {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        let (slow, _) =
            client.begin(get("/write?ms=1000"), Sends::Nothing).await.expect("a stream");
        let mut idle = Client::connect(&server).await;
        idle.get("/").await;
        server.signal(Signal::SIGTERM);
        let answer = super::client::answer(slow).await.expect("no request is lost");
        assert_eq!(answer.status, 200);
        client.end().await.expect("a clean end");
        idle.end().await.expect("a clean end");
    });
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn graceful_timeout_is_the_end_of_all() {
    let mut server = launch().args(["--graceful-timeout", "1"]).start();
    run(async {
        let mut client = Client::connect(&server).await;
        client.get("/").await;
        let (stuck, _) =
            client.begin(get("/write?ms=60000"), Sends::Nothing).await.expect("a stream");
        server.signal(Signal::SIGTERM);
        assert!(stuck.await.is_err());
    });
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn max_requests_counts_streams() {
    let server = launch().args(["--max-requests", "50"]).start();
    let load = under_load(&server, 2, async |load| {
        while server.error_log().count("Worker exiting") == 0 {
            wait_for(load, 1).await;
        }
    });
    assert!(load.connections.get() > 2, "workers were replaced");
    server.wait_for_line("Asking for a replacement: ");
}
