//! One connection of the load: it sends a turn, counts the answers, and is closed without leaving a
//! port behind. It never waits; the engine calls it when the socket may have something.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::{Domain, SockRef, Socket, Type};

use super::reply::{After, AtEnd, Malformed, Reader, Reply};
use super::tally::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No connection.
    Empty,
    /// A connection, and nothing asked.
    Ready,
    /// Answers are awaited.
    Busy,
    /// The server is to close the connection: whoever closes first keeps the port for a minute.
    Leaving,
}

/// Whether the server is to close the connection after this turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    No,
    Yes,
}

/// What a short read means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Short {
    /// Everything has been read: a second call would only be told so.
    Drained,
    /// The end may follow, and will not be reported again.
    ReadOn,
}

/// A connection, or the place for one.
#[derive(Debug)]
pub(super) struct Slot {
    stream: Option<TcpStream>,
    state: State,
    /// Whether the connection has ever taken a byte.
    reached: Reached,
    reader: Reader,
    last: Last,
    turn: usize,
    sent: usize,
    awaited: u32,
    intended: Instant,
    begun: Instant,
    turns: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    NotYet,
    Connected,
}

impl Slot {
    pub(super) fn new(now: Instant) -> Slot {
        Slot {
            stream: None,
            state: State::Empty,
            reached: Reached::NotYet,
            reader: Reader::default(),
            last: Last::No,
            turn: 0,
            sent: 0,
            awaited: 0,
            intended: now,
            begun: now,
            turns: 0,
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// Answers that the turn still awaits.
    pub(super) fn awaited(&self) -> u32 {
        self.awaited
    }

    /// When the turn should have begun: latencies count from here.
    pub(super) fn intended(&self) -> Instant {
        self.intended
    }

    /// When the turn has begun, or the leaving.
    pub(super) fn begun(&self) -> Instant {
        self.begun
    }

    /// Which turn it is.
    pub(super) fn turn(&self) -> (usize, Last) {
        (self.turn, self.last)
    }

    /// Turns that this connection has begun.
    pub(super) fn turns(&self) -> u32 {
        self.turns
    }

    /// Makes the connection, without waiting for it.
    pub(super) fn connect(
        &mut self,
        to: SocketAddr,
        epoll: &Epoll,
        key: u64,
    ) -> Result<(), Failure> {
        let open = || -> io::Result<TcpStream> {
            let socket =
                Socket::new(Domain::for_address(to), Type::STREAM.nonblocking().cloexec(), None)?;
            // Nagle's delay stays: a turn is one write, and the one before it has been answered.
            match socket.connect(&to.into()) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(nix::libc::EINPROGRESS) => {}
                Err(error) => return Err(error),
            }
            let interest = EpollFlags::EPOLLIN
                | EpollFlags::EPOLLOUT
                | EpollFlags::EPOLLRDHUP
                | EpollFlags::EPOLLET;
            epoll.add(&socket, EpollEvent::new(interest, key))?;
            Ok(socket.into())
        };
        self.close();
        self.stream = Some(open().map_err(|_| Failure::Connect)?);
        self.state = State::Ready;
        Ok(())
    }

    /// Takes a turn; [`Slot::send`] sends it.
    pub(super) fn begin(
        &mut self,
        turn: usize,
        last: Last,
        replies: u32,
        intended: Instant,
        now: Instant,
    ) {
        self.state = State::Busy;
        self.turn = turn;
        self.last = last;
        self.sent = 0;
        self.awaited = replies;
        self.intended = intended;
        self.begun = now;
        self.turns += 1;
    }

    /// Sends what is left of `bytes`, the turn's, as far as there is room.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Some(mut stream) = self.stream.as_ref() else { return Ok(()) };
        while self.sent < bytes.len() {
            match stream.write(&bytes[self.sent..]) {
                Ok(count) => {
                    self.sent += count;
                    self.reached = Reached::Connected;
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(()),
                    ErrorKind::Interrupted => {}
                    _ => return Err(self.kind()),
                },
            }
        }
        Ok(())
    }

    /// Reads what there is into `buffer`, adds its length to `bytes`, and calls `answered` for each
    /// answer. What is still awaited after a failure is lost.
    pub(super) fn receive(
        &mut self,
        buffer: &mut [u8],
        short: Short,
        bytes: &mut u64,
        mut answered: impl FnMut(&Slot, Reply),
    ) -> Result<(), Failure> {
        while let Some(mut stream) = self.stream.as_ref() {
            match stream.read(buffer) {
                Ok(0) => return self.ended(answered),
                Ok(count) => {
                    *bytes += count as u64;
                    self.take(&buffer[..count], &mut answered)?;
                    let drained = count < buffer.len() && short == Short::Drained;
                    if drained && self.state != State::Leaving {
                        return Ok(());
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return Ok(()),
                    ErrorKind::Interrupted => {}
                    _ if self.state == State::Busy => return Err(self.kind()),
                    _ => self.close(),
                },
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        mut data: &[u8],
        answered: &mut impl FnMut(&Slot, Reply),
    ) -> Result<(), Failure> {
        while !data.is_empty() {
            if self.state != State::Busy {
                // Bytes that nobody has asked for.
                return Err(Failure::Malformed);
            }
            let reply = self.reader.feed(&mut data).map_err(|Malformed| Failure::Malformed)?;
            let Some(reply) = reply else { return Ok(()) };
            self.awaited -= 1;
            answered(self, reply);
            match (self.awaited, reply.after) {
                (0, After::Close) => self.leave(),
                // It was asked to close and will not: then nobody is hurt when we do.
                (0, After::Keep) if self.last == Last::Yes => self.close(),
                (0, After::Keep) => self.state = State::Ready,
                (_, After::Close) => return Err(Failure::Reset),
                (_, After::Keep) => {}
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.state = State::Leaving;
        self.begun = Instant::now();
    }

    /// The server has closed the connection.
    fn ended(&mut self, mut answered: impl FnMut(&Slot, Reply)) -> Result<(), Failure> {
        if self.state != State::Busy {
            self.close();
            return Ok(());
        }
        match self.reader.end() {
            AtEnd::Whole(reply) if self.awaited == 1 => {
                answered(self, reply);
                self.close();
                Ok(())
            }
            AtEnd::Nothing => Err(Failure::Reset),
            AtEnd::Whole(_) | AtEnd::Short => Err(Failure::Short),
        }
    }

    fn kind(&self) -> Failure {
        match self.reached {
            Reached::NotYet => Failure::Connect,
            Reached::Connected if self.reader.end() == AtEnd::Nothing => Failure::Reset,
            Reached::Connected => Failure::Short,
        }
    }

    /// Closes the connection. With a reset: what there was to say has been said, and otherwise a
    /// run of short connections would be over when the ports are.
    pub(super) fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        self.state = State::Empty;
        self.reached = Reached::NotYet;
        self.reader = Reader::default();
        self.awaited = 0;
        self.turns = 0;
    }
}
