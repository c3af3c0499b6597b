//! What the settings do for a Python application: its folders, its environment, its logs, its user.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use oxicorn_tests::{Deadline, Signal};

use super::*;

/// Answers with a variable, and with who it is.
const SEES: &str = r#"
import os, sys
SEEN = "%s %s %d" % (os.environ.get("GREETING"), os.environ.get("NOTIFY_SOCKET"), os.getuid())
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("%s %d" % (SEEN, os.getuid())).encode()]
"#;

#[test]
fn the_environment_is_there_when_it_is_imported() {
    let launch = hosting("shop", SEES).args(["-c", "settings.toml"]);
    let file = launch.folder().join("settings.toml");
    fs::write(&file, "raw_env = [\"GREETING=hello\"]\n").unwrap();
    let server = launch.start();
    assert!(text(&server, "/").starts_with("hello None "));
    fs::write(&file, "raw_env = [\"GREETING=goodbye\"]\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded");
    // A worker of the former generation may still be leaving.
    Deadline::seconds(20)
        .expect("the new value", || text(&server, "/").starts_with("goodbye None ").then_some(()));
}

#[test]
fn modules_are_found_in_the_folder_of_chdir_and_in_those_of_pythonpath() {
    let launch = hosting("shop", "import wares\nfrom wares import app\n");
    let lib = launch.folder().join("lib");
    let site = launch.folder().join("site");
    fs::create_dir(&lib).unwrap();
    fs::create_dir(&site).unwrap();
    write(&lib, "wares", &version("of the library"));
    fs::rename(launch.folder().join("shop.py"), site.join("shop.py")).unwrap();
    let site = site.to_str().unwrap().to_owned();
    let server = launch.args(["--chdir", &site, "--pythonpath", "../lib"]).start();
    assert_eq!(text(&server, "/"), "of the library");
}

#[test]
fn everything_of_the_application_runs_as_the_workers_user() {
    if !nix::unistd::Uid::effective().is_root() {
        println!("skipped: only root can become another user");
        return;
    }
    let launch = hosting("shop", SEES).env("OXICORN_PYTHON", "/usr/bin/python3");
    if !Path::new("/usr/bin/python3").exists() || !is_open(Path::new(SERVER)) {
        println!("skipped: a stranger cannot read {SERVER}, or there is no /usr/bin/python3");
        return;
    }
    fs::set_permissions(launch.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let server = launch.args(["-u", "65534", "-g", "65534"]).start();
    assert_eq!(text(&server, "/"), "None None 65534 65534");
    for process in [zygote(&server), server.worker()] {
        let owner = fs::metadata(format!("/proc/{}/environ", process.pid())).unwrap().uid();
        println!("{:?} belongs to {owner}", process.title());
    }
    server.master().signal(Signal::SIGKILL);
    server.wait_end(Deadline::seconds(10));
}

/// Whether every folder on the way to it can be entered by anybody.
fn is_open(path: &Path) -> bool {
    let folders = path.ancestors().filter(|path| !path.as_os_str().is_empty());
    folders
        .into_iter()
        .all(|path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0))
}

#[test]
fn logs_are_opened_again_by_the_workers_and_by_those_who_come_later() {
    let launch = hosting("shop", APP).args(["--error-logfile", "error.log"]);
    let (error, access) = (launch.folder().join("error.log"), launch.folder().join("access.log"));
    let server = launch.access_log_in(&access).spawn();
    let holds = |path: &Path, text: &str| {
        fs::read_to_string(path).is_ok_and(|content| content.contains(text)).then_some(())
    };
    Deadline::seconds(20).expect("a worker", || holds(&error, "Booting worker"));
    server.get("/");
    Deadline::seconds(20).expect("the access", || holds(&access, "GET / "));
    for path in [&error, &access] {
        fs::rename(path, path.with_extension("old")).unwrap();
    }
    server.signal(Signal::SIGUSR1);
    Deadline::seconds(20).expect("the new log", || {
        server.get("/");
        holds(&access, "GET / ")
    });
    server.signal(Signal::SIGTTIN);
    Deadline::seconds(20).expect("the new worker's line", || holds(&error, "Booting worker"));
}
