//! What the settings about proxies consist of: addresses that are believed, header fields by their
//! names, and what becomes of those that nobody answers for.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use super::{Arity, Completes, Value};

/// Addresses that are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Every one.
    Any,
    /// One address, or a network.
    Net(IpNet),
}

impl Sender {
    /// Whether `address` is one of them.
    pub fn includes(&self, address: IpAddr) -> bool {
        match self {
            Sender::Any => true,
            Sender::Net(net) => net.contains(&address),
        }
    }
}

/// What stands for everything in a list.
const ANY: &str = "*";

impl Value for Sender {
    const HOLDER: &'static str = "LIST";
    const SYNTAX: &'static str = "addresses and networks (`10.0.0.0/8`), separated by commas; `*` \
         is every address";

    fn parse(text: &str) -> Result<Sender, String> {
        if text == ANY {
            return Ok(Sender::Any);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Sender::Net(address.into()));
        }
        let Ok(net) = text.parse::<IpNet>() else {
            return Err("neither an address nor a network: write 10.0.0.1, 10.0.0.0/8 or *".into());
        };
        match net == net.trunc() {
            true => Ok(Sender::Net(net)),
            false => Err(format!("it has bits behind its prefix: write {}", net.trunc())),
        }
    }

    fn print(&self) -> String {
        match self {
            Sender::Any => ANY.to_owned(),
            Sender::Net(net) if net.prefix_len() == net.max_prefix_len() => net.addr().to_string(),
            Sender::Net(net) => net.to_string(),
        }
    }
}

/// Names of header fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldPattern {
    /// Every one.
    Any,
    /// This one.
    Name(HeaderName),
}

impl FieldPattern {
    /// Whether `name` is one of them.
    pub fn matches(&self, name: &HeaderName) -> bool {
        match self {
            FieldPattern::Any => true,
            FieldPattern::Name(mine) => mine == name,
        }
    }
}

impl Value for FieldPattern {
    const HOLDER: &'static str = "NAMES";
    const SYNTAX: &'static str = "names of header fields, separated by commas; `*` is every one";

    fn parse(text: &str) -> Result<FieldPattern, String> {
        match text {
            ANY => Ok(FieldPattern::Any),
            text => field_name(text).map(FieldPattern::Name),
        }
    }

    fn print(&self) -> String {
        match self {
            FieldPattern::Any => ANY.to_owned(),
            FieldPattern::Name(name) => name.as_str().to_ascii_uppercase(),
        }
    }
}

fn field_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "not the name of a header field".to_owned())
}

/// A header field that says that the client used https, by having one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemeHeader {
    /// Its name.
    pub name: HeaderName,
    /// The value that means https; every other one means http.
    pub value: HeaderValue,
}

impl Value for SchemeHeader {
    const HOLDER: &'static str = "NAME=VALUE";
    const SYNTAX: &'static str =
        "`NAME=VALUE`, separated by commas; in a file a list of these, or a table";
    const ARITY: Arity = Arity::Pairs;

    fn parse(text: &str) -> Result<SchemeHeader, String> {
        let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
        let value = value.trim();
        match HeaderValue::from_str(value) {
            Ok(read) if !value.is_empty() => {
                Ok(SchemeHeader { name: field_name(name.trim())?, value: read })
            }
            _ => Err("not the value of a header field".to_owned()),
        }
    }

    fn print(&self) -> String {
        let value = String::from_utf8_lossy(self.value.as_bytes());
        format!("{}={value}", self.name.as_str().to_ascii_uppercase())
    }
}

/// What becomes of header fields whose names have an underscore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underscores {
    /// The application does not see them.
    Drop,
    /// The request is answered with 400.
    Refuse,
    /// Nothing: the application can tell them from those with a dash, or so the user says.
    Dangerous,
}

impl Underscores {
    const NAMES: [(&'static str, Underscores); 3] = [
        ("drop", Underscores::Drop),
        ("refuse", Underscores::Refuse),
        ("dangerous", Underscores::Dangerous),
    ];
}

impl Value for Underscores {
    const HOLDER: &'static str = "WHAT";
    const SYNTAX: &'static str = "`drop`, `refuse` or `dangerous`";
    const COMPLETES: Completes = Completes::Words(&["drop", "refuse", "dangerous"]);

