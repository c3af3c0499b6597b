//! Sockets of the standard library's, of clients and of a runtime.

use std::io::{ErrorKind, Read, Write, copy};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::select::FdSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::upstream;

/// Asks the upstream `question` on a line, and gives its answer.
pub(crate) fn ask(question: &str) -> String {
    let mut stream = TcpStream::connect(upstream()).unwrap();
    stream.write_all(format!("{question}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

pub(crate) fn fetch() -> String {
    ask("fetch") + "\n"
}

pub(crate) fn ureq() -> String {
    let url = format!("http://{}/word", upstream());
    let mut response = ureq::get(&url).call().unwrap();
    response.body_mut().read_to_string().unwrap() + "\n"
}

pub(crate) fn block_on() -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let asked = runtime.block_on(async {
        let mut stream = tokio::net::TcpStream::connect(upstream()).await?;
        stream.write_all(b"block-on\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    });
    asked.unwrap() + "\n"
}

fn connected() -> (TcpStream, UnixStream, UnixStream) {
    let mut stream = TcpStream::connect(upstream()).unwrap();
    stream.write_all(b"poll\n").unwrap();
    let (silent, open) = UnixStream::pair().unwrap();
    (stream, silent, open)
}

fn rest(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer + "\n"
}

pub(crate) fn poll() -> String {
    let (stream, silent, _open) = connected();
    let asked = |fd| PollFd::new(fd, PollFlags::POLLIN);
    let mut both = [asked(silent.as_fd()), asked(stream.as_fd())];
    assert_eq!(nix::poll::poll(&mut both, PollTimeout::NONE), Ok(1));
    assert_eq!(both[1].revents(), Some(PollFlags::POLLIN));
    assert_eq!(nix::poll::poll(&mut both[..1], PollTimeout::from(3_u8)), Ok(0));
    rest(stream)
}

pub(crate) fn select() -> String {
    let (stream, silent, _open) = connected();
    let mut wanted = FdSet::new();
    wanted.insert(silent.as_fd());
    wanted.insert(stream.as_fd());
    assert_eq!(nix::sys::select::select(None, &mut wanted, None, None, None), Ok(1));
    assert!(wanted.contains(stream.as_fd()) && !wanted.contains(silent.as_fd()));
    rest(stream)
}

/// Both ends are handlers' own: one accepts in a thread of its own or in this one.
pub(crate) fn accept() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = oxicorn::spawn(move || {
        thread::sleep(Duration::from_millis(2));
        let address = address.to_string().to_socket_addrs().unwrap().next().unwrap();
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
        stream.write_all(b"accepted").unwrap();
    });
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    client.join().unwrap();
    text + "\n"
}

/// What a socket is told about its patience counts.
pub(crate) fn timeouts() -> String {
    let (mut one, _other) = UnixStream::pair().unwrap();
    one.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    one.set_write_timeout(Some(Duration::from_millis(5))).unwrap();
    let read = one.read(&mut [0]).unwrap_err().kind();
    let mut write = None;
    let some = vec![0; 1 << 20];
    let mut parts = 0;
    while write.is_none() {
        match one.write(&some) {
            Ok(written) if written < some.len() => parts += 1,
            Ok(_) => {}
            Err(error) => write = Some(error.kind()),
        }
    }
    one.set_nonblocking(true).unwrap();
    let at_once = one.read(&mut [0]).unwrap_err().kind();
    let (dead, late) = (ErrorKind::WouldBlock, (read, write));
    format!("{} {parts} {}\n", late == (dead, Some(dead)), at_once == dead)
}

/// A descriptor that is closed while somebody waits for it.
pub(crate) fn closed() -> String {
    let (mut one, _other) = UnixStream::pair().unwrap();
    let fd = one.as_raw_fd();
    let closing = oxicorn::spawn(move || nix::unistd::close(fd));
    let error = one.read(&mut [0]).unwrap_err();
    closing.join().unwrap().unwrap();
    std::mem::forget(one);
    let (mut one, _other) = UnixStream::pair().unwrap();
    let fd = one.as_raw_fd();
    // Whoever is not waiting by then may find another's descriptor under that number.
    let closing = move || {
        thread::sleep(Duration::from_millis(50));
        nix::unistd::close(fd)
    };
    let foreign = thread::Builder::new().spawn(closing).unwrap();
    let second = one.read(&mut [0]).unwrap_err();
    foreign.join().unwrap().unwrap();
    std::mem::forget(one);
    format!("{:?} {:?}\n", error.raw_os_error(), second.raw_os_error())
}

/// The standard library has the kernel copy, which would block.
fn copy_all(length: usize) -> u64 {
    let mut file = tempfile();
    file.write_all(&vec![7; length]).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let (mut one, mut other) = UnixStream::pair().unwrap();
    let reader = oxicorn::spawn(move || copy(&mut other, &mut std::io::sink()).unwrap());
    copy(&mut file, &mut one).unwrap();
    drop(one);
    reader.join().unwrap()
}

fn tempfile() -> std::fs::File {
    let path = std::env::temp_dir().join(format!("patched-{}", std::process::id()));
    let mut options = std::fs::File::options();
    let file = options.read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

pub(crate) fn copied() -> String {
    format!("{}\n", copy_all(2 << 20))
}

pub(crate) fn resolve() -> String {
    let found = ("localhost", 80).to_socket_addrs().unwrap().any(|found| found.ip().is_loopback());
    format!("{found}\n")
}
