//! `capture_output`, and the name of a request as its handler knows it: seen with the example
//! `talkative`, which cargo builds with the tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use oxicorn_tests::harness::Server;
use oxicorn_tests::load::{Load, Plan};
use oxicorn_tests::{Deadline, Launch, Request, Serving, Signal, Subject};

fn talkative(class: &str, serving: Serving) -> Launch {
    let server = Path::new(env!("CARGO_BIN_EXE_server"));
    let binary = server.with_file_name("examples").join("talkative");
    Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None })
}

fn stop(server: &mut Server) {
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(20));
}

const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];

fn plan(at_most: u64) -> Plan {
    Plan { keep_alive: 4, per_request: 0, target: "/".to_owned(), at_most }
}

#[test]
fn what_workers_print_is_in_the_error_log_line_by_line() {
    for (class, serving) in CLASSES {
        let launch = talkative(class, serving).workers(2).args(["--capture-output"]);
        let (file, moved) = (launch.folder().join("errors"), launch.folder().join("errors.1"));
        let mut server = launch.args(["--error-logfile"]).args([&file]).spawn();
        Load::start(server.address(), &plan(20)).join().assert_nothing_lost();
        // The file that it goes to is followed too.
        fs::rename(&file, &moved).unwrap();
        server.signal(Signal::SIGUSR1);
        Deadline::seconds(20).until("something printed into the new file", || {
            server.get("/");
            fs::read_to_string(&file).is_ok_and(|text| text.contains("printed "))
        });
        let answered = server.wait_for_accesses("GET / HTTP/1.1", 81).len();
        assert!(answered > 80);
        // The access log stays on standard output.
        assert!(server.access_log().all().iter().all(|line| line.starts_with("127.0.0.1 ")));
        stop(&mut server);
        let text = fs::read_to_string(&moved).unwrap() + &fs::read_to_string(&file).unwrap();
        let (mut printed, mut said) = (BTreeSet::new(), 0);
        for line in text.lines() {
            match line.strip_prefix("printed ").and_then(|rest| rest.split_once(' ')) {
                Some((name, filler)) => {
                    assert_eq!((name.len(), filler), (24, "x".repeat(500).as_str()), "{line}");
                    assert!(printed.insert(name), "{name} twice");
                }
                None if line == "said to standard error" => said += 1,
                None => assert!(line.starts_with('['), "neither ours nor the server's: {line}"),
            }
        }
        assert_eq!(printed.len(), said);
        assert!(said >= answered, "{said} of {answered}");
    }
}

#[test]
fn with_the_error_log_on_standard_error_everything_goes_there() {
    let mut server = talkative("sync", Serving::Inline).args(["--capture-output"]).start();
    server.wait_for_lines("said to standard error", 1);
    server.wait_for_lines("printed ", 1);
    assert_eq!(server.access_log().count("printed"), 0);
    stop(&mut server);
}

#[test]
fn without_it_they_go_where_they_went() {
    let mut server = talkative("sync", Serving::Inline).start();
    server.wait_for_lines("said to standard error", 1);
    server.wait_for_accesses("printed ", 1);
    stop(&mut server);
}

#[test]
fn a_handler_and_the_access_log_know_a_request_by_the_same_name() {
    for (class, serving) in CLASSES {
        let mut server = talkative(class, serving).args(["--log-format", "json"]).start();
        let given = server.ask(&Request::get("/given").header("X-Request-Id", "from-the-proxy"));
        assert_eq!(given.text(), "from-the-proxy");
        server.wait_for_accesses("\"request_id\":\"from-the-proxy\"", 1);
        let made = server.get("/made").text();
        assert_eq!(made.len(), 24);
        let line = server.wait_for_accesses("\"target\":\"/made\"", 1).remove(0);
        assert!(line.contains(&format!("\"request_id\":\"{made}\"")), "{made}: {line}");
        stop(&mut server);
    }
}
