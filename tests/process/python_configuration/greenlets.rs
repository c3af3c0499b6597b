//! The hooks under `-k gevent`, where the worker's loop is gevent's and requests are greenlets.

use oxicorn_tests::{Request, Signal};

use super::*;

const HOOKS: &str = "
import os
def post_fork(server, worker): worker.log.info('hook post_fork %s', worker.pid == os.getpid())
def post_worker_init(worker):
    from gevent.monkey import is_module_patched
    worker.log.info('hook post_worker_init %s', is_module_patched('socket'))
def pre_request(worker, req):
    import gevent
    gevent.sleep(0)
    worker.log.info('hook pre_request %s', req.path)
def post_request(worker, req, environ, resp):
    worker.log.info('hook post_request %s %s', req.path, resp.status)
def worker_int(worker): worker.log.info('hook worker_int %s', worker.nr)
def worker_abort(worker): worker.log.critical('hook worker_abort %s', worker.aborted)
def worker_exit(server, worker): worker.log.info('hook worker_exit %s', worker.pid == os.getpid())
def child_exit(server, worker): server.log.info('hook child_exit %d', worker.pid)
";

const APP: &str = r#"
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/waits":
        time.sleep(60)
    while environ["PATH_INFO"] == "/spins":
        pass
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
"#;

fn greenlets(hooks: &str) -> Launch {
    let subject = Subject::new(SERVER, "gevent", Serving::Many);
    let launch = Launch::of(&subject).app("shop:app").args(["-c", "conf.py"]);
    write(launch.folder(), "conf.py", hooks);
    write(launch.folder(), "shop.py", APP);
    launch.env("OXICORN_PYTHON", python::with_packages().to_str().unwrap())
}

#[test]
fn they_are_called_as_in_every_class() {
    let mut server = greenlets(HOOKS).start();
    server.wait_for_line("hook post_fork True");
    server.wait_for_line("hook post_worker_init True");
    // A request that waits, in a hook or in its handler, keeps no other one waiting.
    let mut waits = server.connect();
    waits.send(&Request::get("/waits").bytes()).unwrap();
    server.wait_for_line("hook pre_request /waits");
    assert_eq!(text(&server, "/"), "here");
    server.wait_for_line("hook post_request / 200 OK");
    let worker = server.worker().pid();
    server.signal(Signal::SIGINT);
    assert!(server.wait_exit(Deadline::seconds(20)).success());
    // The harness has asked, too, to see that it serves.
    server.wait_for_line("hook worker_int 2");
    server.wait_for_line("hook worker_exit True");
    server.wait_for_line(&format!("hook child_exit {worker}"));
}

#[test]
fn a_request_that_takes_too_long_has_its_post_request() {
    let server = greenlets(HOOKS).args(["--timeout", "1"]).start();
    assert_eq!(server.get("/waits").status, 504);
    server.wait_for_line("hook post_request /waits None");
    assert_eq!(text(&server, "/"), "here");
}

#[test]
fn a_handler_that_does_not_give_way_is_aborted_with_its_hook() {
    let server = greenlets(HOOKS).args(["--timeout", "1"]).start();
    assert_eq!(server.get("/spins").status, 504);
    server.wait_for_line("WORKER TIMEOUT");
    server.wait_for_line("[CRITICAL] hook worker_abort True");
    assert_eq!(text(&server, "/"), "here");
}

#[test]
fn one_that_fails_does_what_it_does_elsewhere() {
    let failing = "def pre_request(worker, req):\n    raise KeyError('no')\n";
    let server = greenlets(failing).spawn();
    assert_eq!(server.get("/").status, 500);
    server.wait_for_line("Error handling request GET /: KeyError: 'no'");
    let failing = "def post_worker_init(worker):\n    raise KeyError('no')\n";
    let mut server = greenlets(failing).spawn();
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
    server.wait_for_line("the hook post_worker_init has failed: KeyError: 'no'");
}
