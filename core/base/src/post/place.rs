//! Where a daemon listens, from the settings' words to a socket's address.

use std::io;
use std::net::ToSocketAddrs;
use std::path::PathBuf;

use socket2::SockAddr;

use super::Framing;
use crate::config::{StatsdHost, SyslogAddress, UnixKind};

/// What goes through a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Datagrams,
    Stream,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Udp(String, u16),
    Tcp(String, u16),
    Unix(PathBuf, UnixKind),
}

impl From<&SyslogAddress> for Place {
    fn from(address: &SyslogAddress) -> Place {
        match address {
            SyslogAddress::Udp(host, port) => Place::Udp(host.clone(), *port),
            SyslogAddress::Tcp(host, port) => Place::Tcp(host.clone(), *port),
            SyslogAddress::Unix(path, kind) => Place::Unix(path.clone(), *kind),
        }
    }
}

impl From<&StatsdHost> for Place {
    fn from(host: &StatsdHost) -> Place {
        match host {
            StatsdHost::Udp(host, port) => Place::Udp(host.clone(), *port),
            StatsdHost::Unix(path) => Place::Unix(path.clone(), UnixKind::Datagram),
        }
    }
}

impl Place {
    /// The address; of several the first, as gunicorn takes it, but an IPv4 one if there is one:
    /// daemons of this kind often listen to nothing else, and with datagrams nobody would notice.
    ///
    /// # Errors
    /// The name has none.
    pub(super) fn look_up(&self) -> io::Result<SockAddr> {
        match self {
            Place::Unix(path, _) => SockAddr::unix(path),
            Place::Udp(host, port) | Place::Tcp(host, port) => {
                let found: Vec<_> = (host.as_str(), *port).to_socket_addrs()?.collect();
                let first = found.iter().find(|address| address.is_ipv4()).or(found.first());
                first.map(|&address| address.into()).ok_or_else(|| {
                    io::Error::new(io::ErrorKind::NotFound, format!("{host:?} has no address"))
                })
            }
        }
    }

    /// None: whatever is there.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Place::Udp(..) | Place::Unix(_, UnixKind::Datagram) => Some(Kind::Datagrams),
            Place::Tcp(..) | Place::Unix(_, UnixKind::Stream) => Some(Kind::Stream),
            Place::Unix(_, UnixKind::Any) => None,
        }
    }

    /// How messages are told apart where it takes a stream.
    pub(super) fn framing(&self) -> Framing {
        match self {
            Place::Tcp(..) => Framing::Octets,
            Place::Udp(..) | Place::Unix(..) => Framing::Line,
        }
    }
}
