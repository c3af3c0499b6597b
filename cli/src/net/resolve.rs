//! Names of hosts. The system's resolver cannot be asked without blocking: it reads files, may load
//! libraries, and waits for servers by its own rules (getaddrinfo(3)). So a name goes where blocking
//! holds nobody up, and only a name: an address that is written in numbers needs nobody.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs};
use std::time::Instant;

use crate::unblock::unblock_until;

/// What can be connected to: everything that [`std::net::ToSocketAddrs`] is for. That trait itself would
/// block the caller.
///
/// ```
/// use oxicorn::net::{Host, Resolve};
///
/// let known = ("127.0.0.1", 80).host()?;
/// assert_eq!(known, Host::Known(vec!["127.0.0.1:80".parse().unwrap()]));
/// assert_eq!("example.org:80".host()?, Host::Named("example.org".to_owned(), 80));
/// # std::io::Result::Ok(())
/// ```
pub trait Resolve {
    /// What has to be looked up.
    ///
    /// # Errors
    /// It is neither an address nor a name with a port.
    fn host(&self) -> io::Result<Host>;
}

/// An address, or what leads to one: see [`Resolve`].
///
/// ```
/// use oxicorn::net::{Host, Resolve};
///
/// assert_eq!("127.0.0.1:80".host()?, Host::Known(vec![([127, 0, 0, 1], 80).into()]));
/// assert_eq!("example.org:80".host()?, Host::Named("example.org".to_owned(), 80));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// The addresses are known.
    Known(Vec<SocketAddr>),
    /// A name, and the port at whatever it stands for.
    Named(String, u16),
}

impl Host {
    /// Of a name or an address without a port.
    fn of(name: &str, port: u16) -> Host {
        match name.parse::<IpAddr>() {
            Ok(address) => Host::Known(vec![SocketAddr::new(address, port)]),
            Err(_) => Host::Named(name.to_owned(), port),
        }
    }

    pub(super) fn addresses(self, until: Option<Instant>) -> io::Result<Vec<SocketAddr>> {
        match self {
            Host::Known(addresses) => Ok(addresses),
            Host::Named(name, port) => {
                let ask = move || (name.as_str(), port).to_socket_addrs().map(Iterator::collect);
                unblock_until(until, ask).unwrap_or_else(|| {
                    let message = "the name was not looked up in time";
                    Err(io::Error::new(io::ErrorKind::TimedOut, message))
                })
            }
        }
    }
}

/// The addresses of a name, as the system's resolver gives them (so /etc/hosts counts), in its order of
/// preference. In the class `coroutine` one of a few threads asks, and the caller's coroutine waits; in
/// every other class the caller asks.
///
/// [`time::timeout`](crate::time::timeout) limits how long it may take under `coroutine`; elsewhere
/// resolv.conf(5) does.
///
/// # Errors
/// Those of the resolver; `InvalidInput` for what is no name with a port.
///
/// ```
/// let addresses = oxicorn::net::lookup("127.0.0.1:80")?;
/// assert_eq!(addresses, ["127.0.0.1:80".parse().unwrap()]);
/// # std::io::Result::Ok(())
/// ```
pub fn lookup(name: impl Resolve) -> io::Result<Vec<SocketAddr>> {
    name.host()?.addresses(None)
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

impl Resolve for str {
    fn host(&self) -> io::Result<Host> {
        if let Ok(address) = self.parse() {
            return Ok(Host::Known(vec![address]));
        }
        let (name, port) = self.rsplit_once(':').ok_or_else(|| invalid("there is no port"))?;
        let port = port.parse().map_err(|_| invalid("the port is not a number below 65536"))?;
        Ok(Host::Named(name.to_owned(), port))
    }
}

impl Resolve for String {
    fn host(&self) -> io::Result<Host> {
        self.as_str().host()
    }
}

impl Resolve for (&str, u16) {
    fn host(&self) -> io::Result<Host> {
        Ok(Host::of(self.0, self.1))
    }
}

impl Resolve for (String, u16) {
    fn host(&self) -> io::Result<Host> {
        Ok(Host::of(&self.0, self.1))
    }
}

impl Resolve for [SocketAddr] {
    fn host(&self) -> io::Result<Host> {
        Ok(Host::Known(self.to_vec()))
    }
}

impl<T: Resolve + ?Sized> Resolve for &T {
    fn host(&self) -> io::Result<Host> {
        (**self).host()
    }
}

macro_rules! known {
    ($($address:ty),*) => {
        $(
            impl Resolve for $address {
                fn host(&self) -> io::Result<Host> {
                    Ok(Host::Known(vec![(*self).into()]))
                }
            }
        )*
    };
}

known!(SocketAddr, SocketAddrV4, SocketAddrV6, (IpAddr, u16), (Ipv4Addr, u16), (Ipv6Addr, u16));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_has_to_be_looked_up() {
        let address: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let known = Host::Known(vec![address]);
        assert_eq!("127.0.0.1:80".host().unwrap(), known);
        assert_eq!(("127.0.0.1", 80).host().unwrap(), known);
        assert_eq!((address.ip(), 80).host().unwrap(), known);
        assert_eq!(Resolve::host(&&address).unwrap(), known);
        assert_eq!([address][..].host().unwrap(), known);
        let v6 = Host::Known(vec!["[::1]:80".parse().unwrap()]);
        assert_eq!(("::1", 80).host().unwrap(), v6);
        assert_eq!("[::1]:80".to_owned().host().unwrap(), v6);
        let named = Host::Named("localhost".to_owned(), 80);
        assert_eq!("localhost:80".host().unwrap(), named);
        assert_eq!(("localhost".to_owned(), 80).host().unwrap(), named);
        for malformed in ["localhost", "localhost:", "localhost:65536", ""] {
            assert_eq!(malformed.host().unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn names_mean_what_the_system_says() {
        let ours = lookup(("localhost", 80)).unwrap();
        let theirs: Vec<_> = ("localhost", 80).to_socket_addrs().unwrap().collect();
        assert_eq!(ours, theirs);
        // RFC 6761 section 6.4: this name never exists. Of an empty label nobody is even asked.
        assert!(lookup("..:80").is_err());
    }
}
