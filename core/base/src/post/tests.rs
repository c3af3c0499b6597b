use super::*;
use crate::config::UnixKind;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

const AT_ONCE: Duration = Duration::ZERO;

fn unix(path: &Path, kind: UnixKind) -> Post {
    Post::new(Place::Unix(path.to_owned(), kind), Lookups::First)
}

/// Lets the next attempt come now.
fn impatient(post: &mut Post) {
    post.not_before = 0;
}

#[test]
fn datagrams_reach_a_daemon_that_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut post = unix(&path, UnixKind::Any);
    assert!(post.send(b"nobody", AT_ONCE).is_err());
    let daemon = UnixDatagram::bind(&path).unwrap();
    assert_eq!(post.send(b"too early", AT_ONCE).unwrap_err().kind(), ErrorKind::NotConnected);
    impatient(&mut post);
    post.send(b"one", AT_ONCE).unwrap();
    let mut space = [0; 99];
    let count = daemon.recv(&mut space).unwrap();
    assert_eq!(&space[..count], b"one");
    drop(daemon);
    std::fs::remove_file(&path).unwrap();
    let daemon = UnixDatagram::bind(&path).unwrap();
    impatient(&mut post);
    post.send(b"two", AT_ONCE).unwrap();
    let count = daemon.recv(&mut space).unwrap();
    assert_eq!(&space[..count], b"two", "a daemon that was started anew is found at once");
    assert!(!post.has_unsent());
}

#[test]
fn a_daemon_that_does_not_read_costs_messages_and_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let _daemon = UnixDatagram::bind(&path).unwrap();
    let mut post = unix(&path, UnixKind::Datagram);
    let error = std::iter::repeat_with(|| post.send(&[b'x'; 1000], AT_ONCE)).find_map(Result::err);
    assert_eq!(error.unwrap().kind(), ErrorKind::WouldBlock);

    let path = folder.path().join("stream");
    let listener = UnixListener::bind(&path).unwrap();
    let mut post = unix(&path, UnixKind::Stream);
    let mut sent = 0;
    while post.send(format!("{sent:0999}").as_bytes(), AT_ONCE).is_ok() {
        sent += 1;
    }
    assert!(post.has_unsent());
    let (daemon, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(daemon).lines();
    for number in 0..sent {
        assert_eq!(lines.next().unwrap().unwrap(), format!("{number:0999}"));
        post.flush();
    }
    assert!(!post.has_unsent());
}

#[test]
fn a_stream_is_found_where_there_are_no_datagrams_and_messages_survive_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let listener = UnixListener::bind(&path).unwrap();
    let mut post = unix(&path, UnixKind::Any);
    post.send(b"one", AT_ONCE).unwrap();
    let read = |mut daemon: UnixStream| {
        let mut space = [0; 99];
        let count = daemon.read(&mut space).unwrap();
        String::from_utf8(space[..count].to_vec()).unwrap()
    };
    assert_eq!(read(listener.accept().unwrap().0), "one\n");
    post.send(b"two", AT_ONCE).unwrap();
    assert!(post.has_unsent());
    impatient(&mut post);
    post.flush();
    assert_eq!(read(listener.accept().unwrap().0), "two\n");
}

#[test]
fn udp_is_tried_again_after_a_refusal() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = daemon.local_addr().unwrap().port();
    drop(daemon);
    let mut post = Post::new(Place::Udp("127.0.0.1".to_owned(), port), Lookups::Always);
    post.send(b"lost", AT_ONCE).unwrap();
    let daemon = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    post.send(b"found", AT_ONCE).unwrap();
    let mut space = [0; 99];
    let count = daemon.recv(&mut space).unwrap();
    assert_eq!(&space[..count], b"found");
}

#[test]
fn the_pause_between_attempts_grows() {
    let mut post = unix(Path::new("/nonexistent/log"), UnixKind::Any);
    for pause in [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000] {
        impatient(&mut post);
        assert!(post.send(b"x", AT_ONCE).is_err());
        assert_eq!(post.pause, pause);
    }
    let mut post = Post::new(Place::Tcp("no.such.host.invalid".into(), 1), Lookups::First);
    assert!(post.send(b"x", AT_ONCE).is_err());
}
