//! Addresses and listening sockets. A [`ListenerSpec`] is a description, a value that can be
//! compared and printed; a [`Listener`] is the socket. The master makes listeners and keeps them as
//! long as anything may be queued on them; workers inherit them and only ever close them:
//! shutdown(2) on one would end the queue for every process that shares it.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use socket2::{Domain, SockAddr, Socket, Type};

use crate::sys;

/// Where to listen, as the user writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenerSpec {
    /// `HOST:PORT`, `[v6]:PORT`, `:PORT`, `PORT` (these two: every IPv4 address), `HOST` (port 8000).
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// 0: any free port.
        port: u16,
    },
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `unix:@NAME`: a name in the kernel instead of a file.
    Abstract(String),
    /// `fd://N`: a listening socket that this process was started with.
    Fd(i32),
}

impl FromStr for ListenerSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<ListenerSpec, String> {
        if let Some(number) = text.strip_prefix("fd://") {
            let fd = number.parse().ok().filter(|&fd: &i32| fd >= 0);
            return fd.map(ListenerSpec::Fd).ok_or(format!("{number:?} is not a file descriptor"));
        }
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path.strip_prefix('@') {
                _ if path.is_empty() => Err("the path of the socket is missing".to_owned()),
                Some(name) => Ok(ListenerSpec::Abstract(name.to_owned())),
                None => Ok(ListenerSpec::Unix(path.into())),
            };
        }
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        let (host, port) = split_host_port(text)?;
        let number = port.parse().map_err(|_| format!("{port:?} is not a port number"))?;
        Ok(ListenerSpec::Tcp { host: host.to_ascii_lowercase(), port: number })
    }
}

const ANY: &str = "0.0.0.0";
const DEFAULT_PORT: &str = "8000";

fn split_host_port(text: &str) -> Result<(&str, &str), String> {
    if text.is_empty() {
        return Err("the address is empty".to_owned());
    }
    if let Some(inside) = text.strip_prefix('[') {
        let (host, behind) = inside.split_once(']').ok_or("']' is missing")?;
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, port)),
            None if behind.is_empty() => Ok((host, DEFAULT_PORT)),
            None => Err(format!("{behind:?} behind ']' is not a port")),
        };
    }
    match text.rsplit_once(':') {
        Some(("", port)) => Ok((ANY, port)),
        Some((host, _)) if host.contains(':') => {
            Err("an IPv6 address is written in brackets: [::1]:8000".to_owned())
        }
        Some((host, port)) => Ok((host, port)),
        None if text.bytes().all(|b| b.is_ascii_digit()) => Ok((ANY, text)),
        None => Ok((text, DEFAULT_PORT)),
    }
}

impl fmt::Display for ListenerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenerSpec::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            ListenerSpec::Tcp { host, port } => write!(f, "{host}:{port}"),
            ListenerSpec::Unix(path) => write!(f, "unix:{}", path.display()),
            ListenerSpec::Abstract(name) => write!(f, "unix:@{name}"),
            ListenerSpec::Fd(number) => write!(f, "fd://{number}"),
        }
    }
}

/// The address that a socket of ours has.
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

