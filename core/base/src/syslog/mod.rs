//! Messages to a syslog daemon, in the form of RFC 5424. The error log and the access log each have
//! one of these; a message never waits for the daemon (see [`crate::post`]).
//!
//! Not the crate of this name: its sockets block, which neither the master nor a request may, and it
//! does not look for a daemon that has gone.

use std::io;
use std::time::Duration;

use crate::config::{Config, LogLevel};
use crate::log::stamp;
use crate::post::{Lookups, Place, Post};

/// Which of the logs a message is from: its MSGID (RFC 5424, section 6.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    Error,
    Access,
}

/// A severity (RFC 5424, table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Severity(u8);

impl Severity {
    /// Of a line of the access log.
    pub(crate) const INFORMATIONAL: Severity = Severity(6);
}

impl From<LogLevel> for Severity {
    fn from(level: LogLevel) -> Severity {
        Severity(match level {
            LogLevel::Critical => 2,
            LogLevel::Error => 3,
            LogLevel::Warning => 4,
            LogLevel::Info => 6,
            LogLevel::Debug => 7,
        })
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Syslog {
    post: Post,
    facility: u8,
    host: Vec<u8>,
    name: Vec<u8>,
    log: Log,
}

/// What the header's words may be at most (RFC 5424, section 6).
const HOST_LIMIT: usize = 255;
const NAME_LIMIT: usize = 48;

/// A word of the header: printable ASCII, and at least a hyphen.
fn word(text: &str, limit: usize) -> Vec<u8> {
    let plain = |byte: u8| if byte.is_ascii_graphic() { byte } else { b'_' };
    let word: Vec<u8> = text.trim().bytes().map(plain).take(limit).collect();
    if word.is_empty() { b"-".to_vec() } else { word }
}

impl Syslog {
    /// None: the settings want no syslog. A daemon that is not there is looked for when there is
    /// something to say.
    pub(crate) fn from_settings(config: &Config, log: Log, lookups: Lookups) -> Option<Syslog> {
        if !config.syslog {
            return None;
        }
        let prefix = config.syslog_prefix.as_ref().or(config.proc_name.as_ref());
        let name = match prefix {
            // gunicorn's users have module:callable here, and filters that expect dots.
            Some(prefix) => format!("oxicorn.{}", prefix.replace(':', ".")),
            None => "oxicorn".to_owned(),
        };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Some(Syslog {
            post: Post::new(Place::from(&config.syslog_addr), lookups),
            facility: config.syslog_facility.code,
            host: word(&host, HOST_LIMIT),
            name: word(&name, NAME_LIMIT),
            log,
        })
    }

    fn message(&self, severity: Severity, text: &[u8]) -> Vec<u8> {
        let mut message = Vec::with_capacity(text.len() + 128);
        let mut number = itoa::Buffer::new();
        message.push(b'<');
        let priority = self.facility * 8 + severity.0;
        message.extend_from_slice(number.format(priority).as_bytes());
        message.extend_from_slice(b">1 ");
        message.extend_from_slice(&stamp::rfc3339());
        for word in [&self.host, &self.name] {
            message.push(b' ');
            message.extend_from_slice(word);
        }
        message.push(b' ');
        message.extend_from_slice(number.format(std::process::id()).as_bytes());
        message.extend_from_slice(match self.log {
            Log::Error => b" error - ".as_slice(),
            Log::Access => b" access - ",
        });
        message.extend_from_slice(text);
        message
    }

    /// Sends one line, which has no line feed, and waits for room for at most `patience`.
    ///
    /// # Errors
    /// It is lost; why.
    pub(crate) fn send(
        &mut self,
        severity: Severity,
        text: &[u8],
        patience: Duration,
    ) -> io::Result<()> {
        let message = self.message(severity, text);
        self.post.send(&message, patience)
    }

    /// Tries to get rid of what a stream has not taken yet.
    pub(crate) fn flush(&mut self) {
        self.post.flush();
    }

    /// Whether [`Syslog::flush`] has something to do.
    pub(crate) fn has_unsent(&self) -> bool {
        self.post.has_unsent()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Facility, SyslogAddress, Value};
    use std::net::UdpSocket;

    fn config(address: &str) -> Config {
        Config {
            syslog: true,
            syslog_addr: SyslogAddress::parse(address).unwrap(),
            syslog_prefix: Some("shop:app é".to_owned()),
            syslog_facility: Facility::parse("local3").unwrap(),
            ..Config::default()
        }
    }

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = format!("udp://{}", daemon.local_addr().unwrap());
        let config = config(&address);
        let mut syslog = Syslog::from_settings(&config, Log::Error, Lookups::First).unwrap();
        syslog.send(LogLevel::Warning.into(), b"a message", Duration::ZERO).unwrap();
        let mut space = [0; 999];
        let count = daemon.recv(&mut space).unwrap();
        let got = std::str::from_utf8(&space[..count]).unwrap();
        let words: Vec<&str> = got.splitn(8, ' ').collect();
        assert_eq!(words[0], "<156>1", "19 * 8 + 4");
        assert!(words[1].ends_with('Z') && words[1].len() == 27, "{got}");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(words[2], host.trim());
        assert_eq!(words[3], "oxicorn.shop.app___");
        assert_eq!(words[4], std::process::id().to_string());
        assert_eq!(words[5..], ["error", "-", "a message"]);
    }

    #[test]
    fn over_tcp_each_message_has_its_length_in_front() {
        #[expect(clippy::disallowed_methods, reason = "a daemon of the test's")]
        let daemon = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = config(&format!("tcp://{}", daemon.local_addr().unwrap()));
        let mut syslog = Syslog::from_settings(&config, Log::Access, Lookups::Always).unwrap();
        for text in ["one", "another one"] {
            syslog.send(Severity::INFORMATIONAL, text.as_bytes(), Duration::ZERO).unwrap();
        }
        let (mut stream, _) = daemon.accept().unwrap();
        // The connection may have been on its way when the last message was posted.
        syslog.flush();
        assert!(!syslog.has_unsent());
        drop(syslog);
        let mut got = String::new();
        std::io::Read::read_to_string(&mut stream, &mut got).unwrap();
        let mut rest = got.as_str();
        for text in ["one", "another one"] {
            let (length, behind) = rest.split_once(' ').unwrap();
            let (message, behind) = behind.split_at(length.parse().unwrap());
            assert!(message.starts_with("<158>1 "), "{message}");
            assert!(message.ends_with(&format!(" access - {text}")), "{message}");
            rest = behind;
        }
        assert_eq!(rest, "");
    }

    #[test]
    fn names_are_words_and_it_is_off_by_default() {
        assert!(Syslog::from_settings(&Config::default(), Log::Access, Lookups::First).is_none());
        assert_eq!(word("", 9), b"-");
        assert_eq!(word("a b\n", 9), b"a_b");
        assert_eq!(word("abcdef", 3), b"abc");
    }
}
