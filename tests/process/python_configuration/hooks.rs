//! gunicorn's hooks: when each is called, with what, and what becomes of one that fails.

use oxicorn_tests::Signal;
use oxicorn_tests::process::Process;

use super::*;

/// Each writes its name, and something that shows what it was called with.
const ALL: &str = "
import os
def on_starting(server): server.log.info('hook on_starting %s', server.cfg.worker_class)
def nworkers_changed(server, new, old): server.log.info('hook nworkers_changed %s %s', new, old)
def when_ready(server): server.log.info('hook when_ready %d', server.pid)
def on_reload(server): server.log.info('hook on_reload')
def pre_fork(server, worker): server.log.info('hook pre_fork %s %s', worker.age, worker.pid)
def post_fork(server, worker):
    mine = worker.pid == os.getpid() and worker.ppid == server.pid == os.getppid()
    worker.log.info('hook post_fork %s %s', worker.age, mine)
def post_worker_init(worker): worker.log.info('hook post_worker_init %s', worker.wsgi.__name__)
def worker_int(worker): worker.log.info('hook worker_int %s', worker.nr)
def worker_abort(worker): worker.log.critical('hook worker_abort %s', worker.aborted)
def worker_exit(server, worker): worker.log.info('hook worker_exit %d', worker.pid)
def child_exit(server, worker): server.log.info('hook child_exit %d', worker.pid)
def pre_exec(server): server.log.info('hook pre_exec')
def on_exit(server): server.log.info('hook on_exit')
";

/// What the hooks have said so far, without the process and the time.
fn said(server: &Server) -> Vec<String> {
    let lines = server.error_log().matching(|line| line.contains("] hook "));
    lines.iter().filter_map(|line| Some(line.split_once("] hook ")?.1.to_owned())).collect()
}

#[test]
fn each_is_called_where_and_when_gunicorn_calls_it() {
    let mut server = configured(ALL).start();
    let master = server.master().pid();
    let worker = server.worker().pid();
    server.wait_for_line("hook post_worker_init");
    let start = [
        "nworkers_changed 1 None".to_owned(),
        "on_starting sync".to_owned(),
        format!("when_ready {master}"),
        "pre_fork 1 [booting]".to_owned(),
        "post_fork 1 True".to_owned(),
        "post_worker_init app".to_owned(),
    ];
    assert_eq!(said(&server), start);
    text(&server, "/");
    server.signal(Signal::SIGHUP);
    server.wait_for_line(&format!("hook child_exit {worker}"));
    let reload = said(&server).split_off(start.len());
    let at = |text: &str| reload.iter().position(|line| line == text);
    let order = [
        "nworkers_changed 1 1",
        "on_reload",
        "pre_fork 2 [booting]",
        "post_fork 2 True",
        &format!("worker_exit {worker}"),
        &format!("child_exit {worker}"),
    ];
    let order = order.map(|text| at(text).expect(text));
    assert!(order.is_sorted(), "{reload:?}");
    server.signal(Signal::SIGTTIN);
    server.wait_for_line("hook nworkers_changed 2 1");
    server.wait_for_lines("hook post_worker_init", 3);
    server.signal(Signal::SIGTTOU);
    server.wait_for_line("hook nworkers_changed 1 2");
    server.wait_for_lines("hook child_exit ", 2);
    server.wait_for_workers(1);
    let worker = server.worker().pid();
    server.signal(Signal::SIGINT);
    assert!(server.wait_exit(Deadline::seconds(20)).success());
    let end = said(&server);
    assert!(end.iter().any(|line| line.starts_with("worker_int ")), "{end:?}");
    assert!(end.contains(&format!("worker_exit {worker}")), "{end:?}");
    assert_eq!(end.last().map(String::as_str), Some("on_exit"));
}

#[test]
fn a_worker_that_does_not_come_back_is_aborted_with_its_hook_and_its_client_is_answered() {
    let server = configured(ALL).args(["--timeout", "3"]).start();
    let response = server.get("/sleep");
    assert_eq!(response.status, 504);
    server.wait_for_line("WORKER TIMEOUT");
    server.wait_for_line("[CRITICAL] hook worker_abort True");
}

#[test]
fn before_an_upgrade_there_is_a_hook() {
    let server = configured(ALL).start();
    server.signal(Signal::SIGUSR2);
    server.wait_for_line("hook pre_exec");
    let successor = server.wait_for_successor(1);
    server.wait_for_line(&format!("hook when_ready {}", successor.pid()));
    server.signal(Signal::SIGTERM);
    server.wait_for_lines("hook on_exit", 1);
    successor.signal(Signal::SIGTERM);
    server.wait_for_lines("hook on_exit", 2);
}

#[test]
fn one_that_fails_is_named_with_its_traceback_and_does_what_gunicorns_would() {
    // Before there is anything, there will be nothing; a worker that cannot begin does not begin.
    for (hook, code) in [("on_starting(server)", 3), ("when_ready(server)", 3)] {
        let mut server = configured(&format!("def {hook}:\n    raise KeyError('no')\n")).spawn();
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(code), "{hook}");
        server.wait_for_line("] KeyError: 'no'");
    }
    for (hook, code) in [("post_fork(server, worker)", 3), ("post_worker_init(worker)", 3)] {
        let mut server = configured(&format!("def {hook}:\n    raise KeyError('no')\n")).spawn();
        assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(code), "{hook}");
        let name = hook.split('(').next().unwrap();
        server.wait_for_line(&format!("the hook {name} has failed: KeyError: 'no'"));
    }
    // All others are called for what has happened anyway.
    let server = configured("def worker_exit(server, worker):\n    raise KeyError('no')\n").start();
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded");
    server.wait_for_line("the hook worker_exit has failed: KeyError: 'no'");
}

#[test]
fn a_worker_may_end_itself_and_another_takes_its_place() {
    let file = "
def post_request(worker, req, environ, resp):
    if req.path == '/last':
        worker.alive = False
";
    let server = configured(file).start();
    let first = server.worker();
    text(&server, "/last");
    Deadline::seconds(20).expect("another worker", || {
        let workers: Vec<Process> = server.workers();
        (workers.len() == 1 && workers[0] != first).then_some(())
    });
    assert_eq!(text(&server, "/"), "one");
}

#[test]
fn when_the_zygote_is_killed_the_next_one_has_the_hooks_and_starts_nothing_anew() {
    let server = configured(ALL).start();
    let zygotes = server.zygotes();
    zygotes.iter().for_each(|zygote| zygote.signal(Signal::SIGKILL));
    zygotes.iter().for_each(|zygote| {
        Deadline::seconds(10).expect("its end", || (!zygote.runs()).then_some(()));
    });
    server.signal(Signal::SIGTTIN);
    server.wait_for_line("hook post_fork 2 True");
    assert_eq!(said(&server).iter().filter(|line| line.starts_with("on_starting")).count(), 1);
}
