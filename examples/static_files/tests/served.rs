//! The example as a process, in every worker class: what only shows with a real socket, a real file
//! and a client that takes its time. (The rules themselves are tested where they are, in
//! `cli/src/files`.)
#![allow(clippy::panic, clippy::expect_used, reason = "panicking is how a test reports")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use oxicorn_tests::client::{Framing, Version};
use oxicorn_tests::{Asked, ClientError, Launch, Request, Response, Server, Serving, Subject};

const TEXT: &str = "0123456789";
/// Far more than all buffers between the two processes.
const BIG: u64 = 64 * 1024 * 1024;
/// A worker in a debug build needs some for itself.
const LITTLE_MEMORY: u64 = 16 * 1024 * 1024;

fn subject(class: &str, serving: Serving) -> Subject {
    let binary = env!("CARGO_BIN_EXE_example-static-files").into();
    Subject { binary, class: class.to_owned(), serving, hosted: None }
}

/// One worker that serves `www/` in its own folder, beside which there is a secret.
fn start(subject: &Subject) -> Server {
    let launch = Launch::of(subject);
    let www = launch.folder().join("www");
    furnish(&www).expect("files to serve");
    let root = www.display().to_string();
    launch.env("STATIC_FILES_ROOT", &root).start()
}

fn furnish(www: &Path) -> std::io::Result<()> {
    fs::create_dir(www)?;
    fs::write(www.join("index.html"), "<p>hello")?;
    fs::write(www.join("a.txt"), TEXT)?;
    // Long ago, so that its tag is strong.
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    File::options().write(true).open(www.join("a.txt"))?.set_modified(changed)?;
    fs::write(www.with_file_name("secret"), "secret")?;
    symlink("../secret", www.join("link"))?;
    File::create(www.join("big"))?.set_len(BIG)
}

fn get(server: &Server, target: &str, fields: &[(&str, &str)]) -> Response {
    let request = Request::get(target).header("Connection", "close");
    server.ask(&fields.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

fn whole_and_parts(subject: &Subject) {
    let server = start(subject);
    let whole = get(&server, "/a.txt", &[]);
    assert_eq!((whole.status, whole.text().as_str()), (200, TEXT));
    assert_eq!(whole.header("Content-Type"), Some("text/plain; charset=utf-8"));
    assert_eq!(whole.header("Accept-Ranges"), Some("bytes"));
    assert_eq!(whole.framing, Framing::Length(10));
    assert_eq!(get(&server, "/", &[]).text(), "<p>hello");

    let part = get(&server, "/a.txt", &[("Range", "bytes=2-4")]);
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.header("Content-Range"), Some("bytes 2-4/10"));
    let last = get(&server, "/a.txt", &[("Range", "bytes=-3")]);
    assert_eq!((last.status, last.text().as_str()), (206, "789"));
    let beyond = get(&server, "/a.txt", &[("Range", "bytes=10-")]);
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.header("Content-Range"), Some("bytes */10"));

    let tag = whole.header("ETag").expect("a tag");
    let date = whole.header("Last-Modified").expect("a date");
    for field in [("If-None-Match", tag), ("If-Modified-Since", date)] {
        let same = get(&server, "/a.txt", &[field]);
        assert_eq!((same.status, same.body.len()), (304, 0), "{field:?}");
    }
    for condition in [tag, date] {
        let part = get(&server, "/a.txt", &[("Range", "bytes=0-0"), ("If-Range", condition)]);
        assert_eq!((part.status, part.text().as_str()), (206, "0"), "{condition}");
    }
}

fn old_clients_and_heads(subject: &Subject) {
    let server = start(subject);
    let old = server.ask(&Request::get("/a.txt").version(Version::Http10));
    assert_eq!((old.status, old.text().as_str()), (200, TEXT));
    assert_eq!(old.framing, Framing::Length(10));
    for (target, length) in [("/a.txt", "10"), ("/big", "67108864")] {
        let mut connection = server.connect();
        let head = Request::new("HEAD", target).header("Connection", "close");
        let response = connection.exchange(&head).expect("the head");
        assert_eq!(response.header("Content-Length"), Some(length));
        connection.expect_end().expect("not a byte of the file");
    }
    let post = server.ask(&Request::new("POST", "/a.txt").header("Connection", "close"));
    assert_eq!((post.status, post.header("Allow")), (405, Some("GET, HEAD")));
}

