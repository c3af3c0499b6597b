//! The process that the server is to the system: its user, its folder, its environment, its sockets,
//! and the systems that start it. The binary is run, and looked at from outside.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is all tests, which clippy sees only in the functions that are marked so"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use oxicorn_tests::harness::{Finished, Invocation};
use oxicorn_tests::process::Process;
use oxicorn_tests::{Deadline, Launch, Serving, Subject};

#[path = "process/daemon.rs"]
mod daemon;
#[path = "process/identity.rs"]
mod identity;
#[path = "process/oom.rs"]
mod oom;
#[path = "process/sockets.rs"]
mod sockets;
#[path = "process/start.rs"]
mod start;
#[path = "process/suspended.rs"]
mod suspended;
#[path = "process/systemd.rs"]
mod systemd;
#[path = "process/together.rs"]
mod together;

const SERVER: &str = env!("CARGO_BIN_EXE_server");

/// A server of one worker.
fn server() -> Launch {
    through(Path::new(SERVER))
}

/// The same, started by one of the `programs`.
fn started_by(program: &str) -> Launch {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/process/programs");
    through(&folder.join(program)).env("SUITE_SERVER", SERVER)
}

fn through(binary: &Path) -> Launch {
    let class = "sync".to_owned();
    Launch::of(&Subject {
        binary: binary.to_owned(),
        class,
        serving: Serving::Inline,
        hosted: None,
    })
}

/// The server run to its end.
#[track_caller]
fn run(line: &str) -> Finished {
    let args = line.split_whitespace();
    Invocation::of(Path::new(SERVER)).args(args).run(Deadline::seconds(20))
}

/// Sees that it was refused with exactly this line.
#[track_caller]
fn assert_refused(finished: &Finished, code: i32, line: &str) {
    assert_eq!(finished.stderr, format!("Error: {line}\n"));
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(code), ""));
}

/// A field of `/proc/PID/status`.
#[track_caller]
fn status(process: Process, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{}/status", process.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field} in {text}")).trim().replace('\t', " ")
}

/// Who may look into a folder and make files in it.
fn permit(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
}

/// Whether the tests are root's; otherwise says that this one is skipped.
fn are_root() -> bool {
    let root = nix::unistd::Uid::effective().is_root();
    if !root {
        println!("skipped: only root can become another user");
    }
    root
}

/// Whether a stranger could run the server, which may lie in somebody's home; otherwise says so.
fn strangers_can_run_it() -> bool {
    let binary = PathBuf::from(SERVER);
    let open = binary
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty())
        .all(|path| fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0));
    let setpriv = fs::exists("/usr/bin/setpriv").unwrap_or(false);
    if !open || !setpriv {
        println!("skipped: {SERVER} is in a closed folder, or there is no setpriv");
    }
    open && setpriv
}
