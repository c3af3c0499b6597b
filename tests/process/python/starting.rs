//! The start, and the end of a server that has not got so far.

use oxicorn_tests::{Deadline, Signal};

use super::*;

const NEVER: &str = "import time\nprint('imported', flush=True)\ntime.sleep(1000)\n";

#[test]
fn a_stop_ends_the_first_import_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = hosting("shop", NEVER).spawn();
        server.wait_for_accesses("imported", 1);
        server.signal(signal);
        let status = server.wait_exit(Deadline::seconds(5));
        assert_eq!(status.code(), Some(0), "{signal}");
        assert_eq!(server.error_log().count("Traceback"), 0);
    }
}

#[test]
fn the_first_import_has_boot_timeout_and_is_tried_again() {
    let server = hosting("shop", NEVER).args(["--boot-timeout", "4"]).spawn();
    server.wait_for_lines("was not imported within boot_timeout", 2);
    server.wait_for_accesses("imported", 3);
}

#[test]
fn the_workers_are_the_masters_children_and_share_what_was_imported() {
    let app = "print('imported', flush=True)\n".to_owned() + APP;
    let server = hosting("shop", &app).workers(3).start();
    let workers = server.wait_for_workers(3);
    assert_eq!(server.access_log().count("imported"), 1);
    for worker in &workers {
        assert_eq!(worker.title().unwrap(), "server: worker [shop:app]");
    }
    assert_eq!(zygote(&server).title().unwrap(), "server: zygote [shop:app]");
    let answered = text(&server, "/pid");
    assert!(workers.iter().any(|worker| worker.pid().to_string() == answered));
    for (name, process) in [("master", server.master()), ("zygote", zygote(&server))] {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
        let resident = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        println!("{name}: {resident}");
    }
}

#[test]
fn without_preload_each_worker_imports_for_itself() {
    let app = "import os\nprint('imported by', os.getpid(), flush=True)\n".to_owned() + APP;
    let server = hosting("shop", &app).workers(2).args(["--no-preload"]).start();
    let workers = server.wait_for_workers(2);
    let imports = server.wait_for_accesses("imported by", 2);
    for worker in workers {
        let line = format!("imported by {}", worker.pid());
        assert!(imports.contains(&line), "{imports:?}");
    }
    write(server.folder(), "shop", &version("two"));
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
    // A worker of the former generation may still be leaving.
    Deadline::seconds(20).expect("two", || (text(&server, "/") == "two").then_some(()));
}
