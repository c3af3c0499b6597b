//! Pipes, other processes, threads and locks of files.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, fcntl};

pub(crate) fn pipe() -> String {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    // More than a pipe holds.
    const LENGTH: usize = 300_000;
    let writing = oxicorn::spawn(move || writer.write_all(&vec![b'x'; LENGTH]));
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    writing.join().unwrap().unwrap();
    format!("{}\n", all.len() == LENGTH)
}

/// A filter that says nothing before its input has ended.
pub(crate) fn child() -> String {
    let mut child =
        Command::new("sort").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = oxicorn::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        stdin.write_all(b"b\na\n")
    });
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let mut sleeper = Command::new("sleep").arg("0.01").spawn().unwrap();
    let status = sleeper.wait().unwrap();
    format!("{} {status}\n", String::from_utf8_lossy(&output.stdout).replace('\n', ""))
}

/// A thread that waits for a word of another handler's is joined.
pub(crate) fn threads() -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let joined = thread::Builder::new().spawn(move || receiver.recv()).unwrap();
    let sending = oxicorn::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        sender.send(7).unwrap();
    });
    let word = joined.join().unwrap().unwrap();
    sending.join().unwrap();
    format!("{word}\n")
}

pub(crate) fn lock() -> String {
    let path = std::env::temp_dir().join(format!("patched-lock-{}", std::process::id()));
    let file = File::create(&path).unwrap();
    file.lock().unwrap();
    thread::sleep(Duration::from_millis(2));
    file.unlock().unwrap();
    "locked\n".to_owned()
}

/// Locks of one byte, by descriptor and not by process: several handlers want the same one.
pub(crate) fn records() -> String {
    let path = std::env::temp_dir().join(format!("patched-records-{}", std::process::id()));
    let file = File::create(&path).unwrap();
    let lock = |kind: i32| nix::libc::flock {
        l_type: kind as i16,
        l_whence: 0,
        l_start: 0,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_OFD_SETLKW(&lock(nix::libc::F_WRLCK))).unwrap();
    thread::sleep(Duration::from_millis(2));
    fcntl(&file, FcntlArg::F_OFD_SETLKW(&lock(nix::libc::F_UNLCK))).unwrap();
    "locked\n".to_owned()
}

/// With another user's number, even if it is its own, the standard library forks.
pub(crate) fn fork() -> String {
    let own = nix::unistd::getuid().as_raw();
    let error = Command::new("true").uid(own).spawn().unwrap_err();
    format!("{:?}\n", error.raw_os_error())
}
