//! The program as a process: that it serves, and that nobody else decides how.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use oxicorn_tests::harness::Invocation;
use oxicorn_tests::process::Process;
use oxicorn_tests::{Address, Connection, Deadline, Signal};

const BINARY: &str = env!("CARGO_BIN_EXE_example-embedding");

fn spawn(socket: &Path) -> Child {
    let mut command = Command::new(BINARY);
    // Nothing of these is to be looked at.
    command.env("OXICORN_WORKERS", "7").env("OXICORN_NONSENSE", "1").env("WEB_CONCURRENCY", "9");
    command.arg(socket).stderr(Stdio::null()).stdout(Stdio::null());
    command.spawn().expect("the example")
}

#[test]
fn the_program_decides_and_a_signal_ends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("server.toml"), "nonsense = 1").expect("a file");
    let path = folder.path().join("shop.sock");
    let mut child = spawn(&path);
    Deadline::seconds(20).until("its socket", || UnixStream::connect(&path).is_ok());
    let mut client = Connection::open(&Address::Unix(path.clone())).expect("a connection");
    let answer = client.get("/apples").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "/apples of the shop\n"));
    let master = Process::new(i32::try_from(child.id()).expect("a process number"));
    let workers = Deadline::seconds(20).expect("two workers", || {
        let workers = master.children();
        (workers.len() == 2).then_some(workers)
    });
    let title = Deadline::seconds(20)
        .expect("a title", || workers[0].title().filter(|title| title.contains("worker")));
    assert_eq!(title, "server: worker [shop]");
    drop(client);
    master.signal(Signal::SIGTERM);
    let ended = Deadline::seconds(20).expect("its end", || child.try_wait().expect("our child"));
    assert_eq!(ended.code(), Some(0));
    assert!(!path.exists(), "the program goes on behind the server");
}

#[test]
fn its_command_line_is_its_own() {
    let finished = Invocation::of(BINARY.as_ref()).run(Deadline::seconds(20));
    assert_eq!(finished.code, Some(2));
    assert_eq!(finished.stderr, "usage: example-embedding SOCKET\n");
}
