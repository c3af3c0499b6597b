//! Addresses and listening sockets. A [`ListenerSpec`] is a description, a value that can be
//! compared and printed; a [`Listener`] is the socket. The master makes listeners and keeps them as
//! long as anything may be queued on them; workers inherit them and only ever close them:
//! shutdown(2) on one would end the queue for every process that shares it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::{Config, ConfigError};
use crate::identity::Owner;
use crate::sys;

pub mod passed;
mod spec;
mod unix;

pub use spec::ListenerSpec;
pub use unix::{SocketFile, UnixSocket};

/// The address that a socket of ours has.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::listener::LocalAddress;
///
/// let here = LocalAddress::Tcp(([127, 0, 0, 1], 8000).into());
/// assert_eq!(here.to_string(), "http://127.0.0.1:8000");
/// assert_eq!(LocalAddress::Unix("/run/shop.sock".into()).to_string(), "unix:/run/shop.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LocalAddress {
    /// Of a TCP socket.
    Tcp(SocketAddr),
    /// Of a unix socket with a path.
    Unix(PathBuf),
    /// Of a unix socket without one: its name in the kernel, or nothing.
    Abstract(String),
}

impl LocalAddress {
    fn of(address: &SockAddr) -> LocalAddress {
        if let Some(address) = address.as_socket() {
            return LocalAddress::Tcp(address);
        }
        if let Some(path) = address.as_pathname() {
            return LocalAddress::Unix(path.to_owned());
        }
        let name = address.as_abstract_namespace().unwrap_or_default();
        LocalAddress::Abstract(String::from_utf8_lossy(name).into_owned())
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalAddress::Tcp(address) => write!(f, "http://{address}"),
            LocalAddress::Unix(path) => write!(f, "unix:{}", path.display()),
            LocalAddress::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

/// Who has connected.
///
/// ```
/// # use oxicorn_core as oxicorn;
/// use oxicorn::listener::Peer;
///
/// let somebody = Peer::Tcp(([127, 0, 0, 1], 40000).into());
/// assert_eq!(somebody.ip(), Some([127, 0, 0, 1].into()));
/// assert_eq!(Peer::Unix.ip(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Over TCP.
    Tcp(SocketAddr),
    /// Over a unix socket.
    Unix,
}

impl Peer {
    /// The peer's address, if it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Tcp(address) => Some(address.ip()),
            Peer::Unix => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Tcp(address) => write!(f, "{}", address.ip()),
            Peer::Unix => f.write_str("unix"),
        }
    }
}

/// Whether other processes may listen at the same TCP address, with sockets of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// No.
    #[default]
    Alone,
    /// Yes: SO_REUSEPORT, socket(7).
    Shared,
}

/// How sockets are made, beside their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Connections that may wait: listen(2).
    pub backlog: u32,
    /// Whether TCP addresses are shared.
    pub sharing: Sharing,
    /// Whose the files of unix sockets are, where their address does not say.
    pub owner: Owner,
}

impl Terms {
    /// So many may wait, and nothing else out of the ordinary.
    pub fn backlog(backlog: u32) -> Terms {
        Terms { backlog, sharing: Sharing::default(), owner: Owner::default() }
    }

    /// What the settings say.
    ///
    /// # Errors
    /// Those of [`Owner::of`].
    pub fn of(config: &Config) -> Result<Terms, ConfigError> {
        let sharing = if config.reuse_port { Sharing::Shared } else { Sharing::Alone };
        Ok(Terms { backlog: config.backlog, sharing, owner: Owner::of(config)? })
    }
}

/// A listening socket: non-blocking, close-on-exec.
#[derive(Debug)]
pub struct Listener {
    spec: ListenerSpec,
    socket: Socket,
    address: LocalAddress,
    file: Option<SocketFile>,
}

