//! Unix sockets.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{SocketAddr, UnixStream as StdStream};
use std::path::Path;
use std::time::Duration;

use oxicorn_core::wait::sleep;
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

use super::stream::{Socket, Stream};

/// A connection over a unix socket, used as [`std::os::unix::net::UnixStream`] is.
///
/// ```
/// use std::io::{Read, Write};
/// use oxicorn::net::UnixStream;
///
/// let (mut one, mut other) = UnixStream::pair()?;
/// one.write_all(b"hello")?;
/// drop(one);
/// let mut text = String::new();
/// other.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// # std::io::Result::Ok(())
/// ```
pub type UnixStream = Stream<StdStream>;

/// A full queue of connections cannot be waited for (connect(2), EAGAIN): it is looked at again so
/// often.
const BETWEEN_TRIES: Duration = Duration::from_millis(1);

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
    /// Connects to the socket at `path`, waiting while its queue of connections is full.
    ///
    /// # Errors
    /// Those of connect(2): nobody listens there, above all.
    ///
    /// ```no_run
    /// let stream = oxicorn::net::UnixStream::connect("/run/postgresql/.s.PGSQL.5432")?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        let address = SockAddr::unix(path)?;
        loop {
            let socket = RawSocket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
            match socket.connect(&address) {
                Ok(()) => return Ok(Stream::new(socket.into())),
                Err(error) if is_full(&error) => sleep(BETWEEN_TRIES),
                Err(error) => return Err(error),
            }
        }
    }

    /// Two ends of one connection.
    ///
    /// # Errors
    /// Those of socketpair(2).
    ///
    /// ```
    /// use std::io::{Read, Write};
    ///
    /// let (mut one, mut other) = oxicorn::net::UnixStream::pair()?;
    /// one.write_all(b"!")?;
    /// assert_eq!(other.read(&mut [0; 8])?, 1);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = StdStream::pair()?;
        Ok((UnixStream::from_std(one)?, UnixStream::from_std(other)?))
    }

    /// A connection that was made by other means. It becomes non-blocking, for everybody who shares it.
    ///
    /// # Errors
    /// Those of fcntl(2).
    ///
    /// ```
    /// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
    /// let one = oxicorn::net::UnixStream::from_std(one)?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_std(stream: StdStream) -> io::Result<UnixStream> {
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
}

/// Not EINPROGRESS, as it would be with TCP. A signal changes nothing: nothing has begun.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
