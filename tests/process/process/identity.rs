//! Workers of another user than the master's. Only root can have them: elsewhere these tests say so
//! and are skipped.

use std::fs;
use std::os::unix::fs::MetadataExt;

use oxicorn_tests::{Deadline, Signal};

use super::*;

const USER: [&str; 4] = ["-u", "12345", "-g", "12346"];

/// All four of a process: real, effective, saved, and the file system's.
fn four(id: u32) -> String {
    [id; 4].map(|id| id.to_string()).join(" ")
}

#[test]
fn workers_are_the_user_and_the_master_is_not() {
    if !are_root() {
        return;
    }
    let server = server().args(USER).start();
    let (master, worker) = (server.master(), server.worker());
    assert_eq!((status(worker, "Uid"), status(worker, "Gid")), (four(12345), four(12346)));
    assert_eq!(status(worker, "Groups"), "", "the master's groups are the master's");
    assert_eq!(status(worker, "CapEff").trim_start_matches('0'), "");
    assert_eq!(status(master, "Uid"), four(0));
    assert_eq!(server.get("/").text(), "Hello, world!\n");
    // The signals still reach them.
    server.signal(Signal::SIGHUP);
    server.wait_for_line("Reloaded: all workers are of generation 2");
}

#[test]
fn a_named_user_brings_its_groups() {
    if !are_root() {
        return;
    }
    let (nobody, group) = ("nobody", nix::unistd::User::from_name("nobody").unwrap());
    let Some(group) = group.map(|user| user.gid.as_raw()) else {
        println!("skipped: the system has no user nobody");
        return;
    };
    let server = server().args(["--user", nobody, "--initgroups"]).start();
    assert_eq!(status(server.worker(), "Gid"), four(group));
    let groups = status(server.worker(), "Groups");
    assert!(groups.split(' ').any(|id| id == group.to_string()), "{groups:?}");
}

#[test]
fn logs_are_given_to_the_user_and_follow_a_rotation() {
    if !are_root() {
        return;
    }
    // The folder is root's: the user could make no file in it.
    let folder = tempfile::tempdir().unwrap();
    permit(folder.path(), 0o755);
    let (access, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let server = server().access_log_in(&access).args(USER).start();
    let owner = |path: &Path| fs::metadata(path).map(|meta| (meta.uid(), meta.gid())).ok();
    assert_eq!(owner(&access), Some((12345, 12346)));
    fs::rename(&access, &old).unwrap();
    server.signal(Signal::SIGUSR1);
    Deadline::seconds(20).until("the new access log", || owner(&access) == Some((12345, 12346)));
    Deadline::seconds(20).until("a line in it", || {
        server.get("/rotated");
        fs::read_to_string(&access).is_ok_and(|text| text.contains("GET /rotated "))
    });
    assert_eq!(server.error_log().count("could not be"), 0);
}

#[test]
fn unix_sockets_are_given_to_the_user_or_to_whom_the_address_says() {
    if !are_root() {
        return;
    }
    let more = tempfile::tempdir().unwrap();
    let path = more.path().join("more.sock");
    let address = format!("unix:{}?mode=0660&group=12347", path.display());
    let server = server().on_unix_socket().args(USER).args(["-b", &address]).start();
    let of = |path: &Path| {
        let meta = fs::symlink_metadata(path).unwrap();
        (meta.uid(), meta.gid(), meta.mode() & 0o777)
    };
    assert_eq!(of(&server.folder().join("server.sock")), (12345, 12346, 0o755));
    assert_eq!(of(&path), (12345, 12347, 0o660));
}

#[test]
fn without_the_capability_no_worker_boots() {
    if !are_root() || !strangers_can_run_it() {
        return;
    }
    let mut server = started_by("stranger").args(["-u", "12346"]).spawn();
    let line = server.wait_for_error_line("Exception in worker process");
    assert_eq!(
        line.message,
        "Exception in worker process: cannot run as user 12346 and group 12345: setgroups: EPERM: \
         Operation not permitted"
    );
    assert_eq!(server.wait_exit(Deadline::seconds(20)).code(), Some(3));
}

#[test]
fn to_become_who_one_is_needs_no_capability() {
    if !are_root() || !strangers_can_run_it() {
        return;
    }
    let server = started_by("stranger").args(["-u", "12345", "-g", "12345"]).start();
    assert_eq!(status(server.worker(), "Uid"), four(12345));
}
