//! Handlers of several parts.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use oxicorn::channel::{bounded, unbounded};
use oxicorn::net::{TcpStream, UnixStream, lookup};
use oxicorn::{spawn, time};

use crate::upstream;

const WAIT: Duration = Duration::from_millis(50);

fn ask() -> std::io::Result<String> {
    let mut text = String::new();
    TcpStream::connect(upstream())?.read_to_string(&mut text)?;
    Ok(text)
}

/// One part sleeps, one asks the upstream; both say so over a channel.
pub(crate) fn fan() -> String {
    let (sender, receiver) = bounded(1);
    let other = sender.clone();
    let asking = spawn(move || other.send(ask().unwrap_or_else(|error| error.to_string())));
    let sleeping = spawn(move || {
        time::sleep(WAIT);
        sender.send("slept".to_owned())
    });
    let mut all: Vec<String> = receiver.iter().collect();
    all.sort();
    let joined = [asking.join(), sleeping.join()].iter().all(Result::is_ok);
    format!("{} {joined}\n", all.join(" "))
}

/// A thread that knows nothing of worker classes waits for the upstream and passes on what it says.
pub(crate) fn foreign() -> String {
    let (sender, receiver) = unbounded();
    let listens = move || {
        let mut text = String::new();
        let connected = std::net::TcpStream::connect(upstream());
        let read = connected.and_then(|mut stream| stream.read_to_string(&mut text));
        let _ = sender.send(read.map(|_| text));
    };
    let started = Builder::new().name("foreign".to_owned()).spawn(listens);
    format!("{:?} {}\n", receiver.recv(), started.is_ok())
}

/// The upstream by a name of its host.
pub(crate) fn named() -> String {
    let address = upstream();
    let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0u16);
    let known = lookup(("localhost", port)).is_ok_and(|all| !all.is_empty());
    let mut text = String::new();
    let read = TcpStream::connect_timeout(("localhost", port), Duration::from_secs(60))
        .and_then(|mut stream| stream.read_to_string(&mut text));
    format!("{known} {read:?} {text}\n")
}

pub(crate) fn panic() -> String {
    let spawned = spawn(|| {
        time::sleep(Duration::from_millis(1));
        std::panic::panic_any("on purpose")
    });
    let (sender, receiver) = unbounded::<()>();
    let holds = spawn(move || {
        let _held = sender;
        std::panic::panic_any("before it has waited")
    });
    let disconnected = receiver.recv().is_err();
    let told = |joined: std::thread::Result<()>| {
        joined.err().and_then(|payload| payload.downcast_ref::<&str>().copied())
    };
    format!("{:?} {:?} {disconnected}\n", told(spawned.join()), told(holds.join()))
}

/// What is spawned here says at the upstream that it is there, and waits for the upstream's end.
pub(crate) fn leave_behind() -> String {
    let (sender, receiver) = bounded(0);
    spawn(move || {
        let connected = TcpStream::connect(upstream());
        let _ = sender.send(connected.is_ok());
        if let Ok(mut stream) = connected {
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = stream.write_all(b"still here");
        }
    });
    format!("left behind: {:?}\n", receiver.recv())
}

/// One connection, read by one part while another one writes more than its buffers hold.
pub(crate) fn both_ways() -> String {
    const BYTES: usize = 4 << 20;
    let Ok((one, other)) = UnixStream::pair() else { return "no pair\n".to_owned() };
    let (one, other) = (Arc::new(one), Arc::new(other));
    let (reads, sender) = (one.clone(), other.clone());
    // Both ends are read and written to at the same time, so each has two who wait for it.
    let count = |stream: Arc<UnixStream>| {
        move || {
            let mut all = Vec::new();
            (&*stream).read_to_end(&mut all).map(|_| all.len())
        }
    };
    let write = |stream: Arc<UnixStream>| {
        move || {
            let written = (&*stream).write_all(&vec![7; BYTES]);
            stream.shutdown(Shutdown::Write).and(written).is_ok()
        }
    };
    let readers = [spawn(count(reads)), spawn(count(sender))];
    let writers = [spawn(write(one)), spawn(write(other))];
    let written = writers.into_iter().all(|writer| writer.join().is_ok_and(|written| written));
    let read = readers
        .into_iter()
        .all(|reader| reader.join().is_ok_and(|count| count.is_ok_and(|count| count == BYTES)));
    format!("{written} {read}\n")
}

/// Many who pass a word on, each to the next.
pub(crate) fn crowd() -> String {
    const MANY: u64 = 200;
    let (first, mut last) = bounded(0);
    for _ in 0..MANY {
        let (sender, receiver) = bounded(0);
        let before = std::mem::replace(&mut last, receiver);
        spawn(move || before.recv().map(|word: u64| sender.send(word + 1)));
    }
    let sent = first.send(0).is_ok();
    format!("{sent} {:?}\n", last.recv())
}