    fn parse(text: &str) -> Result<Underscores, String> {
        by_name(&Self::NAMES, text).ok_or_else(|| "it must be drop, refuse or dangerous".to_owned())
    }

    fn print(&self) -> String {
        name_of(&Self::NAMES, *self)
    }
}

/// Which PROXY headers connections may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None.
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, in binary.
    V2,
    /// Either.
    Auto,
}

impl ProxyProtocol {
    /// The last two are the switch that older versions of gunicorn have.
    const NAMES: [(&'static str, ProxyProtocol); 6] = [
        ("off", ProxyProtocol::Off),
        ("v1", ProxyProtocol::V1),
        ("v2", ProxyProtocol::V2),
        ("auto", ProxyProtocol::Auto),
        ("true", ProxyProtocol::Auto),
        ("false", ProxyProtocol::Off),
    ];
}

impl Value for ProxyProtocol {
    const HOLDER: &'static str = "VERSION";
    const SYNTAX: &'static str = "`off`, `v1`, `v2` or `auto`; `true` is `auto`, `false` is `off`";
    const COMPLETES: Completes = Completes::Words(&["off", "v1", "v2", "auto"]);

    fn parse(text: &str) -> Result<ProxyProtocol, String> {
        by_name(&Self::NAMES, text).ok_or_else(|| "it must be off, v1, v2 or auto".to_owned())
    }

    fn print(&self) -> String {
        name_of(&Self::NAMES, *self)
    }
}

pub(super) fn by_name<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    let row = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))?;
    Some(row.1)
}

pub(super) fn name_of<T: Copy + PartialEq>(names: &[(&str, T)], value: T) -> String {
    let row = names.iter().find(|(_, named)| *named == value);
    row.map_or_else(String::new, |(name, _)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: Value>(good: &[(&str, &str)], bad: &[(&str, &str)]) {
        for (text, printed) in good {
            let read = T::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}"));
            assert_eq!(read.print(), *printed, "{text}");
            assert_eq!(T::parse(printed).map(|again| again.print()), Ok((*printed).to_owned()));
        }
        for (text, reason) in bad {
            let refused = T::parse(text).map(|read| read.print());
            assert_eq!(refused, Err((*reason).to_owned()), "{text}");
        }
    }

    #[test]
    fn senders() {
        let no = "neither an address nor a network: write 10.0.0.1, 10.0.0.0/8 or *";
        check::<Sender>(
            &[
                ("127.0.0.1", "127.0.0.1"),
                ("127.0.0.1/32", "127.0.0.1"),
                ("10.0.0.0/8", "10.0.0.0/8"),
                ("2001:DB8::/32", "2001:db8::/32"),
                ("::1", "::1"),
                ("*", "*"),
            ],
            &[
                ("10.0.0.1/8", "it has bits behind its prefix: write 10.0.0.0/8"),
                ("10.0.0.0/33", no),
                ("localhost", no),
                ("10.0.0.1:80", no),
                ("10.0.0.*", no),
            ],
        );
    }

    #[test]
    fn fields() {
        let name = "not the name of a header field";
        check::<FieldPattern>(
            &[("script_name", "SCRIPT_NAME"), ("*", "*")],
            &[("a b", name), ("a:", name)],
        );
        check::<SchemeHeader>(
            &[("X-Forwarded-Proto=https", "X-FORWARDED-PROTO=https"), ("a = b=c", "A=b=c")],
            &[
                ("X-Forwarded-Proto", "it must be NAME=VALUE"),
                ("=https", name),
                ("X-Ssl=", "not the value of a header field"),
                ("X-Ssl=a\rb", "not the value of a header field"),
            ],
        );
    }

    #[test]
    fn choices() {
        check::<Underscores>(
            &[("drop", "drop"), ("REFUSE", "refuse"), ("dangerous", "dangerous")],
            &[("keep", "it must be drop, refuse or dangerous")],
        );
        check::<ProxyProtocol>(
            &[("off", "off"), ("v1", "v1"), ("V2", "v2"), ("true", "auto"), ("false", "off")],
            &[("v3", "it must be off, v1, v2 or auto"), ("", "it must be off, v1, v2 or auto")],
        );
    }
}