impl Listener {
    /// Makes the socket that `spec` describes. A file in the way of a unix socket is replaced only
    /// when it is a socket and nothing listens on it.
    ///
    /// # Errors
    /// Those of socket(2), bind(2) and listen(2) (`AddrInUse` above all), of the name's resolution,
    /// and of what is in the way.
    pub fn bind(spec: &ListenerSpec, terms: &Terms) -> io::Result<Listener> {
        let (socket, file) = match spec {
            ListenerSpec::Tcp { host, port } => (bind_tcp(host, *port, terms.sharing)?, None),
            ListenerSpec::Unix(unix) => {
                let (socket, file) = unix.bind(terms.owner)?;
                (socket, Some(file))
            }
            ListenerSpec::Abstract(name) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
                socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
                (socket, None)
            }
            ListenerSpec::Fd(number) => return Listener::adopt(spec, sys::adopt(*number)?),
        };
        socket.listen(i32::try_from(terms.backlog).unwrap_or(i32::MAX))?;
        Listener::assemble(spec, socket, file)
    }

    /// Takes over a socket that listens already: one the process was started with.
    ///
    /// # Errors
    /// It is not a listening stream socket.
    pub fn adopt(spec: &ListenerSpec, fd: OwnedFd) -> io::Result<Listener> {
        let socket = Socket::from(fd);
        if socket.r#type()? != Type::STREAM || !socket.is_listener()? {
            let message = format!("{spec} is not a listening stream socket");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        #[expect(clippy::disallowed_methods, reason = "whoever made it may have left it blocking")]
        socket.set_nonblocking(true)?;
        socket.set_cloexec(true)?;
        if socket.local_addr()?.as_socket().is_some() {
            socket.set_tcp_nodelay(true)?;
        }
        Listener::assemble(spec, socket, None)
    }

    /// Takes over a socket of the master that this process replaces, and its file, if it has one.
    ///
    /// # Errors
    /// It is not a listening stream socket.
    pub fn inherit(
        spec: &ListenerSpec,
        fd: OwnedFd,
        file: Option<SocketFile>,
    ) -> io::Result<Listener> {
        Ok(Listener { file, ..Listener::adopt(spec, fd)? })
    }

    fn assemble(
        spec: &ListenerSpec,
        socket: Socket,
        file: Option<SocketFile>,
    ) -> io::Result<Listener> {
        let address = LocalAddress::of(&socket.local_addr()?);
        Ok(Listener { spec: spec.clone(), socket, address, file })
    }

    /// The same socket once more, for a worker; it removes no file.
    ///
    /// # Errors
    /// Out of descriptors.
    pub fn try_clone(&self) -> io::Result<Listener> {
        let (spec, address) = (self.spec.clone(), self.address.clone());
        Ok(Listener { spec, address, socket: self.socket.try_clone()?, file: None })
    }

    /// What it was made from.
    pub fn spec(&self) -> &ListenerSpec {
        &self.spec
    }

    /// The address that it really has.
    pub fn address(&self) -> &LocalAddress {
        &self.address
    }

    /// The file that goes with it, if it is this listener's to remove.
    pub fn file(&self) -> Option<&SocketFile> {
        self.file.as_ref()
    }

    /// Takes the oldest connection off the queue.
    ///
    /// # Errors
    /// Those of accept4(2): `WouldBlock` when the queue is empty.
    pub fn accept(&self) -> io::Result<(OwnedFd, Peer)> {
        let (fd, address) = sys::accept(self.socket.as_fd())?;
        Ok((fd, address.as_socket().map_or(Peer::Unix, Peer::Tcp)))
    }

    /// Lets nobody join the queue any more, in any process that shares the socket; who is in it can
    /// still be accepted. Otherwise the queue might never be empty, and whoever joined between the
    /// last accept and the close would be reset.
    ///
    /// # Errors
    /// Those of listen(2) and setsockopt(2).
    pub fn refuse_new(&self) -> io::Result<()> {
        match self.address {
            LocalAddress::Tcp(_) => {}
            LocalAddress::Unix(_) | LocalAddress::Abstract(_) => self.socket.listen(0)?,
        }
        // A filter that drops every packet for the listening socket: those of connections that are
        // made already go elsewhere. Of a unix socket it filters nothing: there it is the mark.
        let code = (libc::BPF_RET | libc::BPF_K) as u16;
        let drop_all = socket2::SockFilter::new(code, 0, 0, 0);
        self.socket.attach_filter(&[drop_all])
    }

    /// Whether somebody has called [`Listener::refuse_new`], in any process that shares the socket:
    /// then who is in the queue has nobody to wait for but those who share it now. A socket that was
    /// passed to us is nobody's to refuse; a filter on it is not ours.
    pub fn refuses_new(&self) -> bool {
        !matches!(self.spec, ListenerSpec::Fd(_)) && sys::has_filter(self.socket.as_fd())
    }

    /// Whether somebody waits to be accepted. On an error of poll(2) nobody does.
    pub fn is_waited_at(&self) -> bool {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        matches!(poll(&mut fds, PollTimeout::ZERO), Ok(1..))
    }

    /// Removes the socket's file, if this listener has made it and it is still the same file.
    pub fn remove_file(&self) {
        if let Some(file) = &self.file {
            file.remove();
        }
    }

    /// Closes this process' copy of the socket: what the others hold goes on, and so does the file,
    /// which is the caller's to remove when nobody is left.
    pub fn close(self) -> Option<SocketFile> {
        self.file
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

fn bind_tcp(host: &str, port: u16, sharing: Sharing) -> io::Result<Socket> {
    let address = (host, port).to_socket_addrs()?.next().ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("{host:?} has no address"))
    })?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    if sharing == Sharing::Shared {
        socket.set_reuse_port(true)?;
    }
    // Accepted sockets inherit it from the listener: one system call, not one for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    const EIGHT: Terms =
        Terms { backlog: 8, sharing: Sharing::Alone, owner: Owner { uid: None, gid: None } };

    fn tcp(host: &str, port: u16) -> ListenerSpec {
        ListenerSpec::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn a_live_unix_socket_is_not_stolen_and_a_dead_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ListenerSpec::Unix(folder.path().join("s").into());
        let first = Listener::bind(&spec, &EIGHT).unwrap();
        assert_eq!(Listener::bind(&spec, &EIGHT).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let path = folder.path().join("s");
        let _client = UnixStream::connect(&path).unwrap();
        assert_eq!(first.accept().unwrap().1, Peer::Unix);
        drop(first);
        let second = Listener::bind(&spec, &EIGHT).unwrap();
        second.try_clone().unwrap().remove_file();
        assert!(path.exists(), "a worker's copy removes nothing");
        second.remove_file();
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert!(Listener::bind(&spec, &EIGHT).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn who_is_in_the_queue_when_new_ones_are_refused_is_still_accepted() {
        let listener = Listener::bind(&tcp("127.0.0.1", 0), &EIGHT).unwrap();
        let LocalAddress::Tcp(address) = *listener.address() else { unreachable!() };
        let mut early = std::net::TcpStream::connect(address).unwrap();
        assert!(!listener.refuses_new());
        let copy = listener.try_clone().unwrap();
        listener.refuse_new().unwrap();
        assert!(copy.refuses_new(), "whoever shares the socket knows");
        let soon = std::time::Duration::from_millis(50);
        assert!(std::net::TcpStream::connect_timeout(&address, soon).is_err());
        let (ours, _) = listener.accept().unwrap();
        drop(listener);
        nix::unistd::write(&ours, b"x").unwrap();
        std::io::Write::write_all(&mut early, b"y").unwrap();
        assert_eq!(std::io::Read::read(&mut early, &mut [0; 2]).unwrap(), 1);
    }

    #[test]
    fn a_unix_socket_can_refuse_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let spec = ListenerSpec::Unix(path.clone().into());
        let listener = Listener::bind(&spec, &EIGHT).unwrap();
        let _early = UnixStream::connect(&path).unwrap();
        listener.refuse_new().unwrap();
        assert!(listener.refuses_new());
        assert!(listener.accept().is_ok(), "the queue is still there");
    }

    #[test]
    fn an_address_is_shared_only_by_those_who_share() {
        let shared = Terms { sharing: Sharing::Shared, ..EIGHT };
        let first = Listener::bind(&tcp("127.0.0.1", 0), &shared).unwrap();
        let LocalAddress::Tcp(address) = *first.address() else { unreachable!() };
        let same = tcp("127.0.0.1", address.port());
        assert_eq!(Listener::bind(&same, &EIGHT).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        Listener::bind(&same, &shared).unwrap();
    }

    #[test]
    fn only_a_listening_socket_can_be_adopted() {
        let listener = Listener::bind(&tcp("127.0.0.1", 0), &EIGHT).unwrap();
        assert!(matches!(listener.address(), LocalAddress::Tcp(a) if a.port() != 0));
        let copy: OwnedFd = listener.socket.try_clone().unwrap().into();
        assert_eq!(
            Listener::adopt(&ListenerSpec::Fd(3), copy).unwrap().address(),
            listener.address()
        );
        let (a, _b) = UnixStream::pair().unwrap();
        assert!(Listener::adopt(&ListenerSpec::Fd(3), a.into()).is_err());
    }
}
