//! What connections of all kinds have in common: a non-blocking socket of the standard library's, and
//! waits that go through the worker class.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, recv};
use oxicorn_core::wait::{Interest, Woken, ready};

/// A connection to somewhere else: [`TcpStream`](super::TcpStream) or [`UnixStream`](super::UnixStream).
///
/// `&Stream` reads and writes too, so one connection can be shared through an [`Arc`], one part of the
/// handler reading while another one writes.
///
/// ```
/// use std::io::{Read, Write};
/// use std::sync::Arc;
/// use oxicorn::net::UnixStream;
///
/// let (client, server) = UnixStream::pair()?;
/// let client = Arc::new(client);
/// let writer = client.clone();
/// oxicorn::spawn(move || (&*writer).write_all(b"ping"));
/// let mut question = [0; 4];
/// (&server).read_exact(&mut question)?;
/// (&server).write_all(&question)?;
/// (&*client).read_exact(&mut question)?;
/// assert_eq!(&question, b"ping");
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Stream<S> {
    pub(super) inner: S,
    patience: Arc<[Patience; 2]>,
}

/// How long one read or write may wait, in nanoseconds; 0: for ever. An atomic, because the
/// standard library sets its timeouts through a shared reference, and shared among clones, as there.
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

pub(super) fn not_zero(time: Duration) -> io::Result<Duration> {
    if time.is_zero() {
        let message = "a timeout of no time at all could never be kept";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(time)
}

/// What the standard library's sockets can do, each in its own name.
pub(super) trait Socket: AsFd + Sized {
    fn twin(&self) -> io::Result<Self>;
    fn end(&self, how: Shutdown) -> io::Result<()>;
    fn error(&self) -> io::Result<Option<io::Error>>;
}

impl<S> Stream<S> {
    /// A socket that is non-blocking already.
    pub(super) fn new(inner: S) -> Stream<S> {
        Stream { inner, patience: Arc::default() }
    }

    fn patience(&self, what: Interest) -> &Patience {
        let [read, write] = &*self.patience;
        match what {
            Interest::Read => read,
            Interest::Write => write,
        }
    }

    /// How long one read may wait; `None`, as it is at first: for ever. A read that has waited that
    /// long fails with `WouldBlock`. Clones share it.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::time::Duration;
    ///
    /// let (mut one, _other) = oxicorn::net::UnixStream::pair()?;
    /// one.set_read_timeout(Some(Duration::from_millis(1)))?;
    /// assert_eq!(one.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.patience(Interest::Read).set(timeout)
    }

    /// How long one write may wait; `None`, as it is at first: for ever. A write that has waited
    /// that long fails with `WouldBlock`. Clones share it.
    ///
    /// # Errors
    /// `InvalidInput` for a timeout of zero.
    ///
    /// ```
    /// use std::io::{ErrorKind, Write};
    /// use std::time::Duration;
    ///
    /// let (mut one, _who_reads_nothing) = oxicorn::net::UnixStream::pair()?;
    /// one.set_write_timeout(Some(Duration::from_millis(1)))?;
    /// assert_eq!(one.write_timeout(), Some(Duration::from_millis(1)));
    /// let error = one.write_all(&vec![0; 16 << 20]).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WouldBlock);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.patience(Interest::Write).set(timeout)
    }

    /// What [`Stream::set_read_timeout`] has set.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.patience(Interest::Read).get()
    }

    /// What [`Stream::set_write_timeout`] has set.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.patience(Interest::Write).get()
    }

    /// Tries first and waits afterwards: a wait that is not needed would be a system call, or a
    /// change of coroutine, for nothing.
    fn attempt<T>(&self, what: Interest, mut once: impl FnMut(&S) -> io::Result<T>) -> io::Result<T>
    where
        S: AsFd,
    {
        let mut deadline = None;
        loop {
            match once(&self.inner) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            let until = *deadline.get_or_insert_with(|| self.patience(what).deadline());
            match ready(self.inner.as_fd(), what, until)? {
                Woken::Ready => {}
                Woken::TimedOut => return Err(io::ErrorKind::WouldBlock.into()),
            }
        }
    }
}

#[expect(private_bounds, reason = "which sockets there are is not for others to add to")]
impl<S: Socket> Stream<S> {
    /// Another handle of the same connection, as [`std::net::TcpStream::try_clone`]: what one of them
    /// reads, the other does not, and timeouts belong to both.
    ///
    /// # Errors
    /// Out of descriptors.
    ///
    /// ```
    /// use std::io::{Read, Write};
    ///
    /// let (mut one, other) = oxicorn::net::UnixStream::pair()?;
    /// let mut twin = other.try_clone()?;
    /// one.write_all(b"!")?;
    /// assert_eq!(twin.read(&mut [0])?, 1);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_clone(&self) -> io::Result<Stream<S>> {
        Ok(Stream { inner: self.inner.twin()?, patience: self.patience.clone() })
    }

    /// Ends one direction of the connection, or both.
    ///
    /// # Errors
    /// Those of shutdown(2).
    ///
    /// ```
    /// use std::io::Read;
    ///
    /// let (one, mut other) = oxicorn::net::UnixStream::pair()?;
    /// one.shutdown(std::net::Shutdown::Write)?;
    /// assert_eq!(other.read(&mut [0])?, 0);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.end(how)
    }

    /// The error that the socket holds (`SO_ERROR`), if any, which is cleared.
    ///
    /// # Errors
    /// Those of getsockopt(2).
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.inner.error()
    }

    /// Reads without taking what was read away: the next read gives the same bytes. Waits as a read
    /// does.
    ///
    /// # Errors
    /// Those of recv(2); `WouldBlock` after the read timeout.
    ///
    /// ```
    /// use std::io::{Read, Write};
    ///
    /// let (mut one, mut other) = oxicorn::net::UnixStream::pair()?;
    /// one.write_all(b"!")?;
    /// assert_eq!((other.peek(&mut [0])?, other.read(&mut [0])?), (1, 1));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.attempt(Interest::Read, |socket| {
            Ok(recv(socket.as_fd().as_raw_fd(), buffer, MsgFlags::MSG_PEEK)?)
        })
    }
}

impl<S: AsFd> Read for &Stream<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.attempt(Interest::Read, |mut s| s.read(buffer))
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.attempt(Interest::Read, |mut s| s.read_vectored(buffers))
    }
}

impl<S: AsFd> Write for &Stream<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(Interest::Write, |mut s| s.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.attempt(Interest::Write, |mut s| s.write_vectored(pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: AsFd> Read for Stream<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self).read_vectored(buffers)
    }
}

impl<S: AsFd> Write for Stream<S>
where
    for<'a> &'a S: Write,
{
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

impl<S: AsFd> AsFd for Stream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl<S: AsRawFd> AsRawFd for Stream<S> {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.inner.as_raw_fd()
    }
}
