//! Where metrics go, and what is put around their names. What would break a metric's line is refused
//! here, so that whoever writes one need not look.

use std::path::PathBuf;

use super::Value;
use super::logs::{HostPort, host_and_port};

/// Where a statsd daemon takes datagrams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatsdHost {
    /// `HOST:PORT`, over UDP.
    Udp(String, u16),
    /// `unix://PATH`
    Unix(PathBuf),
}

/// The port that every statsd listens on.
const STATSD_PORT: u16 = 8125;

impl Value for StatsdHost {
    const HOLDER: &'static str = "ADDRESS";
    const SYNTAX: &'static str = "`HOST:PORT` or `unix://PATH`";

    fn parse(text: &str) -> Result<StatsdHost, String> {
        match text.strip_prefix("unix://") {
            Some(path) => PathBuf::parse(path).map(StatsdHost::Unix),
            None => host_and_port(text, STATSD_PORT).map(|(h, p)| StatsdHost::Udp(h, p)),
        }
    }

    fn print(&self) -> String {
        match self {
            StatsdHost::Udp(host, port) => HostPort(host, *port).to_string(),
            StatsdHost::Unix(path) => format!("unix://{}", path.display()),
        }
    }
}

/// What the names of all metrics begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricPrefix(String);

impl MetricPrefix {
    /// With exactly one dot at its end, unless it is nothing but dots.
    pub fn dotted(&self) -> String {
        match self.0.trim_end_matches('.') {
            "" => String::new(),
            name => format!("{name}."),
        }
    }
}

impl Value for MetricPrefix {
    const HOLDER: &'static str = "TEXT";
    const SYNTAX: &'static str = "a text without spaces and none of `:|@#`";

    fn parse(text: &str) -> Result<MetricPrefix, String> {
        match text.contains(|c: char| c.is_whitespace() || c.is_control() || ":|@#".contains(c)) {
            true => Err("no space and none of :|@# can be in the name of a metric".to_owned()),
            false => Ok(MetricPrefix(text.to_owned())),
        }
    }

    fn print(&self) -> String {
        self.0.clone()
    }
}

/// dogstatsd's tags of every metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricTags(String);

impl MetricTags {
    /// As they follow a metric: `|#a:b,c`.
    pub fn suffix(&self) -> String {
        format!("|#{}", self.0)
    }
}

impl Value for MetricTags {
    const HOLDER: &'static str = "TAGS";
    const SYNTAX: &'static str = "tags with commas between them, `name:value` each";

    fn parse(text: &str) -> Result<MetricTags, String> {
        match text.contains(|c: char| c.is_control() || "|#".contains(c)) {
            true => Err("no control character and none of |# can be in a tag".to_owned()),
            false => Ok(MetricTags(text.to_owned())),
        }
    }

    fn print(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, expected) in [
            ("127.0.0.1:9125", StatsdHost::Udp("127.0.0.1".into(), 9125)),
            ("statsd", StatsdHost::Udp("statsd".into(), 8125)),
            ("[::1]:1", StatsdHost::Udp("::1".into(), 1)),
            ("unix:///run/statsd.sock", StatsdHost::Unix("/run/statsd.sock".into())),
        ] {
            assert_eq!(StatsdHost::parse(text).as_ref(), Ok(&expected));
            assert_eq!(StatsdHost::parse(&expected.print()), Ok(expected));
        }
        for text in ["", ":8125", "h:port", "unix://"] {
            assert!(StatsdHost::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_ends_with_one_dot() {
        for (text, expected) in [("a.b", "a.b."), ("a.", "a."), ("a...", "a."), (".", "")] {
            assert_eq!(MetricPrefix::parse(text).unwrap().dotted(), expected);
        }
        for text in ["a b", "a:b", "a|b", "a\nb", "a@b", "a#b"] {
            assert!(MetricPrefix::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_follow_a_metric() {
        assert_eq!(MetricTags::parse("env:prod,web").unwrap().suffix(), "|#env:prod,web");
        for text in ["a|b", "a\nb", "#a"] {
            assert!(MetricTags::parse(text).is_err(), "{text}");
        }
    }
}