/// The file of a unix socket that this process has made, so that it removes no other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let meta = std::fs::symlink_metadata(path)?;
        Ok(SocketFile { path: path.to_owned(), device: meta.dev(), inode: meta.ino() })
    }

    /// The file of a socket that was handed over to this process.
    pub fn known(path: PathBuf, device: u64, inode: u64) -> SocketFile {
        SocketFile { path, device, inode }
    }

    /// Device and inode.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Removes the file, if it is still the one that was made.
    pub fn remove(&self) {
        let same = SocketFile::of(&self.path)
            .is_ok_and(|now| (now.device, now.inode) == (self.device, self.inode));
        if same {
            let _ = std::fs::remove_file(&self.path);
        }
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
    pub fn bind(spec: &ListenerSpec, backlog: u32) -> io::Result<Listener> {
        let (socket, file) = match spec {
            ListenerSpec::Tcp { host, port } => (bind_tcp(host, *port)?, None),
            ListenerSpec::Unix(path) => {
                let (socket, file) = bind_unix(path)?;
                (socket, Some(file))
            }
            ListenerSpec::Abstract(name) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
                socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
                (socket, None)
            }
            ListenerSpec::Fd(number) => return Listener::adopt(spec, sys::adopt(*number)?),
        };
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
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

fn bind_tcp(host: &str, port: u16) -> io::Result<Socket> {
    let address = (host, port).to_socket_addrs()?.next().ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("{host:?} has no address"))
    })?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    // Accepted sockets inherit it from the listener: one system call, not one for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn bind_unix(path: &Path) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.file_type().is_socket() => {
            let message = "the file is there already and is not a socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        Ok(_) if Socket::new(Domain::UNIX, Type::STREAM, None)?.connect(&address).is_ok() => {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(_) => std::fs::remove_file(path)?,
        Err(_) => {}
    }
    socket.bind(&address)?;
    Ok((socket, SocketFile::of(path)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn tcp(host: &str, port: u16) -> ListenerSpec {
        ListenerSpec::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn addresses_are_read_as_gunicorns_users_write_them() {
        for (text, spec) in [
            ("127.0.0.1:8000", tcp("127.0.0.1", 8000)),
            (":5000", tcp("0.0.0.0", 5000)),
            ("5000", tcp("0.0.0.0", 5000)),
            ("[::1]:80", tcp("::1", 80)),
            ("[::1]", tcp("::1", 8000)),
            ("tcp://Localhost:1", tcp("localhost", 1)),
            ("localhost", tcp("localhost", 8000)),
            ("unix:/run/x.sock", ListenerSpec::Unix("/run/x.sock".into())),
            ("unix:///run/x.sock", ListenerSpec::Unix("/run/x.sock".into())),
            ("unix:@name", ListenerSpec::Abstract("name".to_owned())),
            ("fd://3", ListenerSpec::Fd(3)),
        ] {
            assert_eq!(text.parse::<ListenerSpec>().as_ref(), Ok(&spec), "{text}");
            assert_eq!(spec.to_string().parse::<ListenerSpec>(), Ok(spec), "{text} printed");
        }
        for text in [
            "",
            "::1:80",
            "127.0.0.1:http",
            "127.0.0.1:99999",
            "[::1",
            "[::1]80",
            "unix:",
            "fd://x",
            "fd://-1",
        ] {
            assert!(text.parse::<ListenerSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_live_unix_socket_is_not_stolen_and_a_dead_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let spec = ListenerSpec::Unix(folder.path().join("s"));
        let first = Listener::bind(&spec, 8).unwrap();
        assert_eq!(Listener::bind(&spec, 8).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let path = folder.path().join("s");
        let _client = UnixStream::connect(&path).unwrap();
        assert_eq!(first.accept().unwrap().1, Peer::Unix);
        drop(first);
        let second = Listener::bind(&spec, 8).unwrap();
        second.try_clone().unwrap().remove_file();
        assert!(path.exists(), "a worker's copy removes nothing");
        second.remove_file();
        assert!(!path.exists());
        std::fs::write(&path, "precious").unwrap();
        assert!(Listener::bind(&spec, 8).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn who_is_in_the_queue_when_new_ones_are_refused_is_still_accepted() {
        let listener = Listener::bind(&tcp("127.0.0.1", 0), 8).unwrap();
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
        let listener = Listener::bind(&ListenerSpec::Unix(path.clone()), 8).unwrap();
        let _early = UnixStream::connect(&path).unwrap();
        listener.refuse_new().unwrap();
        assert!(listener.refuses_new());
        assert!(listener.accept().is_ok(), "the queue is still there");
    }

    #[test]
    fn only_a_listening_socket_can_be_adopted() {
        let listener = Listener::bind(&tcp("127.0.0.1", 0), 8).unwrap();
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
