//! Exceptions, of every kind and in every place: 500, the traceback in the error log with the worker's
//! number, and the worker goes on.

use oxicorn_tests::harness::Level;

use crate::apps::Class;

const KINDS: [(&str, &str); 8] = [
    ("/value", "ValueError: invalid literal for int()"),
    ("/lines", "ValueError: first"),
    ("/chained", "ValueError: the effect"),
    ("/exit", "SystemExit: 3"),
    ("/interrupt", "KeyboardInterrupt"),
    ("/odd", "Odd"),
    ("/recursion", "RecursionError: maximum recursion depth exceeded"),
    ("/generator", "LookupError: in the generator"),
];

#[test]
fn an_exception_is_a_500_and_a_traceback() {
    for class in Class::ALL {
        let server = class.launch("raising").start();
        let worker = server.worker();
        for (target, says) in KINDS {
            assert_eq!(server.get(target).status, 500, "{class:?} {target}");
            let line =
                server.wait_for_error_line(&format!("Error handling request GET {target}: "));
            assert_eq!((line.level, line.pid), (Level::Error, worker.pid()));
            assert!(line.message.contains(says), "{line:?}");
        }
        server.wait_for_lines("[ERROR] Traceback (most recent call last):", KINDS.len());
        server.wait_for_line("KeyError: 'the cause'");
        server
            .wait_for_line("The above exception was the direct cause of the following exception:");
        server.wait_for_line("    return kind()");
        assert_eq!(server.get("/").text().trim(), worker.pid().to_string(), "it goes on");
    }
}

#[test]
fn no_exception_can_forge_a_line() {
    let server = Class::Sync.launch("raising").start();
    server.get("/lines");
    let line = server.wait_for_error_line("[1] [INFO] second");
    assert_eq!((line.level, line.pid), (Level::Error, server.worker().pid()), "{line:?}");
}
