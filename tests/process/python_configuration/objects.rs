//! What people's hooks do with `server` and `worker`.

use oxicorn_tests::Signal;
use oxicorn_tests::harness::Lines;

use super::*;

/// A number for each worker that no other one has, which a successor takes over.
const NUMBERED: &str = "
import os
def pre_fork(server, worker):
    taken = {other.number for other in server.WORKERS.values()}
    worker.number = min(set(range(1, 100)) - taken)
def post_fork(server, worker):
    worker.notify()
    mine = os.getpid() in server.WORKERS
    worker.log.info('worker %d has number %d, %s', worker.pid, worker.number, mine)
def child_exit(server, worker):
    known = worker.pid in server.WORKERS
    server.log.info('left: %d %s %s', worker.pid, known, len(server.WORKERS))
def nworkers_changed(server, new, old):
    if old == 2:
        server.kill_workers(9)
";

/// The process that has said that it has this number, in the latest line that says so.
fn holder(log: &Lines, number: u32) -> String {
    let lines = log.matching(|line| line.contains(&format!("has number {number}, False")));
    let line = lines.last().cloned().unwrap_or_default();
    let pid = line.split_once("] worker ").and_then(|(_, rest)| rest.split(' ').next());
    pid.unwrap_or_default().to_owned()
}

#[test]
fn workers_are_known_by_their_numbers_as_long_as_they_live() {
    let server = configured(NUMBERED).workers(2).start();
    let log = server.error_log();
    server.wait_for_line("has number 1, False");
    server.wait_for_line("has number 2, False");
    let second = holder(log, 2);
    let workers = server.wait_for_workers(2);
    let victim = workers.iter().find(|worker| worker.pid().to_string() == second).unwrap();
    victim.signal(Signal::SIGKILL);
    server.wait_for_line(&format!("left: {second} False 1"));
    server.wait_for_lines("has number 2, False", 2);
    assert_ne!(holder(log, 2), second);
    // A hook may end them all; others take their places.
    server.signal(Signal::SIGTTIN);
    server.wait_for_lines("] left: ", 3);
    server.wait_for_workers(3);
    assert_eq!(text(&server, "/"), "one");
}

const ATTRIBUTES: &str = "
import signal
def on_starting(server):
    server.mine = 'kept'
    says = server.master_name, server.worker_age, server.num_workers, server.WORKERS, server.address
    server.log.info('server: %s', says)
    try:
        server.app.wsgi()
    except RuntimeError as error:
        server.log.info('early: %s', error)
def when_ready(server):
    server.log.info('app: %s %s', server.app.app_uri, server.app.wsgi() is server.app.callable)
    for name in ('reload', 'halt', 'LISTENERS', 'whatever'):
        try:
            getattr(server, name)
        except AttributeError as error:
            server.log.info('missing: %s', error)
    try:
        server.num_workers = 2
    except AttributeError as error:
        server.log.info('missing: %s', error)
    server.kill_worker(server.pid, signal.SIGKILL)
def post_worker_init(worker):
    says = worker.age, worker.nr, worker.booted, worker.alive, worker.aborted, worker.timeout
    worker.log.info('worker: %s %s', says, worker.app.callable is worker.wsgi)
    worker.log.info('guessed: %s %s', hasattr(worker, 'tmp'), getattr(worker, 'exitcode', None))
def worker_exit(server, worker):
    server.log.info('exit: %s %s', worker.app.callable.__name__, server.mine)
";

#[test]
fn what_is_there_works_and_what_is_not_says_what_to_do() {
    let mut server = configured(ATTRIBUTES).start();
    server.wait_for_line("server: ('Master', 0, 1, {}, [");
    for line in [
        "early: shop:app is not imported in this process yet",
        "app: shop:app True",
        "missing: server.reload: the master is another process, and heeds signals: \
         os.kill(server.pid, signal.SIGHUP)",
        "missing: server.halt: the master is another process, and heeds signals: \
         os.kill(server.pid, signal.SIGTERM)",
        "missing: server.LISTENERS: the sockets are the master's; server.address has their addresses",
        "missing: server.whatever: docs/python-configuration.md has a list of what there is",
        "missing: server.num_workers: the master is another process, and heeds signals: \
         os.kill(server.pid, signal.SIGTTIN)",
        "worker: (1, 0, True, True, False, 30) True",
        "guessed: False None",
    ] {
        server.wait_for_line(line);
    }
    server.signal(Signal::SIGTERM);
    assert!(server.wait_exit(Deadline::seconds(20)).success());
    server.wait_for_line("exit: app kept");
}

const METRICS: &str = "
from prometheus_client import multiprocess
def child_exit(server, worker):
    multiprocess.mark_process_dead(worker.pid)
    server.log.info('marked %d', worker.pid)
";

const MEASURED: &str = r#"
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, multiprocess
REQUESTS = Counter("requests", "how many there were")
WORKERS = Gauge("workers", "how many have served", multiprocess_mode="livesum")
def app(environ, start_response):
    REQUESTS.inc()
    WORKERS.set(1)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [generate_latest(registry)]
"#;

#[test]
fn metrics_of_many_processes_are_told_of_the_dead() {
    let launch = configured(METRICS);
    write(launch.folder(), "shop.py", MEASURED);
    let metrics = launch.folder().join("metrics");
    fs::create_dir(&metrics).unwrap();
    let server = launch
        .env("OXICORN_PYTHON", python::with_packages().to_str().unwrap())
        .env("PROMETHEUS_MULTIPROC_DIR", metrics.to_str().unwrap())
        .start();
    let before = text(&server, "/");
    assert_eq!(figure(&before, "workers "), 1.0);
    let worker = server.worker();
    worker.signal(Signal::SIGKILL);
    server.wait_for_line(&format!("marked {}", worker.pid()));
    let after = text(&server, "/");
    assert_eq!(figure(&after, "workers "), 1.0, "only the living count");
    let requests = "requests_total ";
    assert_eq!(figure(&after, requests), figure(&before, requests) + 1.0, "the dead's stay");
}

/// What a metric is.
fn figure(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|number| number.parse().ok()).unwrap_or(f64::NAN)
}
