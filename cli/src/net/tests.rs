//! Against a peer of the standard library's, in a thread of its own.

use super::*;
use crate::time::{Elapsed, timeout};
use oxicorn_core::wait::{Blocking, Interest, Wait, Woken, install};
use socket2::{Domain, Socket, Type};
use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream as StdStream};
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixListener;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "the other end of a test")]
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Another thread that accepts one connection and does `then` with it.
fn peer<T: Send + 'static>(
    then: impl FnOnce(StdStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let (listener, address) = listener();
    let thread = Builder::new().name("peer".to_owned());
    let run = move || then(listener.accept().unwrap().0);
    (address, thread.spawn(run).unwrap())
}

thread_local!(static WAITS: Cell<u32> = const { Cell::new(0) });

struct Counting;

impl Wait for Counting {
    fn wait(
        &self,
        fd: BorrowedFd<'_>,
        what: Interest,
        deadline: Option<Instant>,
    ) -> io::Result<Woken> {
        WAITS.set(WAITS.get() + 1);
        Blocking.wait(fd, what, deadline)
    }

    fn sleep(&self, until: Instant) {
        Blocking.sleep(until);
    }
}

#[test]
fn bytes_go_both_ways_until_each_side_has_ended() {
    let (address, thread) = peer(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(&all).unwrap();
        all.len()
    });
    let mut stream = TcpStream::connect(address).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), address);
    assert!(!stream.nodelay().unwrap());
    stream.set_nodelay(SmallWrites::AtOnce).unwrap();
    assert!(stream.nodelay().unwrap());
    write!(&stream, "{}", "ping ".repeat(100)).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).unwrap();
    assert_eq!(back, "ping ".repeat(100));
    assert_eq!(thread.join().unwrap(), 500);
}

#[test]
fn a_read_that_must_wait_waits_in_the_way_of_the_worker_class() {
    install(&Counting);
    let (address, thread) = peer(|mut stream| {
        let mut question = [0; 1];
        stream.read_exact(&mut question).unwrap();
        stream.write_all(b"!").unwrap();
    });
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    WAITS.set(0);
    assert!(stream.read(&mut [0]).is_err());
    assert_eq!(WAITS.get(), 1, "nobody has answered yet, so it has waited");
    stream.set_read_timeout(None).unwrap();
    stream.write_all(b"?").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    thread.join().unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn timeouts_are_the_standard_librarys() {
    let (_listener, address) = listener();
    let mut stream = TcpStream::connect(("127.0.0.1", address.port())).unwrap();
    let (short, zero) = (Duration::from_millis(5), Some(Duration::ZERO));
    stream.set_read_timeout(Some(short)).unwrap();
    stream.set_write_timeout(Some(short)).unwrap();
    assert_eq!((stream.read_timeout(), stream.write_timeout()), (Some(short), Some(short)));
    let before = Instant::now();
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert!(before.elapsed() >= short);
    let full = stream.write_all(&vec![0; 64 << 20]).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::WouldBlock, "the peer reads nothing");
    for refused in [stream.set_read_timeout(zero), stream.set_write_timeout(zero)] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let refused = TcpStream::connect_timeout(address, Duration::ZERO);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_refused_connection_is_an_error_and_of_many_addresses_one_is_enough() {
    // Bound, so that nobody else gets the port, but not listening.
    let (_socket, nobody) = bound();
    let error = TcpStream::connect(nobody).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let (_listener, somebody) = listener();
    let stream = TcpStream::connect(&[nobody, somebody][..]).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), somebody);
    let error = TcpStream::connect(&[][..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn connecting_ends_at_its_timeout() {
    let (socket, address) = bound();
    socket.listen(0).unwrap();
    // Nobody accepts: as soon as the queue is full, the kernel ignores who knocks.
    let mut queued = Vec::new();
    let error = loop {
        match TcpStream::connect_timeout(address, Duration::from_millis(50)) {
            Ok(stream) => queued.push(stream),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_look_does_not_take_and_a_clone_is_the_same_connection() {
    let (one, other) = UnixStream::pair().unwrap();
    (&one).write_all(b"hello").unwrap();
    let (mut seen, mut twin) = ([0; 9], other.try_clone().unwrap());
    assert_eq!((other.peek(&mut seen).unwrap(), &seen[..5]), (5, &b"hello"[..]));
    assert_eq!((twin.read(&mut seen).unwrap(), &seen[..5]), (5, &b"hello"[..]));
    twin.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    assert_eq!(other.read_timeout(), Some(Duration::from_millis(2)), "as with SO_RCVTIMEO");
    assert_eq!(other.peek(&mut seen).unwrap_err().kind(), ErrorKind::WouldBlock);
    one.shutdown(Shutdown::Write).unwrap();
    assert_eq!((other.peek(&mut seen).unwrap(), twin.read(&mut seen).unwrap()), (0, 0));
    assert!(other.take_error().unwrap().is_none());
}

#[test]
fn unix_sockets_are_connected_to_by_path_even_when_their_queue_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    assert_eq!(UnixStream::connect(&path).unwrap_err().kind(), ErrorKind::NotFound);
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    let listener = UnixListener::from(std::os::fd::OwnedFd::from(socket));
    let connect = || timeout(Duration::from_millis(50), || UnixStream::connect(&path).unwrap());
    let mut queued = Vec::new();
    while let Ok(stream) = connect() {
        queued.push(stream);
    }
    let accepted = listener.accept().unwrap();
    let stream = UnixStream::connect(&path).unwrap();
    assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(path.as_path()));
    drop(accepted);
}

#[test]
fn a_timeout_ends_reads_and_writes_and_connecting() {
    let (_listener, address) = listener();
    let mut stream = TcpStream::connect(address).unwrap();
    let short = Duration::from_millis(5);
    assert_eq!(timeout(short, || stream.read(&mut [0]).unwrap()), Err(Elapsed));
    assert_eq!(timeout(short, || stream.write_all(&vec![0; 64 << 20]).unwrap()), Err(Elapsed));
    stream.set_read_timeout(Some(short)).unwrap();
    let own = timeout(Duration::from_secs(60), || stream.read(&mut [0]).unwrap_err().kind());
    assert_eq!(own, Ok(ErrorKind::WouldBlock), "it was the nearer one");
}
