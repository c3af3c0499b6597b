//! How addresses are written: as gunicorn's users write them, with a few forms more.

use std::fmt;
use std::str::FromStr;

use super::unix::{self, UnixSocket};

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
    /// `unix:PATH`, `unix:PATH?mode=0660&user=U&group=G`.
    Unix(UnixSocket),
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
                None => UnixSocket::parse(path).map(ListenerSpec::Unix),
                Some(name) => {
                    unix::check_length(name).map(|()| ListenerSpec::Abstract(name.to_owned()))
                }
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
            ListenerSpec::Unix(socket) => socket.fmt(f),
            ListenerSpec::Abstract(name) => write!(f, "unix:@{name}"),
            ListenerSpec::Fd(number) => write!(f, "fd://{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            "unix:@",
            "unix:/x?mode=9",
            "fd://x",
            "fd://-1",
        ] {
            assert!(text.parse::<ListenerSpec>().is_err(), "{text}");
        }
    }
}
