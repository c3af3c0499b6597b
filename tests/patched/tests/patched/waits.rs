//! Waits one by one and many at once, and what has come of them.

use std::collections::BTreeSet;

use oxicorn_tests::{Launch, Server, Serving};

use crate::{ask, asked, coroutine, subject, told};

const MANY: usize = 60;

fn all(server: &Server, route: &str) -> Vec<String> {
    let mut clients: Vec<_> = (0..MANY).map(|_| ask(server, route)).collect();
    clients.iter_mut().map(told).collect()
}

const SAME_EVERYWHERE: [(&str, &str); 23] = [
    ("/sleep", "slept\n"),
    ("/locks/rwlock", "whole\n"),
    ("/locks/once", "1\n"),
    ("/locks/stdout", "written\n"),
    ("/locks/queue", "1225\n"),
    ("/locks/panic", "true false\n"),
    ("/sockets/accept", "accepted\n"),
    ("/sockets/timeouts", "true 1 true\n"),
    ("/sockets/copy", "2097152\n"),
    ("/sockets/resolve", "true\n"),
    ("/files/pipe", "true\n"),
    ("/files/child", "ab exit status: 0\n"),
    ("/files/threads", "7\n"),
    ("/files/lock", "locked\n"),
    ("/files/records", "locked\n"),
    ("/pthreads/rwlock", "whole\n"),
    ("/pthreads/table-tennis", "40\n"),
    ("/pthreads/semaphore", "[0, 0] -1 true\n"),
    ("/pthreads/once", "1\n"),
    ("/pthreads/fortified", "word\n"),
    ("/pthreads/errors", "the same\n"),
    ("/script?unix,write:10:read:20,nothing:0:recv:1", "the same\n"),
    ("/", "hello\n"),
];

#[test]
fn each_comes_to_its_end() {
    let server = coroutine().start();
    for (route, answer) in SAME_EVERYWHERE {
        assert_eq!(asked(&server, route), answer, "{route}");
    }
    for (route, answer) in SAME_EVERYWHERE {
        for text in all(&server, route) {
            assert_eq!(text, answer, "{route}");
        }
    }
}

#[test]
fn where_handlers_have_threads_it_is_the_same() {
    let server = Launch::of(&subject("threaded", Serving::Threads)).threads(8).start();
    for (route, answer) in SAME_EVERYWHERE {
        assert_eq!(asked(&server, route), answer, "{route}");
    }
}

#[test]
fn a_lock_may_be_held_over_a_wait() {
    let server = coroutine().start();
    for route in ["/locks/mutex", "/locks/parking-lot", "/pthreads/mutex", "/pthreads/recursive"] {
        let counts: BTreeSet<usize> =
            all(&server, route).iter().map(|text| text.trim().parse().expect("a number")).collect();
        assert_eq!(counts, (1..=MANY).collect(), "{route}");
    }
}

#[test]
fn handlers_pass_words_on() {
    let server = coroutine().start();
    let mut receivers: Vec<_> = (0..MANY).map(|_| ask(&server, "/locks/receive")).collect();
    for text in all(&server, "/locks/send") {
        assert_eq!(text, "sent\n");
    }
    for receiver in &mut receivers {
        assert_eq!(told(receiver), "7\n");
    }
}

#[test]
fn a_descriptor_that_is_closed_ends_the_wait_for_it() {
    let server = coroutine().start();
    assert_eq!(asked(&server, "/sockets/closed"), "Some(9) Some(9)\n");
}

#[test]
fn a_handler_does_not_fork() {
    let server = coroutine().start();
    assert_eq!(asked(&server, "/files/fork"), "Some(11)\n");
    server.wait_for_line("GET /files/fork has tried to fork");
}
