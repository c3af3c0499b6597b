//! TCP.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use oxicorn_core::wait::{Interest, Woken, ready};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use super::resolve::Resolve;
use super::stream::{Socket, Stream, not_zero};

/// A TCP connection to somewhere else, used as [`std::net::TcpStream`] is.
///
/// ```no_run
/// use std::io::{Read, Write};
///
/// let mut stream = oxicorn::net::TcpStream::connect("127.0.0.1:6379")?;
/// stream.write_all(b"PING\r\n")?;
/// let mut answer = [0; 7];
/// stream.read_exact(&mut answer)?;
/// # std::io::Result::Ok(())
/// ```
pub type TcpStream = Stream<StdStream>;

/// What becomes of a write that would not fill a packet.
///
/// ```no_run
/// use oxicorn::net::{SmallWrites, TcpStream};
///
/// let stream = TcpStream::connect("127.0.0.1:6379")?;
/// stream.set_nodelay(SmallWrites::AtOnce)?;
/// assert!(stream.nodelay()?);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallWrites {
    /// It is sent at once: `TCP_NODELAY` is on.
    AtOnce,
    /// It waits for more while earlier bytes are not yet acknowledged: `TCP_NODELAY` is off.
    Gathered,
}

impl Socket for StdStream {
    fn twin(&self) -> io::Result<StdStream> {
        self.try_clone()
    }

    fn end(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }
}

impl Stream<StdStream> {
    /// Connects to `address`; of a name's addresses, to the first that answers.
    ///
    /// A name is looked up as by [`lookup`](super::lookup); a numeric address costs nothing.
    ///
    /// # Errors
    /// Those of the name's resolution and of connect(2), for the last address tried.
    pub fn connect(address: impl Resolve) -> io::Result<TcpStream> {
        connect_any(&address, None)
    }

    /// The same, for at most `timeout`, all addresses together, and in the class `coroutine` the
    /// look-up too.
    ///
    /// # Errors
    /// `TimedOut`; `InvalidInput` for a timeout of zero; and as [`TcpStream::connect`].
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use oxicorn::net::TcpStream;
    ///
    /// let stream = TcpStream::connect_timeout(("example.org", 80), Duration::from_secs(5))?;
    /// println!("connected to {}", stream.peer_addr()?);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn connect_timeout(address: impl Resolve, timeout: Duration) -> io::Result<TcpStream> {
        connect_any(&address, Instant::now().checked_add(not_zero(timeout)?))
    }

    /// A connection that was made by other means. It becomes non-blocking, for everybody who shares it.
    ///
    /// # Errors
    /// Those of fcntl(2).
    ///
    /// ```no_run
    /// let made = std::net::TcpStream::connect("127.0.0.1:6379")?;
    /// let stream = oxicorn::net::TcpStream::from_std(made)?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_std(stream: StdStream) -> io::Result<TcpStream> {
        stream.set_nonblocking(true)?;
        Ok(Stream::new(stream))
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }

    /// The address of this end.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// Those of getsockopt(2).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.inner.nodelay()
    }

    /// Says what becomes of small writes (`TCP_NODELAY`); at first they are gathered.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub fn set_nodelay(&self, small: SmallWrites) -> io::Result<()> {
        self.inner.set_nodelay(small == SmallWrites::AtOnce)
    }
}

fn connect_any(address: &impl Resolve, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut failure = None;
    for address in address.host()?.addresses(deadline)? {
        match connect_one(address, deadline) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the name has no address")))
}

fn connect_one(address: SocketAddr, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let kind = Type::STREAM.nonblocking();
    let socket = RawSocket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if goes_on(&error) => {
            if ready(socket.as_fd(), Interest::Write, deadline)? == Woken::TimedOut {
                let message = "the connection was not made in time";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(Stream::new(socket.into()))
}

/// After EINPROGRESS, and after a signal too (connect(2)), the kernel goes on connecting.
fn goes_on(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EINPROGRESS | Errno::EINTR))
}
