//! What Python says by itself is in the error log, as everything there is: with the process, and a level.

use oxicorn_tests::Signal;

use super::*;

const TALKS: &str = r#"
import logging, sys, threading, warnings
warnings.simplefilter("always")
warnings.warn("while it is imported")
logging.basicConfig(format="mine: %(message)s", stream=sys.stdout)
HANDLERS = list(logging.root.handlers)
class Falls:
    def __del__(self):
        raise KeyError("of __del__")
def fails():
    raise KeyError("of a thread")
def app(environ, start_response):
    warnings.warn("when it\nruns")
    thread = threading.Thread(target=fails, name="helper")
    thread.start()
    thread.join()
    Falls()
    logging.warning("by logging %s", logging.root.handlers == HANDLERS)
    print("printed")
    print("to the error stream", file=sys.stderr)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"said"]
"#;

fn talking(arguments: &[&str]) -> Launch {
    let launch = plain().args(arguments);
    write(launch.folder(), "shop.py", TALKS);
    launch
}

#[test]
fn warnings_and_lost_exceptions_have_a_level_and_a_process() {
    let server = talking(&[]).start();
    server.wait_for_line("[WARNING] UserWarning: while it is imported (");
    let worker = server.worker().pid();
    text(&server, "/");
    for line in [
        "[WARNING] UserWarning: when it",
        "[WARNING] runs (",
        "[ERROR] Exception in helper:",
        "[ERROR] KeyError: 'of a thread'",
        "[ERROR] KeyError: 'of __del__'",
    ] {
        let found = server.wait_for_line(line);
        assert!(found.contains(&format!("[{worker}] {line}")), "{found}");
    }
    server.wait_for_line("to the error stream");
}

#[test]
fn the_logging_of_the_application_is_its_own_and_captured_output_comes_line_by_line() {
    let server = talking(&["--capture-output", "--error-logfile", "error.log"]).spawn();
    assert_eq!(text(&server, "/"), "said");
    let log = server.folder().join("error.log");
    let holds = |line: &str| {
        Deadline::seconds(10).expect(line, || {
            fs::read_to_string(&log).unwrap_or_default().lines().any(|l| l == line).then_some(())
        });
    };
    holds("mine: by logging True");
    // While the worker goes on: nothing waits in a buffer.
    holds("printed");
    holds("to the error stream");
}

#[test]
fn a_worker_that_is_aborted_says_what_it_was_doing() {
    let server = plain().args(["--timeout", "3"]).start();
    server.get("/sleep");
    server.wait_for_foreign("Fatal Python error: Aborted\n");
    server.wait_for_foreign("shop.py\", line 6 in app\n");
    server.signal(Signal::SIGTERM);
}
