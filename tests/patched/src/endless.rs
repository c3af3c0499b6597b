//! Waits that only the setting `timeout` ends, or the limit of a handler.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn sleep() -> String {
    thread::sleep(HOUR);
    "slept\n".to_owned()
}

pub(crate) fn read() -> String {
    let (mut one, _other) = UnixStream::pair().unwrap();
    format!("{:?}\n", one.read(&mut [0]).map_err(|error| error.kind()))
}

/// One that does not take no for an answer.
pub(crate) fn stubborn() -> String {
    let (mut one, _other) = UnixStream::pair().unwrap();
    loop {
        if one.read(&mut [0]).is_ok() {
            return "read\n".to_owned();
        }
    }
}

/// What cannot fail.
pub(crate) fn lock() -> String {
    let (sender, receiver) = channel::<()>();
    let received = receiver.recv();
    drop(sender);
    format!("{received:?}\n")
}

pub(crate) fn block_on() -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::sleep(HOUR).await });
    "slept\n".to_owned()
}

pub(crate) fn limit() -> String {
    let short = Duration::from_millis(10);
    let (mut one, _other) = UnixStream::pair().unwrap();
    let slept = oxicorn::time::timeout(short, || thread::sleep(HOUR));
    let read = oxicorn::time::timeout(short, || one.read(&mut [0]).is_err());
    format!("{slept:?} {read:?} {:?}\n", oxicorn::time::timeout(HOUR, || thread::sleep(short)))
}
