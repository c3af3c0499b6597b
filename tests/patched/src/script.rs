//! The same calls in a handler and in a thread of its own, where nothing is changed: what they give must
//! be the same to the byte. A script says, step by step, what the other end of a socket does and which
//! function is called meanwhile. Whether the other end is before or behind the call must not matter, so
//! it does one thing at a time, and nothing while there is something left to read.

use std::fmt::Write as _;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::select::FdSet;
use nix::sys::socket::{
    ControlMessage, MsgFlags, Shutdown, recv, recvfrom, recvmsg, send, sendmsg, setsockopt,
    shutdown, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::uio::{readv, writev};

/// How long a call waits, in milliseconds, when nothing is done at the other end, and otherwise.
const SHORT: i32 = 4;
const LONG: i32 = 30_000;

/// What the other end does. It is in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Nothing,
    Write(usize),
    Drain(usize),
    End,
}

/// A thread with one end of a socket in its hands.
struct Other {
    deeds: Sender<Deed>,
    done: Receiver<()>,
}

impl Other {
    fn new(mut end: std::fs::File) -> Other {
        let (deeds, todo) = channel();
        let (did, done) = channel();
        let work = move || {
            for deed in todo {
                match deed {
                    Deed::Nothing => {}
                    Deed::Write(length) => {
                        let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
                        end.write_all(&bytes).unwrap();
                    }
                    Deed::Drain(length) => end.read_exact(&mut vec![0; length]).unwrap(),
                    Deed::End => shutdown(end.as_raw_fd(), Shutdown::Write).unwrap(),
                }
                did.send(()).unwrap();
            }
        };
        Builder::new().spawn(work).unwrap();
        Other { deeds, done }
    }

    fn begin(&self, deed: Deed) {
        self.deeds.send(deed).unwrap();
    }

    fn finish(&self) {
        self.done.recv().unwrap();
    }
}

fn sockets(kind: &str) -> (OwnedFd, OwnedFd) {
    match kind {
        "tcp" => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (one.into(), listener.accept().unwrap().0.into())
        }
        "datagram" => {
            let (one, other) = UnixDatagram::pair().unwrap();
            (one.into(), other.into())
        }
        _ => {
            let (one, other) = UnixStream::pair().unwrap();
            (one.into(), other.into())
        }
    }
}

/// What a call has given, and what it has read.
fn reading(call: &str, end: &OwnedFd, length: usize) -> nix::Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    let raw = end.as_raw_fd();
    let half = length / 2;
    let count = match call {
        "recv" => recv(raw, &mut buffer, MsgFlags::empty())?,
        "peek" => recv(raw, &mut buffer, MsgFlags::MSG_PEEK)?,
        "all" => recv(raw, &mut buffer, MsgFlags::MSG_WAITALL)?,
        "never" => recv(raw, &mut buffer, MsgFlags::MSG_DONTWAIT)?,
        "recvfrom" => recvfrom::<()>(raw, &mut buffer)?.0,
        "recvmsg" => {
            let (a, b) = buffer.split_at_mut(half);
            let mut pieces = [IoSliceMut::new(a), IoSliceMut::new(b)];
            recvmsg::<()>(raw, &mut pieces, None, MsgFlags::empty())?.bytes
        }
        "readv" => {
            let (a, b) = buffer.split_at_mut(half);
            readv(end, &mut [IoSliceMut::new(a), IoSliceMut::new(b)])?
        }
        _ => nix::unistd::read(end, &mut buffer)?,
    };
    buffer.truncate(count);
    Ok(buffer)
}

