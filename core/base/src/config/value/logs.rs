//! How the logs are written, and the system's log that they can go to as well.

use std::fmt;
use std::path::PathBuf;

use super::Value;

/// How a line of a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As gunicorn writes it.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// `key=value` pairs.
    Logfmt,
}

impl Value for LogFormat {
    const HOLDER: &'static str = "FORMAT";
    const SYNTAX: &'static str = "`text`, `json` or `logfmt`";

    fn parse(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            "logfmt" => Ok(LogFormat::Logfmt),
            _ => Err("it must be text, json or logfmt".to_owned()),
        }
    }

    fn print(&self) -> String {
        let word = match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
            LogFormat::Logfmt => "logfmt",
        };
        word.to_owned()
    }
}

/// What kind of unix socket somebody listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixKind {
    /// Either: datagrams are tried first.
    Any,
    /// Datagrams.
    Datagram,
    /// A stream.
    Stream,
}

/// Where a syslog daemon takes messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyslogAddress {
    /// `udp://HOST:PORT`
    Udp(String, u16),
    /// `tcp://HOST:PORT`
    Tcp(String, u16),
    /// `unix://PATH`
    Unix(PathBuf, UnixKind),
}

/// syslog's port, for UDP by RFC 5426, for TCP by custom.
const SYSLOG_PORT: u16 = 514;

/// Takes HOST, HOST:PORT or [V6]:PORT apart.
///
/// # Errors
/// What is wrong with it.
pub(super) fn host_and_port(text: &str, otherwise: u16) -> Result<(String, u16), String> {
    let (host, behind) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or("']' is missing")?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match behind.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| format!("{port:?} is not a port number"))?,
        None if behind.is_empty() => otherwise,
        None => return Err(format!("{behind:?} behind ']' is not a port")),
    };
    match host {
        "" => Err("the host is missing".to_owned()),
        host => Ok((host.to_ascii_lowercase(), port)),
    }
}

/// The opposite of [`host_and_port`].
pub(super) struct HostPort<'a>(pub(super) &'a str, pub(super) u16);

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]:{}", self.0, self.1),
            false => write!(f, "{}:{}", self.0, self.1),
        }
    }
}

impl Value for SyslogAddress {
    const HOLDER: &'static str = "ADDRESS";
    const SYNTAX: &'static str = "`udp://HOST:PORT`, `tcp://HOST:PORT`, `unix://PATH`, `unix://PATH#dgram` or \
         `unix://PATH#stream`";

    fn parse(text: &str) -> Result<SyslogAddress, String> {
        if let Some(rest) = text.strip_prefix("udp://") {
            return host_and_port(rest, SYSLOG_PORT).map(|(h, p)| SyslogAddress::Udp(h, p));
        }
        if let Some(rest) = text.strip_prefix("tcp://") {
            return host_and_port(rest, SYSLOG_PORT).map(|(h, p)| SyslogAddress::Tcp(h, p));
        }
        let Some(rest) = text.strip_prefix("unix://") else {
            return Err("it must begin with udp://, tcp:// or unix://".to_owned());
        };
        let (path, kind) = match rest.rsplit_once('#') {
            Some((path, "dgram")) => (path, UnixKind::Datagram),
            Some((path, "stream")) => (path, UnixKind::Stream),
            Some((_, other)) => return Err(format!("#{other} is neither #dgram nor #stream")),
            None => (rest, UnixKind::Any),
        };
        PathBuf::parse(path).map(|path| SyslogAddress::Unix(path, kind))
    }

    fn print(&self) -> String {
        match self {
            SyslogAddress::Udp(host, port) => format!("udp://{}", HostPort(host, *port)),
            SyslogAddress::Tcp(host, port) => format!("tcp://{}", HostPort(host, *port)),
            SyslogAddress::Unix(path, kind) => {
                let kind = match kind {
                    UnixKind::Any => "",
                    UnixKind::Datagram => "#dgram",
                    UnixKind::Stream => "#stream",
                };
                format!("unix://{}{kind}", path.display())
            }
        }
    }
}

