//! A TCP connection for blocking handlers. It reads like the standard library's, but the socket is
//! non-blocking underneath and every wait goes through the worker class, so that in the class
//! `coroutine` a handler that waits for an upstream lets other requests run.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream as StdStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use oxicorn_core::wait::{Interest, Woken, wait};
use socket2::{Domain, Protocol, Socket, Type};

/// A TCP connection to somewhere else, used as [`std::net::TcpStream`] is.
///
/// `&TcpStream` reads and writes too, so one connection can be shared through an
/// [`Arc`](std::sync::Arc).
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
#[derive(Debug)]
pub struct TcpStream {
    inner: StdStream,
    read: Patience,
    write: Patience,
}

/// What becomes of a write that would not fill a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallWrites {
    /// It is sent at once: `TCP_NODELAY` is on.
    AtOnce,
    /// It waits for more while earlier bytes are not yet acknowledged: `TCP_NODELAY` is off.
    Gathered,
}

/// How long one read or write may wait, in nanoseconds; 0: for ever. An atomic, because the
/// standard library sets its timeouts through a shared reference.
#[derive(Debug, Default)]
struct Patience(AtomicU64);

impl Patience {
    fn set(&self, time: Option<Duration>) -> io::Result<()> {
        let nanos = match time {
            None => 0,
            Some(time) => u64::try_from(not_zero(time)?.as_nanos()).unwrap_or(u64::MAX),
        };
        self.0.store(nanos, Ordering::Relaxed);
        Ok(())
    }

    fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.get()?)
    }
}

fn not_zero(time: Duration) -> io::Result<Duration> {
    if time.is_zero() {
        let message = "a timeout of no time at all could never be kept";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(time)
}

impl TcpStream {
    /// Connects to `address`; of a name's addresses, to the first that answers.
    ///
    /// A numeric address costs nothing; a name is looked up by the system's resolver, which blocks
    /// the thread in every worker class.
    ///
    /// # Errors
    /// Those of the name's resolution and of connect(2), for the last address tried.
    pub fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        connect_any(address, None)
    }

    /// The same, for at most `timeout`, all addresses together.
    ///
    /// # Errors
    /// `TimedOut`; `InvalidInput` for a timeout of zero; and as [`TcpStream::connect`].
    pub fn connect_timeout(
        address: impl ToSocketAddrs,
        timeout: Duration,
    ) -> io::Result<TcpStream> {
        connect_any(address, Instant::now().checked_add(not_zero(timeout)?))
    }

    /// How long one read may wait; `None`, as it is at first: for ever. A read that has waited that
    /// long fails with `WouldBlock`.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.read.set(timeout)
    }

    /// How long one write may wait; `None`, as it is at first: for ever. A write that has waited
    /// that long fails with `WouldBlock`.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.write.set(timeout)
    }

    /// What [`TcpStream::set_read_timeout`] has set.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.read.get()
    }

    /// What [`TcpStream::set_write_timeout`] has set.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.write.get()
    }

    /// Ends one direction of the connection, or both.
    ///
    /// # Errors
    /// Those of shutdown(2).
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.shutdown(how)
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

    /// Tries first and waits afterwards: a wait that is not needed would be a system call, or a
    /// change of coroutine, for nothing.
    fn attempt<T>(
        &self,
        what: Interest,
        patience: &Patience,
        mut once: impl FnMut(&StdStream) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut deadline = None;
        loop {
            match once(&self.inner) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            let until = *deadline.get_or_insert_with(|| patience.deadline());
            match wait(self.inner.as_fd(), what, until)? {
                Woken::Ready => {}
                Woken::TimedOut => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }
}

fn connect_any(address: impl ToSocketAddrs, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut failure = None;
    for address in address.to_socket_addrs()? {
        match connect_one(address, deadline) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the name has no address")))
}

fn connect_one(address: SocketAddr, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let socket =
        Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if goes_on(&error) => {
            if wait(socket.as_fd(), Interest::Write, deadline)? == Woken::TimedOut {
                let message = "the connection was not made in time";
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    Ok(TcpStream { inner: socket.into(), read: Patience::default(), write: Patience::default() })
}

/// After EINPROGRESS, and after a signal too (connect(2)), the kernel goes on connecting.
fn goes_on(error: &io::Error) -> bool {
    matches!(error.raw_os_error().map(Errno::from_raw), Some(Errno::EINPROGRESS | Errno::EINTR))
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.attempt(Interest::Read, &self.read, |mut s| s.read(buffer))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.attempt(Interest::Read, &self.read, |mut s| s.read_vectored(buffers))
    }
}

impl Write for &TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(Interest::Write, &self.write, |mut s| s.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.attempt(Interest::Write, &self.write, |mut s| s.write_vectored(pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl Write for TcpStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

#[cfg(test)]
mod tests;
