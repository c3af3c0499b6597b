//! Messages to a daemon that takes them from everybody: syslog, statsd. They are posted, not
//! delivered: the master and the threads that serve must never wait for somebody else's program, so
//! a message that the system does not take at once is an error, which the caller counts.
//!
//! A daemon that goes away is looked for again, at most as often as the pause says that doubles with
//! each failure. A process that was forked opens a socket of its own: two processes that write to
//! one stream would tear each other's messages.

mod place;
mod stream;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{SockAddr, Socket, Type};

use crate::sys;
pub(crate) use place::{Kind, Place};
use stream::Waiting;

/// Milliseconds between two attempts to reach the daemon.
const FIRST_PAUSE: u64 = 100;
const LONGEST_PAUSE: u64 = 10_000;

/// When a name may be looked up, which can take seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookups {
    /// Once, when the post is made: by the master, before it serves, or when it loads its settings.
    First,
    /// Whenever a socket is opened: by a thread that nobody waits for.
    Always,
}

/// How messages on a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Their length in front (RFC 6587, section 3.4.1).
    Octets,
    /// A line feed behind (section 3.4.2): no message has one inside.
    Line,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Post {
    place: Place,
    lookups: Lookups,
    address: io::Result<SockAddr>,
    owner: u32,
    socket: Option<(Socket, Kind)>,
    waiting: Waiting,
    /// [`sys::coarse_millis`] before which nothing is opened.
    not_before: u64,
    pause: u64,
}

impl Post {
    /// Looks the place up; nothing is opened yet.
    pub(crate) fn new(place: Place, lookups: Lookups) -> Post {
        let address = place.look_up();
        let waiting = Waiting::new(place.framing());
        let owner = std::process::id();
        let (socket, not_before, pause) = (None, 0, FIRST_PAUSE);
        Post { place, lookups, address, owner, socket, waiting, not_before, pause }
    }

    /// Posts one message, waiting for room for at most `patience`.
    ///
    /// # Errors
    /// The message is lost: there is no room (`WouldBlock`), or no daemon.
    pub(crate) fn send(&mut self, message: &[u8], patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        loop {
            match self.try_send(message) {
                Err(error) if error.kind() == ErrorKind::WouldBlock && self.wait(deadline) => {}
                sent => return sent,
            }
        }
    }

    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        self.leave_the_parents_alone();
        let kind = self.open()?;
        let sent = match kind {
            Kind::Datagrams => self.send_datagram(message),
            Kind::Stream => self.send_on_stream(message),
        };
        match sent {
            Err(error) if error.kind() != ErrorKind::WouldBlock => {
                self.socket = None;
                // The daemon was perhaps started anew.
                match self.open()? {
                    Kind::Datagrams => self.send_datagram(message),
                    Kind::Stream => self.send_on_stream(message),
                }
            }
            sent => sent,
        }
    }

    fn leave_the_parents_alone(&mut self) {
        let process = std::process::id();
        if self.owner != process {
            self.owner = process;
            self.socket = None;
            self.waiting.clear();
            (self.not_before, self.pause) = (0, FIRST_PAUSE);
        }
    }

    /// Opens a socket if there is none, and if it is time to.
    fn open(&mut self) -> io::Result<Kind> {
        if let Some((_, kind)) = &self.socket {
            return Ok(*kind);
        }
        let now = sys::coarse_millis();
        if now < self.not_before {
            return Err(ErrorKind::NotConnected.into());
        }
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        if self.lookups == Lookups::Always {
            self.address = self.place.look_up();
        }
        let address = match &self.address {
            Ok(address) => address,
            Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
        };
        let (socket, kind) = connect(address, &self.place)?;
        self.socket = Some((socket, kind));
        self.waiting.rewind();
        Ok(kind)
    }

    fn send_datagram(&mut self, message: &[u8]) -> io::Result<()> {
        let Some((socket, _)) = &self.socket else { return Err(ErrorKind::NotConnected.into()) };
        let sent = match post(socket, message) {
            // Over UDP that is the answer to an earlier datagram: this one was not sent.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => post(socket, message),
            sent => sent,
        };
        sent.map(|_| self.pause = FIRST_PAUSE)
    }

    fn send_on_stream(&mut self, message: &[u8]) -> io::Result<()> {
        if !self.waiting.has_room_for(message) {
            self.flush_stream()?;
        }
        if !self.waiting.has_room_for(message) {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.waiting.push(message);
        // From here on the message is in good hands: it is sent again if this connection breaks.
        if self.flush_stream().is_err() {
            self.socket = None;
        }
        Ok(())
    }

    fn flush_stream(&mut self) -> io::Result<()> {
        let Some((socket, Kind::Stream)) = &self.socket else { return Ok(()) };
        if self.waiting.write(|bytes| post(socket, bytes))? > 0 {
            self.pause = FIRST_PAUSE;
        }
        Ok(())
    }

    /// Tries to get rid of what a stream has not taken yet.
    pub(crate) fn flush(&mut self) {
        self.leave_the_parents_alone();
        if self.waiting.is_empty() || self.open().is_err() {
            return;
        }
        if self.flush_stream().is_err() {
            self.socket = None;
        }
    }

    /// Whether [`Post::flush`] has something to do.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Waits until there may be room. False: the time is over, or there is nothing to wait for.
    fn wait(&self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some((socket, _)) = &self.socket else { return false };
        if left.is_zero() {
            return false;
        }
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
        poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], timeout).is_ok_and(|n| n > 0)
    }
}

/// One send(2).
fn post(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match socket.send_with_flags(bytes, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A datagram finds no room in the device's queue: the same as none in the socket's.
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                return Err(ErrorKind::WouldBlock.into());
            }
            sent => return sent,
        }
    }
}

fn connect(address: &SockAddr, place: &Place) -> io::Result<(Socket, Kind)> {
    let open = |kind: Kind| {
        let r#type = match kind {
            Kind::Datagrams => Type::DGRAM,
            Kind::Stream => Type::STREAM,
        };
        let socket = Socket::new(address.domain(), r#type.nonblocking(), None)?;
        match socket.connect(address) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            _ => Ok((socket, kind)),
        }
    };
    match place.kind() {
        Some(kind) => open(kind),
        None => match open(Kind::Datagrams) {
            Err(error) if error.raw_os_error() == Some(libc::EPROTOTYPE) => open(Kind::Stream),
            opened => opened,
        },
    }
}