/// A syslog facility (RFC 5424, table 1): what part of the system a message is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility {
    /// As the setting spells it.
    pub name: &'static str,
    /// Its number in a message.
    pub code: u8,
}

impl Facility {
    /// Of programs of users.
    pub const USER: Facility = Facility { name: "user", code: 1 };
}

macro_rules! facilities {
    ($($name:literal $code:literal),* $(,)?) => {
        /// Every facility that has a name in gunicorn.
        const FACILITIES: &[Facility] = &[$(Facility { name: $name, code: $code }),*];
    };
}

facilities! {
    "kern" 0, "user" 1, "mail" 2, "daemon" 3, "auth" 4, "security" 4, "syslog" 5, "lpr" 6, "news" 7,
    "uucp" 8, "cron" 9, "authpriv" 10, "ftp" 11, "local0" 16, "local1" 17, "local2" 18, "local3" 19,
    "local4" 20, "local5" 21, "local6" 22, "local7" 23,
}

impl Value for Facility {
    const HOLDER: &'static str = "NAME";
    const SYNTAX: &'static str = "`user`, `daemon`, `local0` to `local7`, `auth`, `authpriv`, \
         `cron`, `ftp`, `kern`, `lpr`, `mail`, `news`, `security`, `syslog` or `uucp`";

    fn parse(text: &str) -> Result<Facility, String> {
        let named = FACILITIES.iter().find(|row| row.name.eq_ignore_ascii_case(text));
        named.copied().ok_or_else(|| {
            "it must be the name of a facility, such as user, daemon or local0".to_owned()
        })
    }

    fn print(&self) -> String {
        self.name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_gunicorns() {
        let unix = |path: &str, kind| SyslogAddress::Unix(path.into(), kind);
        for (text, expected, printed) in [
            ("udp://LocalHost", SyslogAddress::Udp("localhost".into(), 514), "udp://localhost:514"),
            ("udp://h:5514", SyslogAddress::Udp("h".into(), 5514), "udp://h:5514"),
            ("tcp://[::1]:601", SyslogAddress::Tcp("::1".into(), 601), "tcp://[::1]:601"),
            ("tcp://[::1]", SyslogAddress::Tcp("::1".into(), 514), "tcp://[::1]:514"),
            ("unix:///dev/log", unix("/dev/log", UnixKind::Any), "unix:///dev/log"),
            ("unix:///x#dgram", unix("/x", UnixKind::Datagram), "unix:///x#dgram"),
            ("unix:///x#stream", unix("/x", UnixKind::Stream), "unix:///x#stream"),
        ] {
            assert_eq!(SyslogAddress::parse(text).as_ref(), Ok(&expected), "{text}");
            assert_eq!(expected.print(), printed);
            assert_eq!(SyslogAddress::parse(printed), Ok(expected));
        }
        for (text, reason) in [
            ("localhost:514", "it must begin with udp://, tcp:// or unix://"),
            ("udp://:514", "the host is missing"),
            ("udp://h:syslog", "\"syslog\" is not a port number"),
            ("udp://[::1", "']' is missing"),
            ("udp://[::1]5", "\"5\" behind ']' is not a port"),
            ("unix://", "the path is empty"),
            ("unix:///x#seq", "#seq is neither #dgram nor #stream"),
        ] {
            assert_eq!(SyslogAddress::parse(text), Err(reason.to_owned()), "{text}");
        }
    }

    #[test]
    fn words() {
        for format in [LogFormat::Text, LogFormat::Json, LogFormat::Logfmt] {
            assert_eq!(LogFormat::parse(&format.print()), Ok(format));
        }
        assert!(LogFormat::parse("JSON").is_err());
        assert_eq!(Facility::parse("LOCAL7").map(|facility| facility.code), Ok(23));
        assert_eq!(Facility::parse("user"), Ok(Facility::USER));
        assert!(Facility::parse("locale").is_err());
    }
}
