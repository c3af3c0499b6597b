//! Waits that only somebody else can end: the setting `timeout`, or the upstream.

use std::io::Read;
use std::time::Duration;

use oxicorn::channel::{bounded, unbounded};
use oxicorn::net::TcpStream;

use crate::upstream;

const HOUR: Duration = Duration::from_secs(3600);

/// What is dropped when the wait unwinds, and says so.
struct Held(&'static str);

impl Drop for Held {
    fn drop(&mut self) {
        eprintln!("let go of in {}", self.0);
    }
}

pub(crate) fn sleep() -> String {
    let _held = Held("sleep");
    oxicorn::time::sleep(HOUR);
    "slept\n".to_owned()
}

pub(crate) fn receive() -> String {
    let _held = Held("receive");
    let (sender, receiver) = unbounded::<()>();
    let received = receiver.recv();
    drop(sender);
    format!("{received:?}\n")
}

pub(crate) fn send() -> String {
    let _held = Held("send");
    let (sender, receiver) = bounded(0);
    let sent = sender.send(());
    drop(receiver);
    format!("{sent:?}\n")
}

pub(crate) fn join() -> String {
    let _held = Held("join");
    let spawned = oxicorn::spawn(|| oxicorn::time::sleep(HOUR));
    format!("{:?}\n", spawned.join().is_ok())
}

/// Says how the upstream has ended the connection.
pub(crate) fn read() -> String {
    let _held = Held("read");
    let connected = TcpStream::connect(upstream());
    format!("{:?}\n", connected.and_then(|mut stream| stream.read(&mut [0])))
}

pub(crate) fn unblock() -> String {
    let _held = Held("unblock");
    let read = oxicorn::unblock(|| std::net::TcpStream::connect(upstream())?.read(&mut [0]));
    format!("{read:?}\n")
}

/// A timeout of its own that is longer than the server's.
pub(crate) fn within_timeout() -> String {
    let _held = Held("timeout");
    let slept = oxicorn::time::timeout(HOUR, || oxicorn::time::sleep(2 * HOUR));
    format!("{slept:?}\n")
}