fn nothing_outside(subject: &Subject) {
    let server = start(subject);
    for target in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/%252e%252e/secret",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/link",
        "/a.txt/../../secret",
    ] {
        let response = get(&server, target, &[]);
        assert_eq!(response.status, 404, "{target}: {response:?}");
    }
    assert_eq!(get(&server, "/a.txt%00", &[]).status, 400);
    assert_eq!(get(&server, "/%zz", &[]).status, 400);
}

fn big_file_in_little_memory(subject: &Subject) {
    let server = start(subject);
    let before = server.worker().peak_memory().expect("a worker");
    let mut connection = server.connect().patience(Duration::from_secs(60));
    connection.send(&Request::get("/big").bytes()).expect("the request");
    let mut count = 0;
    let mut sink = |piece: &[u8]| {
        assert!(piece.iter().all(|byte| *byte == 0), "at {count}");
        count += piece.len() as u64;
    };
    let response = connection.receive_into(Asked::ForAll, &mut sink).expect("the file");
    assert_eq!((response.status, count), (200, BIG));
    let after = server.worker().peak_memory().expect("the same worker");
    assert!(after - before < LITTLE_MEMORY, "{} bytes more", after - before);
    let logged = server.wait_for_accesses("GET /big ", 1);
    assert!(logged[0].contains(" 200 67108864 "), "{logged:?}");
}

fn slow_readers_occupy_nobody(subject: &Subject) {
    let server = start(subject);
    let mut slow: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for connection in &mut slow {
        connection.send(&Request::get("/big").bytes()).expect("the request");
        connection.wait_for_bytes().expect("the beginning of the file");
    }
    for _ in 0..20 {
        let mut other = server.connect().patience(Duration::from_secs(5));
        let request = Request::get("/a.txt").header("Connection", "close");
        assert_eq!(other.exchange(&request).expect("somebody else's file").text(), TEXT);
    }
    let mut last = slow.pop().expect("one of them").patience(Duration::from_secs(60));
    let mut count = 0;
    let mut sink = |piece: &[u8]| count += piece.len() as u64;
    last.receive_into(Asked::ForAll, &mut sink).expect("the rest of the file");
    assert_eq!(count, BIG);
}

fn shrunken_file(subject: &Subject) {
    let server = start(subject);
    let big = server.folder().join("www/big");
    let mut connection = server.connect().patience(Duration::from_secs(60));
    connection.send(&Request::get("/big").bytes()).expect("the request");
    connection.wait_for_bytes().expect("the beginning of the file");
    File::options().write(true).open(big).and_then(|file| file.set_len(1)).expect("a cut");
    match connection.receive_into(Asked::ForAll, &mut |_: &[u8]| {}) {
        Err(ClientError::Short(_)) => {}
        other => panic!("{other:?}"),
    }
    let line = server.wait_for_line("before its announced length");
    assert!(line.contains("/www/big: the file ends "), "{line}");
    assert_eq!(get(&server, "/a.txt", &[]).text(), TEXT, "the worker goes on");
    assert_eq!(server.error_log().count("announced length"), 1, "said once");
}

macro_rules! in_every_class {
    ($($class:ident: $serving:ident { $($check:ident),* $(,)? })*) => {
        $(
            mod $class {
                $(
                    #[test]
                    fn $check() {
                        let serving = oxicorn_tests::Serving::$serving;
                        super::$check(&super::subject(stringify!($class), serving));
                    }
                )*
            }
        )*
    };
}

macro_rules! tests {
    ($($class:ident: $serving:ident),* $(,)?) => {
        in_every_class! {
            $(
                $class: $serving {
                    whole_and_parts,
                    old_clients_and_heads,
                    nothing_outside,
                    big_file_in_little_memory,
                    slow_readers_occupy_nobody,
                    shrunken_file,
                }
            )*
        }
    };
}

tests!(sync: Inline, threaded: Threads, coroutine: Many, tokio: Many);
