//! From where `/upstream` may fetch. A route that connects to whatever a client names would make
//! every demo a way into the network behind it; so it is a list, empty unless the operator says
//! otherwise.

use std::fmt;

use http::uri::Authority;

const VARIABLE: &str = "OXICORN_DEMO_UPSTREAM";
const HTTP_PORT: u16 = 80;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// A name in lower case, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Origin {
    /// `None` for one with a user's name or a port that is none.
    pub(super) fn of(authority: &Authority) -> Option<Origin> {
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host)? {
            "" => HTTP_PORT,
            rest => rest.strip_prefix(':')?.parse().ok()?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        (!host.is_empty()).then_some(Origin { host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct AllowList(Vec<Origin>);

impl AllowList {
    pub(super) fn from_environment() -> AllowList {
        let text = std::env::var_os(VARIABLE).unwrap_or_default();
        AllowList::parse(&text.to_string_lossy())
    }

    pub(super) fn parse(text: &str) -> AllowList {
        let entries = text.split(',').map(str::trim).filter(|e| !e.is_empty());
        let origins = entries.filter_map(|entry| {
            let origin = entry.parse().ok().as_ref().and_then(Origin::of);
            if origin.is_none() {
                tracing::warn!("{VARIABLE}: {entry:?} is not host:port and allows nothing");
            }
            origin
        });
        AllowList(origins.collect())
    }

    pub(super) fn allows(&self, origin: &Origin) -> bool {
        self.0.contains(origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_of_hosts_with_ports_and_skips_what_is_neither() {
        let list = AllowList::parse(" 127.0.0.1:9000,LocalHost ,[::1]:80, u@x:1, x:99999,x:y,");
        let names: Vec<_> = list.0.iter().map(Origin::to_string).collect();
        assert_eq!(names, ["127.0.0.1:9000", "localhost:80", "[::1]:80"]);
        assert!(AllowList::parse("").0.is_empty());
    }

    #[test]
    fn host_and_port_must_both_be_the_same() {
        let list = AllowList::parse("one:1,two:2");
        let allows = |text: &str| list.allows(&Origin::of(&text.parse().unwrap()).unwrap());
        assert!(allows("one:1") && allows("TWO:2"));
        assert!(!allows("one:2") && !allows("one") && !allows("one.example:1"));
    }
}
