//! Up and down, in every worker class: larger than any buffer, in little memory; and a client that
//! goes away.
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::path::Path;
use std::time::Duration;

use oxicorn_tests::{Asked, Deadline, Launch, Request, Server, Serving, Subject};

const CLASSES: [(&str, Serving); 4] = [
    ("sync", Serving::Inline),
    ("threaded", Serving::Threads),
    ("coroutine", Serving::Many),
    ("tokio", Serving::Many),
];
static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
/// Far more than the buffers between the two processes.
const PIECES: usize = 320;
/// What a worker of a debug build may need for itself.
const LITTLE_MEMORY: u64 = 16 * 1024 * 1024;

fn start(class: &str, serving: Serving, folder: &Path) -> Server {
    let binary = env!("CARGO_BIN_EXE_example-upload-download").into();
    let launch = Launch::of(&Subject { binary, class: class.to_owned(), serving, hosted: None });
    let server = launch.env("UPLOADS", &folder.display().to_string()).spawn();
    server.wait_for_line("Booting worker with pid: ");
    server
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn what_goes_up_comes_down_in_little_memory() {
    for (class, serving) in CLASSES {
        let folder = tempfile::tempdir().expect("a folder");
        let server = start(class, serving, folder.path());
        assert_eq!(server.get("/none").status, 404);
        let before = server.worker().peak_memory().expect("a worker");
        let mut up = server.connect().patience(Duration::from_secs(60));
        let size = PIECE.len() * PIECES;
        up.send(
            format!("PUT /film HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n").as_bytes(),
        )
        .expect("a head");
        for _ in 0..PIECES {
            up.send(&PIECE).expect("a piece");
        }
        let answer = up.receive(Asked::ForAll).expect("an answer");
        assert_eq!((answer.status, answer.text()), (201, format!("{size} bytes\n")), "{class}");
        for (target, size, byte) in [("/film", size, b'x'), ("/film?hex", size * 2, b'7')] {
            let mut down = server.connect().patience(Duration::from_secs(60));
            down.send(&Request::get(target).header("Connection", "close").bytes()).expect("sent");
            let (mut count, mut first) = (0, None);
            let answer = down.receive_into(Asked::ForAll, &mut |piece: &[u8]| {
                count += piece.len();
                first = first.or(piece.first().copied());
            });
            assert_eq!(answer.expect("an answer").status, 200, "{class} {target}");
            assert_eq!((count, first), (size, Some(byte)), "{class} {target}");
        }
        let after = server.worker().peak_memory().expect("the same worker");
        assert!(after - before < LITTLE_MEMORY, "{class}: {} bytes more", after - before);
    }
}

#[test]
fn half_an_upload_is_none() {
    for (class, serving) in CLASSES {
        let folder = tempfile::tempdir().expect("a folder");
        let server = start(class, serving, folder.path());
        let mut up = server.connect();
        up.send(b"PUT /film HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
            .expect("a head");
        up.send(&PIECE).expect("a piece");
        Deadline::seconds(20).until("a part of the file", || !names(folder.path()).is_empty());
        drop(up);
        server.wait_for_line("Error handling request");
        Deadline::seconds(20).until("nothing of it", || names(folder.path()).is_empty());
        assert_eq!(server.get("/film").status, 404, "{class}");
    }
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start("sync", Serving::Inline, folder.path());
    for target in ["/", "/.hidden", "/../x", "/a/b", "/%2e%2e"] {
        assert_eq!(server.get(target).status, 404, "{target}");
    }
}
