//! What happens to processes: they are killed, told to be more or fewer, silent, worn out, upgraded.

use oxicorn_tests::load::{Load, Plan};
use oxicorn_tests::{Deadline, Signal};

use super::*;

const BOOTING: &str = "Booting worker with pid: ";

fn clients() -> Plan {
    Plan { keep_alive: 2, per_request: 2, target: "/".to_owned(), at_most: u64::MAX }
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let server = hosting("shop", APP).start();
    let worker = server.worker();
    let made_by = zygote(&server);
    worker.signal(Signal::SIGKILL);
    server.wait_for_line(&format!("Worker (pid:{}) was sent SIGKILL!", worker.pid()));
    server.wait_for_lines(BOOTING, 2);
    assert_eq!(text(&server, "/"), "one");
    assert_eq!(zygote(&server), made_by);
}

#[test]
fn a_zygote_that_is_killed_is_replaced_when_it_is_needed_and_nobody_notices() {
    let server = hosting("shop", APP).workers(2).start();
    let workers = server.wait_for_workers(2);
    let load = Load::start(server.address(), &clients());
    let first = zygote(&server);
    first.signal(Signal::SIGKILL);
    Deadline::seconds(10).expect("its end", || (!first.runs()).then_some(()));
    load.wait_for_answers(50);
    assert_eq!(server.workers(), workers);
    load.stop().assert_nothing_lost();
    server.signal(Signal::SIGTTIN);
    server.wait_for_workers(3);
    assert_ne!(zygote(&server), first);
    server.wait_for_lines(BOOTING, 3);
}

#[test]
fn when_the_master_is_killed_everybody_leaves() {
    let server = hosting("shop", APP).workers(2).start();
    server.wait_for_workers(2);
    server.master().signal(Signal::SIGKILL);
    server.wait_end(Deadline::seconds(10));
}

#[test]
fn signals_to_all_processes_of_the_server_are_heeded_by_those_whom_they_concern() {
    let mut server = hosting("shop", APP).start();
    let zygote = zygote(&server);
    let others = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH];
    for signal in others.into_iter().chain([Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT]) {
        zygote.signal(signal);
    }
    server.signal(Signal::SIGTTIN);
    server.wait_for_workers(2);
    assert!(zygote.runs());
    // As a service manager stops a group.
    for process in server.master().children() {
        process.signal(Signal::SIGTERM);
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn there_are_as_many_workers_as_the_operator_says() {
    let server = hosting("shop", APP).start();
    for workers in 2..=3 {
        server.signal(Signal::SIGTTIN);
        server.wait_for_workers(workers);
    }
    server.signal(Signal::SIGTTOU);
    server.wait_for_workers(2);
    assert_eq!(text(&server, "/"), "one");
}

#[test]
fn a_handler_that_sleeps_for_too_long_costs_its_worker() {
    let server = hosting("shop", APP).args(["-t", "4"]).start();
    let worker = server.worker();
    let answer = server.get("/sleep");
    assert_eq!(answer.status, 504);
    server.wait_for_line(&format!("WORKER TIMEOUT (pid:{})", worker.pid()));
    server.wait_for_line("GET /sleep");
    server.wait_for_lines(BOOTING, 2);
    assert_eq!(text(&server, "/"), "one");
}

#[test]
fn a_worker_that_has_served_enough_is_replaced_before_it_leaves() {
    let server = hosting("shop", APP).args(["--max-requests", "20"]).start();
    let load = Load::start(server.address(), &clients());
    server.wait_for_lines(BOOTING, 4);
    load.stop().assert_nothing_lost();
}

#[test]
fn an_upgrade_takes_the_application_along() {
    let mut server = hosting("shop", APP).workers(2).start();
    let load = Load::start(server.address(), &clients());
    write(server.folder(), "shop", &version("two"));
    let old = server.master();
    server.signal(Signal::SIGUSR2);
    let new = server.wait_for_successor(1);
    server.follow(new);
    old.signal(Signal::SIGTERM);
    server.wait_for_line("Master has been promoted");
    // A worker of the former generation may still be leaving.
    Deadline::seconds(20).expect("two", || (text(&server, "/") == "two").then_some(()));
    load.stop().assert_nothing_lost();
    assert_eq!(server.wait_started_exit(Deadline::seconds(10)).code(), Some(0));
    server.signal(Signal::SIGTERM);
    server.wait_end(Deadline::seconds(20));
}

#[test]
fn a_signal_handler_of_the_application_runs_while_nobody_asks_for_anything() {
    let app = r#"
import signal
signal.signal(signal.SIGALRM, lambda *_: print("alarmed", flush=True))
def app(environ, start_response):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    start_response("200 OK", [])
    return []
"#;
    // The main thread of the class with threads answers nothing itself.
    for more in [&[][..], &["--threads", "2"]] {
        let server = hosting("shop", app).args(more).start();
        server.wait_for_accesses("alarmed", 1);
    }
}

#[test]
fn as_process_1_it_serves_reloads_and_leaves_nobody_behind() {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/process/programs/first");
    let tried = std::process::Command::new(&program).env("SUITE_SERVER", "/bin/true").output();
    if !tried.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped, no namespaces here: {tried:?}");
        return;
    }
    let launch = hosting_by(&program, "shop", APP).env("SUITE_SERVER", SERVER);
    let mut server = launch.workers(2).start();
    server.wait_for_line("[1] [INFO] Listening at");
    let outside = server.master();
    let first = Deadline::seconds(10).expect("process 1", || outside.children().pop());
    write(server.folder(), "shop", &version("two"));
    first.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    // A worker of the former generation may still be leaving.
    Deadline::seconds(20).expect("two", || (text(&server, "/") == "two").then_some(()));
    first.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(0));
}

#[test]
fn what_is_to_be_done_at_the_end_is_done_by_each_worker_and_by_nobody_else() {
    let app = "import atexit, os\n\
        atexit.register(lambda: print('at exit', os.getpid(), flush=True))\n\
        print('buffered')\n"
        .to_owned()
        + APP;
    let mut server = hosting("shop", &app).workers(2).start();
    let workers = server.wait_for_workers(2);
    server.signal(Signal::SIGTERM);
    server.wait_exit(Deadline::seconds(20));
    let lines = server.access_log().matching(|line| line.starts_with("at exit"));
    let expected: Vec<String> =
        workers.iter().map(|worker| format!("at exit {}", worker.pid())).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(expected.iter().all(|line| lines.contains(line)), "{lines:?}");
    assert_eq!(server.access_log().count("buffered"), 1, "not once more by each worker");
}