fn waiting(call: &str, end: &OwnedFd, patience: i32) -> nix::Result<String> {
    let some = PollTimeout::try_from(patience).unwrap();
    Ok(match call {
        "poll" => {
            let mut asked = [PollFd::new(end.as_fd(), PollFlags::POLLIN | PollFlags::POLLPRI)];
            let ready = nix::poll::poll(&mut asked, some)?;
            format!("{ready} {:?}", asked[0].revents())
        }
        "select" => {
            let mut wanted = FdSet::new();
            wanted.insert(end.as_fd());
            let mut time = TimeVal::milliseconds(patience.into());
            let ready = nix::sys::select::select(None, &mut wanted, None, None, &mut time)?;
            format!("{ready} {}", wanted.contains(end.as_fd()))
        }
        _ => {
            let mut asked = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
            let ready = nix::poll::poll(&mut asked, some)?;
            format!("{ready} {:?}", asked[0].revents())
        }
    })
}

fn writing(call: &str, end: &OwnedFd, length: usize) -> nix::Result<usize> {
    let bytes = vec![7; length];
    let (a, b) = bytes.split_at(length / 3);
    let pieces = [IoSlice::new(a), IoSlice::new(&[]), IoSlice::new(b)];
    match call {
        "send" => send(end.as_raw_fd(), &bytes, MsgFlags::empty()),
        "sendmsg" => {
            let none: [ControlMessage<'_>; 0] = [];
            sendmsg::<()>(end.as_raw_fd(), &pieces, &none, MsgFlags::empty(), None)
        }
        "writev" => writev(end, &pieces),
        _ => nix::unistd::write(end, &bytes),
    }
}

/// Runs a script: the kind of socket, then steps of a deed and its length, a call and its length.
fn run(script: &str) -> String {
    let mut words = script.split(',');
    let (end, other) = sockets(words.next().unwrap_or_default());
    let other = Other::new(std::fs::File::from(other));
    let mut told = String::new();
    // Whether something is left to be read, or the end.
    let mut left = 0_usize;
    for step in words {
        let parts: Vec<&str> = step.split(':').collect();
        let [deed, amount, call, length] = parts[..] else { continue };
        let (amount, length) = (amount.parse().unwrap(), length.parse().unwrap());
        if matches!(call, "send" | "sendmsg" | "writev" | "write") {
            other.begin(Deed::Drain(length));
            let wrote = writing(call, &end, length);
            other.finish();
            writeln!(told, "{call} {wrote:?}").unwrap();
            continue;
        }
        let deed = match deed {
            _ if left > 0 => Deed::Nothing,
            "write" if amount > 0 => {
                left = amount;
                Deed::Write(amount)
            }
            "end" => Deed::End,
            _ => Deed::Nothing,
        };
        let silent = deed == Deed::Nothing && left == 0;
        let patience = if silent || call == "all" { SHORT } else { LONG };
        let time = TimeVal::milliseconds(patience.into());
        setsockopt(&end, sockopt::ReceiveTimeout, &time).unwrap();
        other.begin(deed);
        if call == "never" || call == "all" {
            // It may not wait for its turn, or must not come between two.
            other.finish();
            if deed != Deed::Nothing {
                // Over TCP, what was written may still be on its way.
                waiting("poll", &end, LONG).unwrap();
            }
        }
        if matches!(call, "poll" | "select") {
            writeln!(told, "{call} {:?}", waiting(call, &end, patience)).unwrap();
        } else {
            let read = reading(call, &end, length);
            if let (Ok(read), false) = (&read, call == "peek") {
                left = left.saturating_sub(read.len());
                if script.starts_with("datagram") {
                    left = 0;
                }
            }
            let sum = |bytes: Vec<u8>| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
            let read = read.map(|bytes| (bytes.len(), sum(bytes)));
            writeln!(told, "{call} {read:?}").unwrap();
        }
        if call != "never" && call != "all" {
            other.finish();
        }
        if deed == Deed::End {
            break;
        }
    }
    told
}

/// Both transcripts if they differ.
pub(crate) fn compare(script: &str) -> String {
    let here = run(script);
    let theirs = script.to_owned();
    let there = Builder::new().spawn(move || run(&theirs)).unwrap().join().unwrap();
    match here == there {
        true => "the same\n".to_owned(),
        false => format!("in a handler:\n{here}in a thread:\n{there}"),
    }
}
